#ifndef STATOR_COMPILER_MATH_RECIPES_DISPATCH_H_
#define STATOR_COMPILER_MATH_RECIPES_DISPATCH_H_

#include "compiler/math/functions.h"
#include "compiler/math/recipes/error_function.h"
#include "compiler/math/recipes/exact.h"
#include "compiler/math/recipes/exponential.h"
#include "compiler/math/recipes/gamma.h"
#include "compiler/math/recipes/hyperbolic.h"
#include "compiler/math/recipes/inverse_trigonometric.h"
#include "compiler/math/recipes/logarithm.h"
#include "compiler/math/recipes/power.h"
#include "compiler/math/recipes/root.h"
#include "compiler/math/recipes/trigonometric.h"

namespace stator::compiler::math {

// The function's recipe over the number type N; functions of one argument ignore b.
template <typename N>
N ApplyRecipe(MathFunction function, N a, N b) {
  switch (function) {
    case MathFunction::kExp:
      return Exp(a);
    case MathFunction::kExpm1:
      return Expm1(a);
    case MathFunction::kLog:
      return Log(a);
    case MathFunction::kLog1p:
      return Log1p(a);
    case MathFunction::kSqrt:
      return Sqrt(a);
    case MathFunction::kRsqrt:
      return Rsqrt(a);
    case MathFunction::kCbrt:
      return Cbrt(a);
    case MathFunction::kSin:
      return Sin(a);
    case MathFunction::kCos:
      return Cos(a);
    case MathFunction::kTan:
      return Tan(a);
    case MathFunction::kAsin:
      return Asin(a);
    case MathFunction::kAcos:
      return Acos(a);
    case MathFunction::kAtan:
      return Atan(a);
    case MathFunction::kAtan2:
      return Atan2(a, b);
    case MathFunction::kSinh:
      return Sinh(a);
    case MathFunction::kCosh:
      return Cosh(a);
    case MathFunction::kTanh:
      return Tanh(a);
    case MathFunction::kAsinh:
      return Asinh(a);
    case MathFunction::kAcosh:
      return Acosh(a);
    case MathFunction::kAtanh:
      return Atanh(a);
    case MathFunction::kLogistic:
      return Logistic(a);
    case MathFunction::kErf:
      return Erf(a);
    case MathFunction::kErfc:
      return Erfc(a);
    case MathFunction::kErfInv:
      return ErfInv(a);
    case MathFunction::kLgamma:
      return Lgamma(a);
    case MathFunction::kDigamma:
      return Digamma(a);
    case MathFunction::kPow:
      return Pow(a, b);
    case MathFunction::kFloor:
      return Floor(a);
    case MathFunction::kCeil:
      return Ceil(a);
    case MathFunction::kRoundNearestEven:
      return RoundEven(a);
    case MathFunction::kRoundNearestAfz:
      return RoundAwayFromZero(a);
    case MathFunction::kSign:
      return Sign(a);
    case MathFunction::kAbs:
      return Abs(a);
    case MathFunction::kRemainder:
      return Remainder(a, b);
    case MathFunction::kMaximum:
      return Maximum(a, b);
    case MathFunction::kMinimum:
      return Minimum(a, b);
  }
  return a;
}

}  // namespace stator::compiler::math

#endif  // STATOR_COMPILER_MATH_RECIPES_DISPATCH_H_
