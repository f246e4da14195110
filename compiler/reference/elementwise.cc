#include "compiler/reference/elementwise.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <functional>

#include "absl/strings/str_cat.h"
#include "compiler/math/evaluate.h"
#include "compiler/reference/number.h"
#include "graph/status_macros.h"

namespace stator::compiler::reference {
namespace {

// A unary function ignores its second argument.
template <typename T>
using Function = std::function<T(T, T)>;

std::string Text(std::string_view s) { return std::string(s); }

template <typename F>
Function<F> FindFloatFunction(std::string_view name) {
  if (name == "add") return [](F a, F b) { return a + b; };
  if (name == "subtract") return [](F a, F b) { return a - b; };
  if (name == "multiply") return [](F a, F b) { return a * b; };
  if (name == "divide") return [](F a, F b) { return a / b; };
  if (name == "negate") return [](F a, F) { return -a; };
  if (std::optional<MathFunction> f = FindMathFunction(name)) {
    return [f = *f](F a, F b) { return Evaluate(f, a, b); };
  }
  return nullptr;
}

template <typename I>
I Divide(I a, I b) {
  if (b == 0) return static_cast<I>(-1);
  if constexpr (std::is_signed_v<I>) {
    if (b == -1) return static_cast<I>(-static_cast<uint64_t>(a));
  }
  return a / b;
}

template <typename I>
I Remainder(I a, I b) {
  if (b == 0) return a;
  if constexpr (std::is_signed_v<I>) {
    if (b == -1) return 0;
  }
  return a % b;
}

template <typename I>
I Power(I base, I exponent) {
  if constexpr (std::is_signed_v<I>) {
    if (exponent < 0) {
      if (base == -1) return exponent % 2 == 0 ? 1 : -1;
      return base == 1 ? 1 : 0;
    }
  }
  I result = 1;
  for (uint64_t e = static_cast<uint64_t>(exponent); e != 0; e >>= 1) {
    if (e & 1) result = WrappingMul(result, base);
    base = WrappingMul(base, base);
  }
  return result;
}

// The low `bits` bits of a value as a signed number.
int64_t SignExtend(uint64_t value, int bits) {
  const int unused = 64 - bits;
  return static_cast<int64_t>(value << unused) >> unused;
}

template <typename I>
Function<I> FindIntegerFunction(std::string_view name, DType dtype) {
  const int width = BitsOf(dtype);
  const uint64_t mask = width == 64 ? ~uint64_t{0} : (uint64_t{1} << width) - 1;
  const bool is_bool = dtype == DType::kBool;
  auto in_width = [width](I amount) { return amount >= 0 && amount < static_cast<I>(width); };
  auto bits = [mask](I a) { return static_cast<uint64_t>(a) & mask; };
  if (name == "add") return [is_bool](I a, I b) { return is_bool ? (a | b) : WrappingAdd(a, b); };
  if (name == "subtract") {
    return [](I a, I b) {
      return static_cast<I>(static_cast<uint64_t>(a) - static_cast<uint64_t>(b));
    };
  }
  if (name == "multiply") return [](I a, I b) { return WrappingMul(a, b); };
  if (name == "divide") return Divide<I>;
  if (name == "remainder") return Remainder<I>;
  if (name == "power") return Power<I>;
  if (name == "maximum") return [](I a, I b) { return a > b ? a : b; };
  if (name == "minimum") return [](I a, I b) { return a < b ? a : b; };
  if (name == "and") return [](I a, I b) { return a & b; };
  if (name == "or") return [](I a, I b) { return a | b; };
  if (name == "xor") return [](I a, I b) { return a ^ b; };
  if (name == "not") return [](I a, I) { return static_cast<I>(~a); };
  if (name == "negate") return [](I a, I) { return static_cast<I>(-static_cast<uint64_t>(a)); };
  if (name == "abs") {
    return [](I a, I) { return a < 0 ? static_cast<I>(-static_cast<uint64_t>(a)) : a; };
  }
  if (name == "sign") return [](I a, I) { return static_cast<I>((a > 0) - (a < 0)); };
  if (name == "popcnt") return [bits](I a, I) { return static_cast<I>(std::popcount(bits(a))); };
  if (name == "count_leading_zeros") {
    return
        [bits, width](I a, I) { return static_cast<I>(std::countl_zero(bits(a)) - (64 - width)); };
  }
  if (name == "shift_left") {
    return [in_width](I a, I b) {
      return in_width(b) ? static_cast<I>(static_cast<uint64_t>(a) << b) : 0;
    };
  }
  if (name == "shift_right_logical") {
    return [in_width, bits](I a, I b) { return in_width(b) ? static_cast<I>(bits(a) >> b) : 0; };
  }
  if (name == "shift_right_arithmetic") {
    return [in_width, width](I a, I b) {
      return static_cast<I>(SignExtend(static_cast<uint64_t>(a), width) >> (in_width(b) ? b : 63));
    };
  }
  return nullptr;
}

template <typename T>
Function<T> FindFunction(std::string_view name, DType dtype) {
  if constexpr (std::is_floating_point_v<T>) {
    return FindFloatFunction<T>(name);
  } else {
    return FindIntegerFunction<T>(name, dtype);
  }
}

template <typename T>
bool Holds(std::string_view direction, T a, T b) {
  if (direction == "EQ") return a == b;
  if (direction == "NE") return a != b;
  if (direction == "GE") return a >= b;
  if (direction == "GT") return a > b;
  if (direction == "LE") return a <= b;
  return a < b;
}

// Toward zero; NaN is 0; out of range saturates.
template <typename F>
uint64_t FloatToInteger(F value, DType to) {
  if (std::isnan(value)) return 0;
  const int width = BitsOf(to);
  const F whole = std::trunc(value);
  if (IsSigned(to)) {
    const F limit = std::ldexp(F{1}, width - 1);  // exact
    if (whole >= limit) return (uint64_t{1} << (width - 1)) - 1;
    if (whole < -limit) return uint64_t{1} << (width - 1);
    return static_cast<uint64_t>(static_cast<int64_t>(whole));
  }
  if (whole >= std::ldexp(F{1}, width)) return ~uint64_t{0} >> (64 - width);
  return whole <= 0 ? 0 : static_cast<uint64_t>(whole);
}

template <typename T>
void ConvertElement(T value, Tensor& result, int64_t i) {
  const DType to = result.dtype();
  if (to == DType::kBool) {
    Store<uint64_t>(result, i, value != 0);
  } else if constexpr (std::is_floating_point_v<T>) {
    if (IsFloat(to)) {
      Store<double>(result, i, value);  // exact to double, then one rounding
    } else {
      Store<uint64_t>(result, i, FloatToInteger(value, to));
    }
  } else if (IsInteger(to)) {
    Store<T>(result, i, value);
  } else if (to == DType::kFloat64) {
    Store<double>(result, i, static_cast<double>(value));
  } else if (to == DType::kFloat32) {
    Store<float>(result, i, static_cast<float>(value));
  } else {
    const bool negative = value < 0;
    const uint64_t bits = static_cast<uint64_t>(value);
    const float magnitude = RoundToOdd(negative ? -bits : bits);
    Store<float>(result, i, negative ? -magnitude : magnitude);
  }
}

}  // namespace

absl::StatusOr<Tensor> Elementwise(Budget& budget, std::string_view name,
                                   absl::Span<const Tensor> operands) {
  const Tensor& a = operands[0];
  const Tensor& b = operands.size() > 1 ? operands[1] : operands[0];
  return WithNumberType(a.dtype(), [&](auto zero) -> absl::StatusOr<Tensor> {
    using T = decltype(zero);
    Function<T> function = FindFunction<T>(name, a.dtype());
    if (!function) {
      return absl::InvalidArgumentError(absl::StrCat(
          Text(name), " is not defined for elements of type ", executable::DTypeName(a.dtype())));
    }
    STATOR_ASSIGN_OR_RETURN(Tensor result, budget.Allocate(a.dtype(), a.dims()));
    for (int64_t i = 0; i < result.num_elements(); ++i) {
      Store<T>(result, i, function(Load<T>(a, i), Load<T>(b, i)));
    }
    return result;
  });
}

absl::StatusOr<Tensor> IsFinite(Budget& budget, const Tensor& operand) {
  STATOR_ASSIGN_OR_RETURN(Tensor result, budget.Allocate(DType::kBool, operand.dims()));
  for (int64_t i = 0; i < result.num_elements(); ++i) {
    Store<uint64_t>(result, i,
                    !IsFloat(operand.dtype()) || std::isfinite(Load<double>(operand, i)));
  }
  return result;
}

absl::StatusOr<Tensor> Compare(Budget& budget, std::string_view direction, const Tensor& lhs,
                               const Tensor& rhs) {
  return WithNumberType(lhs.dtype(), [&](auto zero) -> absl::StatusOr<Tensor> {
    using T = decltype(zero);
    STATOR_ASSIGN_OR_RETURN(Tensor result, budget.Allocate(DType::kBool, lhs.dims()));
    for (int64_t i = 0; i < result.num_elements(); ++i) {
      Store<uint64_t>(result, i, Holds(direction, Load<T>(lhs, i), Load<T>(rhs, i)));
    }
    return result;
  });
}

absl::StatusOr<Tensor> Select(Budget& budget, const Tensor& pred, const Tensor& on_true,
                              const Tensor& on_false) {
  STATOR_ASSIGN_OR_RETURN(Tensor result, budget.Allocate(on_true.dtype(), on_true.dims()));
  for (int64_t i = 0; i < result.num_elements(); ++i) {
    CopyElement(Load<uint64_t>(pred, i) ? on_true : on_false, i, result, i);
  }
  return result;
}

absl::StatusOr<Tensor> Clamp(Budget& budget, const Tensor& min, const Tensor& operand,
                             const Tensor& max) {
  STATOR_ASSIGN_OR_RETURN(const Tensor raised, Elementwise(budget, "maximum", {operand, min}));
  return Elementwise(budget, "minimum", {raised, max});
}

absl::StatusOr<Tensor> Convert(Budget& budget, const Tensor& operand, DType to) {
  if (!IsFloat(to) && !IsInteger(to)) {
    return absl::UnimplementedError(
        absl::StrCat("no conversion to elements of type ", executable::DTypeName(to)));
  }
  return WithNumberType(operand.dtype(), [&](auto zero) -> absl::StatusOr<Tensor> {
    using T = decltype(zero);
    STATOR_ASSIGN_OR_RETURN(Tensor result, budget.Allocate(to, operand.dims()));
    for (int64_t i = 0; i < result.num_elements(); ++i) {
      ConvertElement(Load<T>(operand, i), result, i);
    }
    return result;
  });
}

absl::StatusOr<Tensor> BitcastConvert(Budget& budget, const Tensor& operand, DType to) {
  STATOR_ASSIGN_OR_RETURN(Tensor result, budget.Allocate(to, operand.dims()));
  if (result.num_bytes() != operand.num_bytes()) {
    return absl::InvalidArgumentError("bitcast_convert needs element types of equal width");
  }
  if (result.num_bytes() != 0) {
    std::memcpy(result.mutable_data(), operand.data(), result.num_bytes());
  }
  return result;
}

}  // namespace stator::compiler::reference
