#ifndef STATOR_COMPILER_MATH_EVALUATE_H_
#define STATOR_COMPILER_MATH_EVALUATE_H_

#include "compiler/math/functions.h"

namespace stator::compiler {

// The value of an elementwise function at one point, with exactly the bits that generated code
// computes. Every use of one argument ignores `b`. Expects the default floating-point environment
// (round to nearest, subnormals kept). NaNs are NaNs; their payloads are unspecified. Thread-safe.
// Half-precision types convert to float, evaluate, and round once.
float Evaluate(MathFunction function, float a, float b = 0);
double Evaluate(MathFunction function, double a, double b = 0);

}  // namespace stator::compiler

#endif  // STATOR_COMPILER_MATH_EVALUATE_H_
