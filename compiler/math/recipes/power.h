#ifndef STATOR_COMPILER_MATH_RECIPES_POWER_H_
#define STATOR_COMPILER_MATH_RECIPES_POWER_H_

#include "compiler/math/constants/power.h"
#include "compiler/math/recipes/exponential.h"
#include "compiler/math/vocabulary.h"

namespace stator::compiler::math {

// An unevaluated sum.
template <typename N>
struct Pair {
  N high;
  N low;
};

// log(a), a >= 0, to about twice the precision. With a = m 2^e and c the reciprocal of the center
// of m's piece, log a = e ln 2 - log c + log(m c); one of the centers is 1. The first words of ln 2
// and of -log c are so short that their sum is exact, as is every difference below.
template <typename N>
Pair<N> LogPair(N a) {
  using C = PowerConstants<ScalarOf<N>>;
  using Format = FormatOf<N>;
  constexpr auto kOne = ConstantBits<N>(1.0);
  constexpr auto kFirstPiece = ConstantBits<N>(0.71875);

  const auto subnormal = a < Format::kSmallestNormal;
  const auto a_bits = ToBits(Select(subnormal, a * Format::kNormalizer, a));
  const auto moved = a_bits + (kOne - kFirstPiece);
  const auto biased = moved >> Format::kMantissaBits;
  const auto piece = N::MakeTableIndex(moved >> (Format::kMantissaBits - 3));
  const N m = N::FromBits((a_bits - (biased << Format::kMantissaBits)) + kOne);
  const N bias =
      Select(subnormal, N(Format::kExponentBias + Format::kMantissaBits), Format::kExponentBias);
  const N e = SmallIntegerToNumber<N>(biased) - bias;

  // m c = 1 + f + f_low.
  const N c = N::Lookup(piece, C::kReciprocal);
  const N product = m * c;
  const N f_low = Fma(m, c, -product);
  const N f = product - 1;
  // base + f, then - f^2 / 2, each with its rounding error.
  const N base = Fma(e, C::kLn2Short, N::Lookup(piece, C::kLogHigh));
  const N sum1 = base + f;
  const N error1 = (base - sum1) + f;
  const N half = f * -0.5;
  const N square = half * f;
  const N square_low = Fma(half, f, -square);
  const N sum2 = sum1 + square;
  const N error2 = (sum1 - sum2) + square;
  // log(1 + f + f_low) = log(1 + f) + f_low / (1 + f), the quotient as a series.
  const N f_low_part = f_low * Fma(-f, Fma(-f, N(1) - f, 1), 1);
  const N tail = Fma(f * f * f, Polynomial(f, C::kLogSeries),
                     Fma(e, C::kLn2Rest, N::Lookup(piece, C::kLogLow)));
  const N low = ((error1 + error2) + (square_low + f_low_part)) + tail;
  const N high = sum2 + low;
  return {high, (sum2 - high) + low};
}

// e^(high + low).
template <typename N>
N ExpOfPair(const Pair<N>& x) {
  using C = ExpOf<N>;
  const N high = Clamp(x.high, C::kExpLowest, C::kExpHighest);
  const N low = Select(high == x.high, x.low, 0);
  const N n = RoundProduct(high, C::kLog2E);
  const N r_high = Fma(n, C::kMinusLn2High, high);
  const N r_low = Fma(n, C::kMinusLn2Low, low);
  const N r = r_high + r_low;
  const N sum = N(1) + r_high;
  const N rest = ((N(1) - sum) + r_high) + r_low;
  return Scale(sum + Fma(r * r, Polynomial(r, C::kExpSeries), rest), n);
}

template <typename N>
struct IntegerTest {
  typename N::Mask is_integer;
  typename N::Mask is_odd;
};

template <typename N>
IntegerTest<N> TestInteger(N y) {
  constexpr auto kAllIntegers = FormatOf<N>::kAllIntegers;
  const N magnitude = Abs(y);
  const N shifted = magnitude + kAllIntegers;
  const auto large = magnitude >= kAllIntegers;
  const auto is_integer = large | (shifted - kAllIntegers == magnitude);
  // From twice that bound on, all are even.
  const auto last_bit = ToBits(Select(large, magnitude, shifted)) & 1;
  return {is_integer, is_integer & (magnitude < 2 * kAllIntegers) & (last_bit != 0)};
}

// e^(y log|x|), then the special cases of C Annex F.
template <typename N>
N Pow(N x, N y) {
  using C = PowerConstants<ScalarOf<N>>;
  const N a = Abs(x);
  const Pair<N> log = LogPair(a);
  const N exponent = Clamp(y, -C::kExponentLimit, C::kExponentLimit);
  const N product = exponent * log.high;
  const N product_low = Fma(exponent, log.high, -product) + exponent * log.low;
  N z = ExpOfPair<N>({product, product_low});

  const IntegerTest<N> test = TestInteger(y);
  const auto negative = (ToBits(x) & FormatOf<N>::kSignMask) != 0;
  z = Select((a == 0) | (a == kInfinity), Select((a == 0) ^ (y < 0), N(0), kInfinity), z);
  z = Select(negative & test.is_odd, -z, z);
  z = Select((x < 0) & (a < kInfinity) & !test.is_integer, N(kNaN), z);
  z = Select((x == x) & (y == y), z, x + y);
  return Select((x == 1) | (y == 0), N(1), z);
}

}  // namespace stator::compiler::math

#endif  // STATOR_COMPILER_MATH_RECIPES_POWER_H_
