#ifndef STATOR_COMPILER_MATH_RECIPES_LOGARITHM_H_
#define STATOR_COMPILER_MATH_RECIPES_LOGARITHM_H_

#include <type_traits>

#include "compiler/math/constants/logarithm.h"
#include "compiler/math/vocabulary.h"

namespace stator::compiler::math {

template <typename N>
using LogOf = LogarithmConstants<ScalarOf<N>>;

// log(1 + f) - f, for 1 + f in [0.75, 1.5). In double a division saves about twelve coefficients.
template <typename N>
N LogTail(N f) {
  using C = LogOf<N>;
  if constexpr (std::is_same_v<ScalarOf<N>, float>) {
    const N square = f * f;
    return Fma(f * square, Polynomial(f, C::kLogSeries), square * -0.5);
  } else {
    const N s = f / (f + 2);
    const N square = s * s;
    const N half_square = f * f * 0.5;
    return Fma(s, Fma(square, Polynomial(square, C::kLogSeries), half_square), -half_square);
  }
}

// e ln 2 + log(1 + f).
template <typename N>
N CombineLog(N e, N f) {
  return Fma(e, LogOf<N>::kLn2High, f + Fma(e, LogOf<N>::kLn2Low, LogTail(f)));
}

// Zero, infinity and NaN come out right through the exponent and mantissa that SplitExponent gives
// them.
template <typename N>
N Log(N x) {
  const Split<N> split = SplitExponent(x);
  return CombineLog(split.exponent, split.mantissa - 1);
}

// log(1 + x) for x > -1. With 2^e near 1 + x, f = x 2^-e + (2^-e - 1) is exact where it matters, so
// the rounding of 1 + x needs no correction.
template <typename N>
N Log1pFinite(N x) {
  const N e = SplitExponent(N(1) + x).exponent;
  const N scale = Scale(N(1), -e);
  return CombineLog(e, Fma(x, scale, scale - 1));
}

template <typename N>
N Log1p(N x) {
  const N inside = Select(x > -1, Log1pFinite(x), Select(x == -1, N(-kInfinity), kNaN));
  return CopySign(Select(x < kInfinity, inside, x), x);
}

}  // namespace stator::compiler::math

#endif  // STATOR_COMPILER_MATH_RECIPES_LOGARITHM_H_
