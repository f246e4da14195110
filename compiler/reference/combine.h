#ifndef STATOR_COMPILER_REFERENCE_COMBINE_H_
#define STATOR_COMPILER_REFERENCE_COMBINE_H_

// How two elements become one in reductions and scatters.

#include <limits>
#include <optional>
#include <string_view>

#include "compiler/math/evaluate.h"
#include "compiler/reference/number.h"

namespace stator::compiler::reference {

enum class Combiner { kAdd, kMul, kMax, kMin, kAnd, kOr, kAssign };

inline std::optional<Combiner> FindCombiner(std::string_view kind) {
  if (kind == "add") return Combiner::kAdd;
  if (kind == "mul") return Combiner::kMul;
  if (kind == "max") return Combiner::kMax;
  if (kind == "min") return Combiner::kMin;
  if (kind == "and") return Combiner::kAnd;
  if (kind == "or") return Combiner::kOr;
  if (kind == "assign") return Combiner::kAssign;
  return std::nullopt;
}

// The result for no elements. Bitwise kinds have no meaning for floats.
template <typename T>
T IdentityOf(Combiner combiner, DType dtype) {
  const bool wants_max = combiner == Combiner::kMin || combiner == Combiner::kAnd;
  if (combiner == Combiner::kAdd || combiner == Combiner::kOr) return 0;
  if (combiner == Combiner::kMul) return 1;
  if constexpr (std::is_floating_point_v<T>) {
    return wants_max ? std::numeric_limits<T>::infinity() : -std::numeric_limits<T>::infinity();
  } else {
    const int bits = BitsOf(dtype);
    const uint64_t all = ~uint64_t{0} >> (64 - bits);
    if (combiner == Combiner::kAnd) return static_cast<T>(IsSigned(dtype) ? ~uint64_t{0} : all);
    if (!IsSigned(dtype)) return static_cast<T>(wants_max ? all : 0);
    const int64_t max = static_cast<int64_t>(all >> 1);
    return static_cast<T>(wants_max ? max : -max - 1);
  }
}

template <typename T>
T Combine(Combiner combiner, DType dtype, T a, T b) {
  constexpr bool kFloat = std::is_floating_point_v<T>;
  switch (combiner) {
    case Combiner::kAdd:
      if constexpr (!kFloat) {
        if (dtype == DType::kBool) return a | b;
      }
      return WrappingAdd(a, b);
    case Combiner::kMul:
      return WrappingMul(a, b);
    case Combiner::kMax:
      if constexpr (kFloat) return Evaluate(MathFunction::kMaximum, a, b);
      return a > b ? a : b;
    case Combiner::kMin:
      if constexpr (kFloat) return Evaluate(MathFunction::kMinimum, a, b);
      return a < b ? a : b;
    case Combiner::kAnd:
      if constexpr (!kFloat) return a & b;
      return b;
    case Combiner::kOr:
      if constexpr (!kFloat) return a | b;
      return b;
    case Combiner::kAssign:
      return b;
  }
  return b;
}

}  // namespace stator::compiler::reference

#endif  // STATOR_COMPILER_REFERENCE_COMBINE_H_
