#ifndef STATOR_COMPILER_MATH_RECIPES_INVERSE_TRIGONOMETRIC_H_
#define STATOR_COMPILER_MATH_RECIPES_INVERSE_TRIGONOMETRIC_H_

#include "compiler/math/constants/inverse_trigonometric.h"
#include "compiler/math/vocabulary.h"

namespace stator::compiler::math {

template <typename N>
using InverseTrigonometricOf = InverseTrigonometricConstants<ScalarOf<N>>;

// An angle added to an arc: 0, pi/2 or pi in two words.
template <typename N>
struct BaseAngle {
  N high;
  N low;
};

// `multiple` 1 or 2 times pi/2 where the mask holds, else `otherwise`.
template <typename N>
BaseAngle<N> SelectBase(typename N::Mask mask, int multiple, const BaseAngle<N>& otherwise) {
  using C = InverseTrigonometricOf<N>;
  return {Select(mask, N(multiple * C::kHalfPiHigh), otherwise.high),
          Select(mask, N(multiple * C::kHalfPiLow), otherwise.low)};
}

// base + (t + rest): a fast two-sum, so that the base's low word and the rest are not lost.
template <typename N>
N AddToBase(const BaseAngle<N>& base, N t, N rest) {
  const N sum = base.high + t;
  return sum + (((base.high - sum) + t) + rest);
}

// base + atan(t), |t| <= 1.
template <typename N>
N AtanFromBase(N t, const BaseAngle<N>& base) {
  const N square = t * t;
  const N rest =
      Fma(t * square, Polynomial(square, InverseTrigonometricOf<N>::kAtanSeries), base.low);
  return AddToBase(base, t, rest);
}

template <typename N>
N Atan(N x) {
  const N magnitude = Abs(x);
  const auto large = magnitude > 1;
  const N t = Select(large, N(-1), magnitude) / Select(large, magnitude, 1);
  return CopySign(AtanFromBase(t, SelectBase<N>(large, 1, {0, 0})), x);
}

// The quotient of the smaller by the larger magnitude, made 0 for 0/0 and 1 for infinity/infinity;
// the octant follows from the signs and the order of the operands.
template <typename N>
N Atan2(N y, N x) {
  const N x_magnitude = Abs(x);
  const N y_magnitude = Abs(y);
  const N larger = Max(x_magnitude, y_magnitude);
  const N smaller = Min(x_magnitude, y_magnitude);
  const N quotient =
      Select(larger == 0, N(0), Select(smaller == kInfinity, N(1), smaller / larger));
  const auto steep = y_magnitude > x_magnitude;
  const auto left = (ToBits(x) & FormatOf<N>::kSignMask) != 0;
  const BaseAngle<N> base = SelectBase<N>(steep, 1, SelectBase<N>(left, 2, {0, 0}));
  const N arc = CopySign(AtanFromBase(Select(steep ^ left, -quotient, quotient), base), y);
  return Select(x == x, Select(y == y, arc, y), x);
}

// For |x| > 1/2, asin x = pi/2 - 2 asin(sqrt((1 - |x|) / 2)); beyond 1 the root is NaN.
template <typename N>
N Asin(N x) {
  using C = InverseTrigonometricOf<N>;
  const N magnitude = Abs(x);
  const auto large = magnitude > 0.5;
  const N square = Select(large, Fma(magnitude, -0.5, 0.5), magnitude * magnitude);
  const N arc = Select(large, Sqrt(square) * -2, magnitude);
  const N cubic = arc * square * Polynomial(square, C::kAsinSeries);
  const BaseAngle<N> base = SelectBase<N>(large, 1, {0, 0});
  return CopySign(AddToBase(base, arc, cubic + base.low), x);
}

template <typename N>
N Acos(N x) {
  using C = InverseTrigonometricOf<N>;
  const N magnitude = Abs(x);
  const auto large = magnitude > 0.5;
  const N square = Select(large, Fma(magnitude, -0.5, 0.5), magnitude * magnitude);
  const N arc = CopySign(N(1), x) * Select(large, Sqrt(square) * 2, -magnitude);
  const N cubic = arc * square * Polynomial(square, C::kAsinSeries);
  const BaseAngle<N> base = SelectBase<N>(!large, 1, SelectBase<N>(x < 0, 2, {0, 0}));
  return AddToBase(base, arc, cubic + base.low);
}

}  // namespace stator::compiler::math

#endif  // STATOR_COMPILER_MATH_RECIPES_INVERSE_TRIGONOMETRIC_H_
