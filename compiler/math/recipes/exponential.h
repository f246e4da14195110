#ifndef STATOR_COMPILER_MATH_RECIPES_EXPONENTIAL_H_
#define STATOR_COMPILER_MATH_RECIPES_EXPONENTIAL_H_

#include "compiler/math/constants/exponential.h"
#include "compiler/math/vocabulary.h"

namespace stator::compiler::math {

template <typename N>
using ExpOf = ExponentialConstants<ScalarOf<N>>;

// mantissa * 2^exponent, not yet multiplied so that the caller can round once.
template <typename N>
struct Scaled {
  N mantissa;
  N exponent;
};

// x - n ln 2; the first of the two steps is exact.
template <typename N>
N SubtractLn2Multiple(N x, N n) {
  return Fma(n, ExpOf<N>::kMinusLn2Low, Fma(n, ExpOf<N>::kMinusLn2High, x));
}

// e^x = (1 + mantissa) 2^exponent: what remains accurate where the mantissa is small.
template <typename N>
Scaled<N> ExpMinusOneParts(N x) {
  const N n = RoundProduct(x, ExpOf<N>::kLog2E);
  const N r = SubtractLn2Multiple(x, n);
  return {Fma(r * r, Polynomial(r, ExpOf<N>::kExpSeries), r), n};
}

// e^x = mantissa 2^exponent. The rounding error of 1 + high is carried into the last sum, which
// takes a third of an ulp off the error for three operations more.
template <typename N>
Scaled<N> ExpParts(N x) {
  using C = ExpOf<N>;
  const N n = RoundProduct(x, C::kLog2E);
  const N high = Fma(n, C::kMinusLn2High, x);
  const N r = Fma(n, C::kMinusLn2Low, high);
  const N sum = N(1) + high;
  const N rest = Fma(n, C::kMinusLn2Low, (N(1) - sum) + high);
  return {sum + Fma(r * r, Polynomial(r, C::kExpSeries), rest), n};
}

// Beyond the clamps, Scale overflows to infinity and underflows to zero by itself.
template <typename N>
N Exp(N x) {
  const Scaled<N> parts = ExpParts(Clamp(x, ExpOf<N>::kExpLowest, ExpOf<N>::kExpHighest));
  return Scale(parts.mantissa, parts.exponent);
}

// With p = e^r - 1 and s = 2^n / 2 the result is 2 (p s + (s - 1/2)). The reduced interval is moved
// so that this sum never cancels badly; the sign is copied so that -0 stays -0.
template <typename N>
N Expm1(N x) {
  using C = ExpOf<N>;
  const N clamped = Clamp(x, C::kExpm1Lowest, C::kExpHighest);
  const N n = RoundToInteger(Fma(clamped, C::kLog2E, C::kExpm1Shift));
  const N r = SubtractLn2Multiple(clamped, n);
  const N p = Fma(r * r, Polynomial(r, C::kExpm1Series), r);
  const N s = Scale(N(0.5), n);
  const N half = Fma(p, s, s - 0.5);
  return CopySign(half + half, x);
}

// 1 / (1 + e^-x) through e = e^-|x| and r = e / (1 + e), so that nothing overflows and small
// results keep their relative accuracy down to the subnormals.
template <typename N>
N Logistic(N x) {
  const Scaled<N> parts = ExpParts(Max<N>(ExpOf<N>::kExpLowest, -Abs(x)));
  const N e = Scale(parts.mantissa, parts.exponent);
  const N r = e / (N(1) + e);
  return Select(x < 0, Fma(-e, r, e), N(1) - r);
}

}  // namespace stator::compiler::math

#endif  // STATOR_COMPILER_MATH_RECIPES_EXPONENTIAL_H_
