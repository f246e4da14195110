#ifndef STATOR_COMPILER_MATH_RECIPES_ERROR_FUNCTION_H_
#define STATOR_COMPILER_MATH_RECIPES_ERROR_FUNCTION_H_

#include "compiler/math/constants/error_function.h"
#include "compiler/math/constants/inverse_error_function.h"
#include "compiler/math/recipes/exponential.h"
#include "compiler/math/recipes/logarithm.h"
#include "compiler/math/vocabulary.h"

namespace stator::compiler::math {

template <typename N>
using ErrorFunctionOf = ErrorFunctionConstants<ScalarOf<N>>;

// Eight pieces around centers. Piece 0 adds the distance itself, which keeps the relative accuracy
// down to the subnormals.
template <typename N>
N Erf(N x) {
  using C = ErrorFunctionOf<N>;
  const N magnitude = Min<N>(C::kErfHighest, Abs(x));
  const auto piece_bits =
      ToBits(Fma(magnitude, C::kErfPiecesPerUnit, FormatOf<N>::kRoundingShift)) & 7;
  const auto piece = N::MakeTableIndex(piece_bits);
  const N d = magnitude - N::Lookup(piece, C::kErfCenter);
  const N base = Select(piece_bits == 0, d, N::Lookup(piece, C::kErfAtCenter));
  return CopySign(Fma(d, PiecewisePolynomial(d, piece, C::kErfSeries), base), x);
}

// erfc a = e^(-a^2) erfcx a, for a >= 0. a^2 is taken in two words; erfcx a is t P(1 - 2t) with t =
// 3 / (3 + a), and the rounding error of t is repaired by its effect on the logarithm.
template <typename N>
Scaled<N> ErfcParts(N a) {
  using C = ErrorFunctionOf<N>;
  using E = ExpOf<N>;
  const N square = a * a;
  const N square_low = Fma(a, a, -square);
  const N n = N(FormatOf<N>::kRoundingShift) - Fma(square, E::kLog2E, FormatOf<N>::kRoundingShift);
  const N high = Fma(n, E::kMinusLn2High, -square);
  const N r = Fma(n, E::kMinusLn2Low, high - square_low);
  const N sum = N(1) + high;
  const N rest = Fma(n, E::kMinusLn2Low, ((N(1) - sum) + high) - square_low);
  const N tail = Fma(r * r, Polynomial(r, E::kExpSeries), rest);

  const N b = a + 3;
  const N t = N(3) / b;
  const N t_error = Fma(t, (b - 3) - a, Fma(-t, b, 3)) * t;
  const N scaled = Polynomial(Fma(t, -2, 1), C::kErfcSeries) * t;
  return {Fma(sum, scaled, Fma(sum, t_error * C::kErfcRepair, tail) * scaled), n};
}

template <typename N>
N Erfc(N x) {
  const Scaled<N> parts = ErfcParts(Min<N>(ErrorFunctionOf<N>::kErfcHighest, Abs(x)));
  const N y = Scale(parts.mantissa, parts.exponent);
  return Select(x < 0, N(2) - y, y);
}

// Eight pieces in s = sqrt(-log(1 - x^2)).
template <typename N>
N ErfInv(N x) {
  using C = InverseErrorFunctionConstants<ScalarOf<N>>;
  const N a = Abs(x);
  const N s = Sqrt(-Log(Fma(-a, a, 1)));
  const N shifted = Fma(s, C::kPiecesPerUnit, FormatOf<N>::kRoundingShift);
  const N d = Fma(shifted - FormatOf<N>::kRoundingShift, C::kMinusPieceWidth, s);
  const auto piece = N::MakeTableIndex(ToBits(shifted));
  const N inside = x * PiecewisePolynomial(d, piece, C::kSeries);
  return Select(a < 1, inside, Select(a == 1, CopySign(N(kInfinity), x), kNaN));
}

}  // namespace stator::compiler::math

#endif  // STATOR_COMPILER_MATH_RECIPES_ERROR_FUNCTION_H_
