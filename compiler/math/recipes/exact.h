#ifndef STATOR_COMPILER_MATH_RECIPES_EXACT_H_
#define STATOR_COMPILER_MATH_RECIPES_EXACT_H_

#include <array>

#include "compiler/math/vocabulary.h"

// Functions whose results need no rounding.

namespace stator::compiler::math {

template <typename N>
N RoundAwayFromZero(N x) {
  const N magnitude = Abs(x);
  const N whole = Truncate(magnitude);
  return CopySign(whole + Select(magnitude - whole >= 0.5, N(1), 0), x);
}

template <typename N>
N Sign(N x) {
  return Select(x > 0, N(1), Select(x < 0, N(-1), x));
}

// x - y * trunc(x / y) for x, y >= 0, given a rounded quotient at which every integer is a number.
// Rounding can make the truncated quotient one too large; the product's difference is a number in
// either case.
template <typename N>
N RemainderByQuotient(N x, N y, N quotient) {
  const N rest = Fma(-Truncate(quotient), y, x);
  return Select(rest < 0, rest + y, rest);
}

// The remainder in lanes of the mask, where x and y are finite and x / y is large: long division,
// as many bits of the quotient at a time as a number holds. Unspecified in other lanes.
template <typename N>
N LongRemainder(typename N::Mask mask, N x, N y) {
  constexpr int kBitsPerStep = FormatOf<N>::kMantissaBits - 1;
  const Split<N> x_split = SplitExponent(x);
  const Split<N> y_split = SplitExponent(y);
  const N divisor = y_split.mantissa;
  const N steps = Select(mask, x_split.exponent - y_split.exponent, 0);
  const auto done = WhileAny(
      std::array<N, 2>{x_split.mantissa, steps},
      [](const std::array<N, 2>& state) { return state[1] > 0; },
      [&](const std::array<N, 2>& state) {
        const N step = Min<N>(kBitsPerStep, state[1]);
        const N grown = Scale(state[0], step);
        return std::array<N, 2>{RemainderByQuotient(grown, divisor, grown / divisor),
                                state[1] - step};
      });
  return Scale(done[0], y_split.exponent);
}

// The remainder of the division rounded towards zero. NaN for y = 0 and for infinite x.
template <typename N>
N Remainder(N x, N y) {
  const N a = Abs(x);
  const N b = Abs(y);
  const auto valid = (a < kInfinity) & (b > 0);
  const N quotient = a / b;
  const N simple = Select(a < b, a, RemainderByQuotient(a, b, quotient));
  const auto large = (quotient >= FormatOf<N>::kAllIntegers) & valid;
  const N rest =
      IfAny(large, simple, [&] { return Select(large, LongRemainder(large, a, b), simple); });
  return Select(valid, CopySign(rest, x), kNaN);
}

}  // namespace stator::compiler::math

#endif  // STATOR_COMPILER_MATH_RECIPES_EXACT_H_
