#ifndef STATOR_COMPILER_MATH_RECIPES_HYPERBOLIC_H_
#define STATOR_COMPILER_MATH_RECIPES_HYPERBOLIC_H_

#include "compiler/math/constants/hyperbolic.h"
#include "compiler/math/recipes/exponential.h"
#include "compiler/math/recipes/logarithm.h"
#include "compiler/math/vocabulary.h"

namespace stator::compiler::math {

template <typename N>
using HyperbolicOf = HyperbolicConstants<ScalarOf<N>>;

// |x| = n ln 2 + r: sinh r, cosh r - 1, 2^n / 4 and 2^-n / 4.
template <typename N>
struct HyperbolicParts {
  N sinh;
  N cosh_minus_one;
  N growing;
  N shrinking;
};

template <typename N>
HyperbolicParts<N> SplitHyperbolic(N x) {
  using C = HyperbolicOf<N>;
  const N magnitude = Min<N>(C::kSinhHighest, Abs(x));
  const N n = RoundToInteger(Fma(magnitude, ExpOf<N>::kLog2E, C::kSinhShift));
  const N r = SubtractLn2Multiple(magnitude, n);
  const N square = r * r;
  return {Fma(square * r, Polynomial(square, C::kSinhSeries), r),
          square * Polynomial(square, C::kCoshSeries), Scale(N(0.25), n), Scale(N(0.25), -n)};
}

// sinh x = (2^n - 2^-n)/2 cosh r + (2^n + 2^-n)/2 sinh r: no division, no second exponential, no
// cancellation.
template <typename N>
N Sinh(N x) {
  const HyperbolicParts<N> p = SplitHyperbolic(x);
  const N difference = p.growing - p.shrinking;
  const N rounding = (p.growing - difference) - p.shrinking;
  const N half = difference +
                 (Fma(difference, p.cosh_minus_one, (p.growing + p.shrinking) * p.sinh) + rounding);
  return CopySign(half + half, x);
}

// The shrinking power is added to the small part, where it is not lost.
template <typename N>
N Cosh(N x) {
  const HyperbolicParts<N> p = SplitHyperbolic(x);
  const N small =
      Fma(p.growing + p.shrinking, p.cosh_minus_one, (p.growing - p.shrinking) * p.sinh);
  const N half = p.growing + (small + p.shrinking);
  return half + half;
}

// A series near zero, 1 - 2 / (e^2x + 1) beyond.
template <typename N>
N Tanh(N x) {
  using C = HyperbolicOf<N>;
  const N magnitude = Abs(x);
  const N clamped = Min<N>(C::kTanhHighest, magnitude);
  const Scaled<N> parts = ExpMinusOneParts(clamped + clamped);
  const N far = N(1) - N(2) / (Scale(N(1) + parts.mantissa, parts.exponent) + 1);
  const N square = magnitude * magnitude;
  const N near = Fma(square * magnitude, Polynomial(square, C::kTanhSeries), magnitude);
  return CopySign(Select(magnitude < C::kTanhSeriesLimit, near, far), x);
}

// log1p(|x| + x^2 / (1 + sqrt(x^2 + 1))), or log |x| + ln 2 where squares would overflow.
template <typename N>
N Asinh(N x) {
  const N magnitude = Abs(x);
  const auto large = magnitude > HyperbolicOf<N>::kInverseLarge;
  const N a = Select(large, N(1), magnitude);
  const N sum = a + a * (a / (N(1) + Sqrt(Fma(a, a, 1))));
  const N log =
      Log1pFinite(Select(large, magnitude, sum)) + Select(large, N(LogOf<N>::kLn2High), 0);
  return CopySign(Select(magnitude < kInfinity, log, magnitude), x);
}

template <typename N>
N Acosh(N x) {
  const auto large = x > HyperbolicOf<N>::kInverseLarge;
  const N t = x - 1;
  const N sum = t + Sqrt(Fma(t, t, t + t));
  const N log = Log1pFinite(Select(large, x, sum)) + Select(large, N(LogOf<N>::kLn2High), 0);
  return Select(x >= 1, Select(x < kInfinity, log, x), kNaN);
}

template <typename N>
N Atanh(N x) {
  const N a = Abs(x);
  const N inside = Log1pFinite((a + a) / (N(1) - a)) * 0.5;
  return CopySign(Select(a < 1, inside, Select(a == 1, N(kInfinity), kNaN)), x);
}

}  // namespace stator::compiler::math

#endif  // STATOR_COMPILER_MATH_RECIPES_HYPERBOLIC_H_
