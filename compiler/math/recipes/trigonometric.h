#ifndef STATOR_COMPILER_MATH_RECIPES_TRIGONOMETRIC_H_
#define STATOR_COMPILER_MATH_RECIPES_TRIGONOMETRIC_H_

#include "compiler/math/constants/trigonometric.h"
#include "compiler/math/huge_angle.h"
#include "compiler/math/vocabulary.h"

namespace stator::compiler::math {

template <typename N>
using TrigonometricOf = TrigonometricConstants<ScalarOf<N>>;

// Reduces an angle >= 0 with three words of pi/2; lanes with larger ones go through all of 2/pi
// (huge_angle.h).
template <typename N>
ReducedAngle<N> ReduceAngle(N angle) {
  using C = TrigonometricOf<N>;
  const N shifted = Fma(angle, C::kTwoOverPi, FormatOf<N>::kRoundingShift);
  const N n = shifted - FormatOf<N>::kRoundingShift;
  const N r = Fma(n, C::kMinusHalfPi1, angle);
  // The second word's product and its rounding error apart: `r` may have cancelled so far that the
  // difference to the sum is not exact.
  const N product = n * C::kMinusHalfPi2;
  const N high = r + product;
  const N low =
      ((r - high) + product) + Fma(n, C::kMinusHalfPi3, Fma(n, C::kMinusHalfPi2, -product));
  return ReduceHugeAngles(angle > C::kReductionLimit, angle,
                          ReducedAngle<N>{high, low, ToBits(shifted)});
}

// sin(quadrant pi/2 + high + low), with its sign flipped where sign_bit has the sign bit set.
template <typename N>
N SinOfReduced(const ReducedAngle<N>& angle, typename N::Bits quadrant, typename N::Bits sign_bit) {
  using C = TrigonometricOf<N>;
  const N square = Fma(angle.high, angle.high, (angle.high + angle.high) * angle.low);
  const N sine =
      angle.high + Fma(square * angle.high, Polynomial(square, C::kSinSeries), angle.low);
  const N cosine = Fma(square, Fma(square, Polynomial(square, C::kCosSeries), -0.5), 1);
  const auto even = (quadrant & 1) == 0;
  const auto half_turn = (quadrant >> 1) << FormatOf<N>::kSignShift;
  return N::FromBits(ToBits(Select(even, sine, cosine)) ^ half_turn ^ sign_bit);
}

template <typename N>
N Sin(N x) {
  const ReducedAngle<N> angle = ReduceAngle(Abs(x));
  return SinOfReduced<N>(angle, angle.quadrant, ToBits(x) & FormatOf<N>::kSignMask);
}

template <typename N>
N Cos(N x) {
  const ReducedAngle<N> angle = ReduceAngle(Abs(x));
  return SinOfReduced<N>(angle, angle.quadrant + 1, 0);
}

// tan r as t + rest; in odd quadrants -1/t, corrected by the residual of t.
template <typename N>
N Tan(N x) {
  const ReducedAngle<N> angle = ReduceAngle(Abs(x));
  const N square = angle.high * angle.high;
  const N cubic = square * angle.high * Polynomial(square, TrigonometricOf<N>::kTanSeries);
  const N estimate = angle.high + cubic;
  const N correction = cubic + Fma(estimate * estimate, angle.low, angle.low);
  const N t = angle.high + correction;
  const N rest = (angle.high - t) + correction;
  const auto odd = (angle.quadrant & 1) != 0;
  const N quotient = Select(odd, N(-1), t) / Select(odd, t, 1);
  const N result = Fma(Select(odd, rest, 0), quotient * quotient, quotient);
  return N::FromBits(ToBits(result) ^ (ToBits(x) & FormatOf<N>::kSignMask));
}

}  // namespace stator::compiler::math

#endif  // STATOR_COMPILER_MATH_RECIPES_TRIGONOMETRIC_H_
