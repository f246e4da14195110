#include "compiler/math/functions.h"

namespace stator::compiler {
namespace {

// In the order of the enumeration.
constexpr std::string_view kNames[kMathFunctionCount] = {
    "exponential",
    "exponential_minus_one",
    "log",
    "log_plus_one",
    "sqrt",
    "rsqrt",
    "cbrt",
    "sine",
    "cosine",
    "tan",
    "asin",
    "acos",
    "atan",
    "atan2",
    "sinh",
    "cosh",
    "tanh",
    "asinh",
    "acosh",
    "atanh",
    "logistic",
    "erf",
    "erfc",
    "erf_inv",
    "lgamma",
    "digamma",
    "power",
    "floor",
    "ceil",
    "round_nearest_even",
    "round_nearest_afz",
    "sign",
    "abs",
    "remainder",
    "maximum",
    "minimum",
};

}  // namespace

std::string_view MathFunctionName(MathFunction function) {
  return kNames[static_cast<int>(function)];
}

std::optional<MathFunction> FindMathFunction(std::string_view name) {
  for (int i = 0; i < kMathFunctionCount; ++i) {
    if (kNames[i] == name) return static_cast<MathFunction>(i);
  }
  return std::nullopt;
}

int MathFunctionArity(MathFunction function) {
  switch (function) {
    case MathFunction::kAtan2:
    case MathFunction::kPow:
    case MathFunction::kRemainder:
    case MathFunction::kMaximum:
    case MathFunction::kMinimum:
      return 2;
    default:
      return 1;
  }
}

}  // namespace stator::compiler
