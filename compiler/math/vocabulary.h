#ifndef STATOR_COMPILER_MATH_VOCABULARY_H_
#define STATOR_COMPILER_MATH_VOCABULARY_H_

#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "compiler/math/number_format.h"

// The words that recipes are written in, beyond the operations of the number type N itself
// (ScalarNumber or EmittedNumber). Everything is evaluated exactly as parenthesised: a*b+c rounds
// twice, only Fma rounds once.

namespace stator::compiler::math {

template <typename N>
using ScalarOf = typename N::Scalar;

template <typename N>
using FormatOf = NumberFormat<typename N::Scalar>;

inline constexpr double kInfinity = std::numeric_limits<double>::infinity();
inline constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

// If either operand is NaN, the result is b; so the operand whose NaN must survive comes second.
template <typename N>
N Min(N a, N b) {
  return Select(a < b, a, b);
}

template <typename N>
N Max(N a, N b) {
  return Select(a > b, a, b);
}

// NaN stays NaN.
template <typename N>
N Clamp(N x, ScalarOf<N> lowest, ScalarOf<N> highest) {
  return Min<N>(highest, Max<N>(lowest, x));
}

// Horner's scheme, one fused multiply-add per step: with many independent elements in flight it is
// no slower than shorter chains, and more accurate.
template <typename N, size_t count>
N Polynomial(N x, const ScalarOf<N> (&coefficients)[count]) {
  N result(coefficients[count - 1]);
  for (size_t k = count - 1; k-- > 0;) result = Fma(result, x, coefficients[k]);
  return result;
}

// As Polynomial, with coefficient k of the lane's piece in rows[k][piece].
template <typename N, size_t count>
N PiecewisePolynomial(N x, typename N::TableIndex piece, const ScalarOf<N> (&rows)[count][8]) {
  N result = N::Lookup(piece, rows[count - 1]);
  for (size_t k = count - 1; k-- > 0;) result = Fma(result, x, N::Lookup(piece, rows[k]));
  return result;
}

// The integer nearest to x, ties to even, for |x| below kRoundingShift / 4.
template <typename N>
N RoundToInteger(N x) {
  return (x + FormatOf<N>::kRoundingShift) - FormatOf<N>::kRoundingShift;
}

// The integer nearest to x * factor.
template <typename N>
N RoundProduct(N x, ScalarOf<N> factor) {
  return Fma(x, factor, FormatOf<N>::kRoundingShift) - FormatOf<N>::kRoundingShift;
}

// The bits of a constant.
template <typename N>
constexpr typename FormatOf<N>::Bits ConstantBits(ScalarOf<N> constant) {
  return std::bit_cast<typename FormatOf<N>::Bits>(constant);
}

// The small signed integer in `bits` as a number.
template <typename N>
N SmallIntegerToNumber(typename N::Bits bits) {
  using Format = FormatOf<N>;
  return N::FromBits(bits + ConstantBits<N>(Format::kRoundingShift)) - Format::kRoundingShift;
}

// 2^n in the exponent field, for n + bias in `biased`.
template <typename N>
N PowerOfTwo(typename N::Bits biased) {
  return N::FromBits(biased << FormatOf<N>::kMantissaBits);
}

// p * 2^n, rounded once, also into the subnormals and to infinity, for |p| in [2^-20, 2^20] and
// integers |n| up to twice the exponent bias, or n = -infinity. NaN in p stays NaN. Unspecified for
// n = +infinity or NaN.
template <typename N>
N Scale(N p, N n) {
  using Format = FormatOf<N>;
  if (auto scaled = N::HardwareScale(p, n)) return *scaled;
  // Two factors, because 2^n alone may not be a normal number; the first product is exact.
  const auto biased = ToBits(n + (Format::kRoundingShift + 2 * Format::kExponentBias));
  const auto first = biased >> 1;
  return (p * PowerOfTwo<N>(first)) * PowerOfTwo<N>(biased - first);
}

// x = mantissa * 2^exponent with the mantissa in [0.75, 1.5). Zeros: exponent -infinity, mantissa 1
// or -1. Infinity: exponent infinity, mantissa 1. NaN: both NaN. Negative: mantissa NaN, exponent
// unspecified.
template <typename N>
struct Split {
  N mantissa;
  N exponent;
};

template <typename N>
Split<N> SplitExponent(N x) {
  using Format = FormatOf<N>;
  constexpr auto kLowestMantissa = ConstantBits<N>(0.75);
  if (auto split = N::HardwareSplitExponent(x)) return {(*split)[0], (*split)[1]};
  const auto subnormal = x < Format::kSmallestNormal;
  const N normal = Select(subnormal, x * Format::kNormalizer, x);
  // The mantissa's interval begins halfway between two powers of two, so half a step is added
  // before the exponent field is cut off.
  const auto moved = ToBits(normal) + (ConstantBits<N>(1.0) - kLowestMantissa);
  const N biased = SmallIntegerToNumber<N>(moved >> Format::kMantissaBits);
  const N bias =
      Select(subnormal, N(Format::kExponentBias + Format::kMantissaBits), Format::kExponentBias);
  const N mantissa = N::FromBits((moved & Format::kMantissaMask) + kLowestMantissa);
  const N exponent = Select(x < kInfinity, biased - bias, x);
  return {Select(x >= 0, mantissa, kNaN), Select(x == 0, N(-kInfinity), exponent)};
}

}  // namespace stator::compiler::math

#endif  // STATOR_COMPILER_MATH_VOCABULARY_H_
