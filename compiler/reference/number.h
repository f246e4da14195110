#ifndef STATOR_COMPILER_REFERENCE_NUMBER_H_
#define STATOR_COMPILER_REFERENCE_NUMBER_H_

// How elements become numbers and back. Each dtype is computed in one of four C++ types: f16, bf16
// and f32 in float, f64 in double, signed integers in int64_t, unsigned integers and bool in
// uint64_t. Storing rounds a float once to nearest even and wraps an integer to its width.

#include <cstdint>
#include <limits>
#include <type_traits>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "compiler/reference/tensor.h"

namespace stator::compiler::reference {

float HalfToFloat(uint16_t bits);
uint16_t FloatToHalf(float value);
float BFloat16ToFloat(uint16_t bits);
uint16_t FloatToBFloat16(float value);

// The float next to `value` whose last bit is set unless it is exact: rounding it again to a
// shorter format gives what rounding `value` at once would.
float RoundToOdd(double value);
float RoundToOdd(uint64_t magnitude);

constexpr bool IsFloat(DType t) {
  return t == DType::kFloat16 || t == DType::kBFloat16 || t == DType::kFloat32 ||
         t == DType::kFloat64;
}
constexpr bool IsSigned(DType t) {
  return t == DType::kInt8 || t == DType::kInt16 || t == DType::kInt32 || t == DType::kInt64;
}
constexpr bool IsUnsigned(DType t) {
  return t == DType::kBool || t == DType::kUInt8 || t == DType::kUInt16 || t == DType::kUInt32 ||
         t == DType::kUInt64;
}
constexpr bool IsInteger(DType t) { return IsSigned(t) || IsUnsigned(t); }
constexpr int BitsOf(DType t) {
  return t == DType::kBool ? 1 : static_cast<int>(executable::DTypeSize(t) * 8);
}

// Element i as the number type T. An integer tensor may be read as either integer type.
template <typename T>
T Load(const Tensor& t, int64_t i) {
  if constexpr (std::is_same_v<T, float>) {
    switch (t.dtype()) {
      case DType::kFloat16:
        return HalfToFloat(t.As<uint16_t>()[i]);
      case DType::kBFloat16:
        return BFloat16ToFloat(t.As<uint16_t>()[i]);
      default:
        return t.As<float>()[i];
    }
  } else if constexpr (std::is_same_v<T, double>) {
    return t.dtype() == DType::kFloat64 ? t.As<double>()[i] : Load<float>(t, i);
  } else {
    switch (t.dtype()) {
      case DType::kInt8:
        return static_cast<T>(t.As<int8_t>()[i]);
      case DType::kInt16:
        return static_cast<T>(t.As<int16_t>()[i]);
      case DType::kInt32:
        return static_cast<T>(t.As<int32_t>()[i]);
      case DType::kBool:
      case DType::kUInt8:
        return t.As<uint8_t>()[i];
      case DType::kUInt16:
        return t.As<uint16_t>()[i];
      case DType::kUInt32:
        return t.As<uint32_t>()[i];
      default:
        return static_cast<T>(t.As<int64_t>()[i]);
    }
  }
}

template <typename T>
void Store(Tensor& t, int64_t i, T value) {
  if constexpr (std::is_same_v<T, float>) {
    switch (t.dtype()) {
      case DType::kFloat16:
        t.MutableAs<uint16_t>()[i] = FloatToHalf(value);
        return;
      case DType::kBFloat16:
        t.MutableAs<uint16_t>()[i] = FloatToBFloat16(value);
        return;
      default:
        t.MutableAs<float>()[i] = value;
    }
  } else if constexpr (std::is_same_v<T, double>) {
    if (t.dtype() == DType::kFloat64) {
      t.MutableAs<double>()[i] = value;
    } else {
      Store<float>(t, i,
                   t.dtype() == DType::kFloat32 ? static_cast<float>(value) : RoundToOdd(value));
    }
  } else {
    const uint64_t bits = static_cast<uint64_t>(value);
    switch (BitsOf(t.dtype())) {
      case 1:
        t.MutableAs<uint8_t>()[i] = bits & 1;
        return;
      case 8:
        t.MutableAs<uint8_t>()[i] = static_cast<uint8_t>(bits);
        return;
      case 16:
        t.MutableAs<uint16_t>()[i] = static_cast<uint16_t>(bits);
        return;
      case 32:
        t.MutableAs<uint32_t>()[i] = static_cast<uint32_t>(bits);
        return;
      default:
        t.MutableAs<uint64_t>()[i] = bits;
    }
  }
}

// Calls `compute` with a value of the number type of `dtype`: fn(float()), fn(double()), ... Its
// result is a Status or StatusOr; for a dtype without arithmetic the result is Unimplemented.
template <typename Compute>
auto WithNumberType(DType dtype, Compute compute) -> decltype(compute(float())) {
  if (dtype == DType::kFloat64) return compute(double());
  if (IsFloat(dtype)) return compute(float());
  if (IsSigned(dtype)) return compute(int64_t());
  if (IsUnsigned(dtype)) return compute(uint64_t());
  return absl::UnimplementedError(
      absl::StrCat("no arithmetic for elements of type ", executable::DTypeName(dtype)));
}

// Every element as a number.
template <typename T>
std::vector<T> LoadAll(const Tensor& t) {
  std::vector<T> values(t.num_elements());
  for (int64_t i = 0; i < t.num_elements(); ++i) values[i] = Load<T>(t, i);
  return values;
}

// Arithmetic that wraps for integers.
template <typename T>
T WrappingAdd(T a, T b) {
  if constexpr (std::is_floating_point_v<T>)
    return a + b;
  else
    return static_cast<T>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}
template <typename T>
T WrappingMul(T a, T b) {
  if constexpr (std::is_floating_point_v<T>)
    return a * b;
  else
    return static_cast<T>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
}

}  // namespace stator::compiler::reference

#endif  // STATOR_COMPILER_REFERENCE_NUMBER_H_
