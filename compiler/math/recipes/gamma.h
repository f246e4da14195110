#ifndef STATOR_COMPILER_MATH_RECIPES_GAMMA_H_
#define STATOR_COMPILER_MATH_RECIPES_GAMMA_H_

#include "compiler/math/constants/digamma.h"
#include "compiler/math/constants/log_gamma.h"
#include "compiler/math/recipes/logarithm.h"
#include "compiler/math/vocabulary.h"

namespace stator::compiler::math {

// lgamma and digamma alike: eight pieces around 1, 1.5, …, 4.5 (exact at the zeros of lgamma), one
// step of the recurrence below 0.75, Stirling's series from 4.75 on, reflection for negative
// arguments.
inline constexpr double kGammaRecurrenceLimit = 0.75;
inline constexpr double kGammaStirlingLimit = 4.75;

template <typename N>
struct GammaPiece {
  typename N::TableIndex piece;
  N distance;  // of a, or of a + 1 below the recurrence limit, from the center of its piece
};

template <typename N>
GammaPiece<N> FindGammaPiece(N a) {
  const N step = Select(a < kGammaRecurrenceLimit, N(1), 0);
  const N shifted = Fma(a + step, 2, FormatOf<N>::kRoundingShift);
  const N distance = a - Fma(shifted - FormatOf<N>::kRoundingShift, 0.5, -step);
  return {N::MakeTableIndex(ToBits(shifted) - 2), distance};
}

// a minus the nearest integer; 0 where all numbers are integers.
template <typename N>
N DistanceToInteger(N a) {
  constexpr auto kShift = FormatOf<N>::kAllIntegers;
  return Select(a < kShift, a - ((a + kShift) - kShift), 0);
}

// sin(pi f) for |f| <= 1/2.
template <typename N>
N SinPi(N f) {
  return f * Polynomial(f * f, LogGammaConstants<ScalarOf<N>>::kSinPiSeries);
}

// The logarithm of |gamma(x)|; infinite at the poles.
template <typename N>
N Lgamma(N x) {
  using C = LogGammaConstants<ScalarOf<N>>;
  const N a = Abs(x);
  const auto recur = a < kGammaRecurrenceLimit;
  const GammaPiece<N> at = FindGammaPiece(a);
  const N piece_value = Fma(at.distance, PiecewisePolynomial(at.distance, at.piece, C::kSeries),
                            N::Lookup(at.piece, C::kAtCenter));
  const N log = Log(a);
  const N q = N(1) / a;
  const N correction = Fma(q, Polynomial(q * q, C::kStirlingSeries), C::kStirlingConstant);
  const N stirling = Fma(a - 0.5, log - 1, correction);
  const N finite =
      Select(a < kGammaStirlingLimit, Select(recur, piece_value - log, piece_value), stirling);
  const N positive = Select(a < kInfinity, finite, a);
  return IfAny(x < 0, positive, [&] {
    // |gamma(-a)| = pi / (a sin(pi a) gamma(a)). Near zero sin(pi a) / a is taken as a whole, and
    // the recurrence applies to the product.
    const N f = DistanceToInteger(a);
    const auto near_zero = a < 0.5;
    const N factor = Select(near_zero, N(1), Abs(f) * Select(recur, N(1), a));
    const N sine = Polynomial(f * f, C::kSinPiSeries) * factor;
    const N other = Select(near_zero, piece_value + log, Select(recur, piece_value, positive));
    const N reflected = (N(C::kLogPi) - Log(sine)) - other;
    const auto pole = (f == 0) | (a == kInfinity);
    return Select(x < 0, Select(pole, N(kInfinity), reflected), positive);
  });
}

// The derivative of lgamma; NaN at the negative poles, infinite at zeros with the sign opposite to
// theirs.
template <typename N>
N Digamma(N x) {
  using C = DigammaConstants<ScalarOf<N>>;
  const N a = Abs(x);
  const auto recur = a < kGammaRecurrenceLimit;
  const GammaPiece<N> at = FindGammaPiece(a);
  const N piece_value = Fma(at.distance, PiecewisePolynomial(at.distance, at.piece, C::kSeries),
                            N::Lookup(at.piece, C::kAtCenter));
  const N q = N(1) / a;
  const N q_square = q * q;
  const N asymptotic = Fma(q, -0.5, Log(a)) - q_square * Polynomial(q_square, C::kAsymptoticSeries);
  const N finite =
      Select(a < kGammaStirlingLimit, Select(recur, piece_value - q, piece_value), asymptotic);
  const N positive = Select(a < kInfinity, finite, a);
  const N signed_result = IfAny(x < 0, positive, [&] {
    // digamma(-a) = digamma(a) + 1/a + pi cot(pi a).
    const N f = DistanceToInteger(a);
    const N cotangent = N(C::kPi) * SinPi(N(0.5) - Abs(f)) / SinPi(f);
    const N reflected = Select(recur, piece_value, positive + q) + cotangent;
    const auto pole = (f == 0) | (a == kInfinity);
    return Select(x < 0, Select(pole, N(kNaN), reflected), positive);
  });
  return Select(x == 0, CopySign(N(kInfinity), -x), signed_result);
}

}  // namespace stator::compiler::math

#endif  // STATOR_COMPILER_MATH_RECIPES_GAMMA_H_
