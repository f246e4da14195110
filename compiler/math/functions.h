#ifndef STATOR_COMPILER_MATH_FUNCTIONS_H_
#define STATOR_COMPILER_MATH_FUNCTIONS_H_

#include <optional>
#include <string_view>

namespace stator::compiler {

// The elementwise functions on floating-point numbers that have one definition each, shared by
// generated code (emit.h) and by the reference interpreter (evaluate.h): both give the same bits.
// Errors stated here are the largest seen, in units in the last place, f32 / f64.
enum class MathFunction {
  kExp,       // 0.78 / 0.76
  kExpm1,     // 1.32 / 1.36
  kLog,       // 0.90 / 0.95
  kLog1p,     // 0.90 / 1.01
  kSqrt,      // exactly rounded
  kRsqrt,     // 1.49 / 1.29
  kCbrt,      // 0.53 / 0.50
  kSin,       // 0.88 / 0.87, for every finite angle
  kCos,       // 0.88 / 0.87
  kTan,       // 1.92 / 1.39
  kAsin,      // 1.18 / 1.22
  kAcos,      // 1.14 / 1.19
  kAtan,      // 1.20 / 1.17
  kAtan2,     // 1.47 / 1.49; operands y, x
  kSinh,      // 1.41 / 1.43
  kCosh,      // 1.43 / 1.43
  kTanh,      // 1.46 / 1.46
  kAsinh,     // 1.71 / 1.72
  kAcosh,     // 2.08 / 2.15
  kAtanh,     // 2.02 / 1.94
  kLogistic,  // 1.50 / 1.50; 1 / (1 + exp(-x))
  kErf,       // 0.92 / 0.95
  kErfc,      // 2.86 / 2.86
  kErfInv,    // 3.03 / 2.94
  kLgamma,    // log|gamma(x)|; 2.55 / 2.74 for x > 0, 16 ulp of max(|result|, 1) elsewhere
  kDigamma,   // 2.48 / 2.15 for x > 0, 43 ulp of max(|result|, 1) elsewhere; NaN at its poles
  kPow,       // 0.78 / 2.15; operands base, exponent; special cases of C Annex F
  kFloor,     // this and all below are exact
  kCeil,
  kRoundNearestEven,
  kRoundNearestAfz,  // ties away from zero
  kSign,             // -1, 1, or the operand where that is a zero or NaN
  kAbs,
  kRemainder,  // of the division rounded towards zero (C's fmod): sign of the dividend
  kMaximum,    // NaN if either operand is; -0 < +0
  kMinimum,
};

inline constexpr int kMathFunctionCount = static_cast<int>(MathFunction::kMinimum) + 1;

// The name, spelled as StableHLO and CHLO spell it ("exponential", "atan2", …).
std::string_view MathFunctionName(MathFunction function);

// The function of that name, if there is one.
std::optional<MathFunction> FindMathFunction(std::string_view name);

// How many operands it takes: 1 or 2.
int MathFunctionArity(MathFunction function);

}  // namespace stator::compiler

#endif  // STATOR_COMPILER_MATH_FUNCTIONS_H_
