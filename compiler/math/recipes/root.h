#ifndef STATOR_COMPILER_MATH_RECIPES_ROOT_H_
#define STATOR_COMPILER_MATH_RECIPES_ROOT_H_

#include "compiler/math/constants/cube_root.h"
#include "compiler/math/vocabulary.h"

namespace stator::compiler::math {

// 1 / sqrt(x), with the residuals of both the root and the quotient repaired. Never the hardware's
// estimate: vendors differ in its bits.
template <typename N>
N Rsqrt(N x) {
  const N root = Sqrt(x);
  const N y = N(1) / root;
  const N quotient_error = Fma(-y, root, 1);
  const N root_error = Fma(-root, root, x) * y;
  const N repaired = Fma(y, Fma(root_error, y * -0.5, quotient_error), y);
  return Select(repaired == repaired, repaired, y);
}

// With x = m 2^3k and y an estimate of m^(-1/3) so short that y^2 is exact: cbrt m = m y^2 (1 -
// h)^(-2/3) with the exact residual h = 1 - m y^3. No division.
template <typename N>
N Cbrt(N x) {
  using C = CubeRootConstants<ScalarOf<N>>;
  const N magnitude = Abs(x);
  const Split<N> split = SplitExponent(magnitude);
  const N k = RoundProduct(split.exponent, C::kThird);
  const N j = Fma(k, -3, split.exponent);
  const N adjust =
      Select(j < 0, N(C::kInverseCbrtHalf), Select(j > 0, N(C::kInverseCbrtQuarter), 1));
  const N estimate = Polynomial(split.mantissa, C::kEstimateSeries) * adjust;
  const N y = N::FromBits(ToBits(estimate) & C::kShortMask);
  const N m = Scale(split.mantissa, j);
  const N square = y * y;
  const N root = m * square;
  const N root_low = Fma(m, square, -root);
  const N h = Fma(-root_low, y, Fma(-root, y, 1));
  const N repaired = root + Fma(root * h, Polynomial(h, C::kResidualSeries), root_low);
  const auto regular = split.exponent - split.exponent == 0;
  return CopySign(Select(regular, Scale(repaired, k), magnitude), x);
}

}  // namespace stator::compiler::math

#endif  // STATOR_COMPILER_MATH_RECIPES_ROOT_H_
