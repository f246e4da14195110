#include "graph/literal.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "graph/data_type.h"
#include "graph/status_macros.h"

namespace stator::graph {
namespace {

// Both round to nearest, ties to even.
uint16_t ToBfloat16(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  if (std::isnan(value)) return static_cast<uint16_t>((bits >> 16) | 0x40);
  return static_cast<uint16_t>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

uint16_t ToHalf(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  const uint16_t sign = static_cast<uint16_t>((bits >> 16) & 0x8000);
  const uint32_t magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;   // NaN
  if (magnitude >= 0x477ff000) return sign | 0x7c00;  // rounds to 65536 or more: infinity
  if (magnitude < 0x38800000) {                       // below 2^-14: a multiple of 2^-24
    const float scaled = std::fabs(value) * 16777216.0f;
    return sign | static_cast<uint16_t>(std::nearbyint(scaled));
  }
  const uint32_t rebased = magnitude - 0x38000000;  // exponent bias 127 to 15
  return sign | static_cast<uint16_t>((rebased + 0xfff + ((rebased >> 13) & 1)) >> 13);
}

template <typename T>
void Append(T value, std::string* bytes) {
  bytes->append(reinterpret_cast<const char*>(&value), sizeof(value));
}

bool IsFloatType(DataType type) {
  return type == DT_FLOAT || type == DT_DOUBLE || type == DT_HALF || type == DT_BFLOAT16 ||
         type == DT_COMPLEX64 || type == DT_COMPLEX128;
}

void AppendFloat(double value, DataType type, std::string* bytes) {
  switch (type) {
    case DT_DOUBLE:
      return Append(value, bytes);
    case DT_HALF:
      return Append(ToHalf(static_cast<float>(value)), bytes);
    case DT_BFLOAT16:
      return Append(ToBfloat16(static_cast<float>(value)), bytes);
    case DT_COMPLEX64:
      Append(static_cast<float>(value), bytes);
      return Append(0.0f, bytes);
    case DT_COMPLEX128:
      Append(value, bytes);
      return Append(0.0, bytes);
    default:
      return Append(static_cast<float>(value), bytes);
  }
}

template <typename T>
bool AppendInRange(int64_t value, std::string* bytes) {
  const bool below =
      std::is_signed_v<T> ? value < static_cast<int64_t>(std::numeric_limits<T>::min()) : value < 0;
  const bool above = sizeof(T) < 8 && value > static_cast<int64_t>(std::numeric_limits<T>::max());
  if (below || above) return false;
  Append(static_cast<T>(value), bytes);
  return true;
}

// False when the type has no such value.
bool AppendInteger(int64_t value, DataType type, std::string* bytes) {
  switch (type) {
    case DT_INT8:
      return AppendInRange<int8_t>(value, bytes);
    case DT_INT16:
      return AppendInRange<int16_t>(value, bytes);
    case DT_INT32:
      return AppendInRange<int32_t>(value, bytes);
    case DT_INT64:
      return AppendInRange<int64_t>(value, bytes);
    case DT_UINT8:
      return AppendInRange<uint8_t>(value, bytes);
    case DT_UINT16:
      return AppendInRange<uint16_t>(value, bytes);
    case DT_UINT32:
      return AppendInRange<uint32_t>(value, bytes);
    case DT_UINT64:
      return AppendInRange<uint64_t>(value, bytes);
    default:
      return false;
  }
}

absl::Status Mismatch(DataType expected, const std::string& found) {
  return absl::InvalidArgumentError(
      absl::StrCat("expected values of ", DataTypeName(expected), ", found ", found));
}

}  // namespace

DataType Literal::Join(DataType a, DataType b) {
  if (a == DT_INVALID || a == b) return b;
  if (b == DT_INVALID) return a;
  const auto width = [](DataType type) {
    if (type == DT_INT32) return 1;
    if (type == DT_INT64) return 2;
    if (type == DT_FLOAT) return 3;
    return type == DT_DOUBLE ? 4 : 0;
  };
  if (width(a) == 0 || width(b) == 0) return DT_INVALID;  // text or truth values beside numbers
  return width(a) > width(b) ? a : b;
}

Literal::Literal(std::initializer_list<Literal> items) {
  shape_.push_back(static_cast<int64_t>(items.size()));
  bool any_floats = false;
  for (const Literal& item : items) any_floats |= !item.floats_.empty();
  bool is_first = true;
  for (const Literal& item : items) {
    if (is_first) {
      shape_.insert(shape_.end(), item.shape_.begin(), item.shape_.end());
      natural_ = item.natural_;
    }
    is_ragged_ |= item.is_ragged_ || !std::equal(shape_.begin() + 1, shape_.end(),
                                                 item.shape_.begin(), item.shape_.end());
    too_large_ |= item.too_large_;
    const DataType joined = Join(natural_, item.natural_);
    is_ragged_ |= joined == DT_INVALID && item.natural_ != DT_INVALID;
    natural_ = joined;
    is_first = false;
    floats_.insert(floats_.end(), item.floats_.begin(), item.floats_.end());
    if (any_floats) {
      floats_.insert(floats_.end(), item.integers_.begin(), item.integers_.end());
    } else {
      integers_.insert(integers_.end(), item.integers_.begin(), item.integers_.end());
    }
    strings_.insert(strings_.end(), item.strings_.begin(), item.strings_.end());
  }
  if (natural_ == DT_INVALID) natural_ = DT_INT32;  // {}: most often a shape or a list of axes
}

absl::StatusOr<DenseTensor> Literal::ToTensor(DataType dtype) const {
  if (is_ragged_) {
    return absl::InvalidArgumentError(
        "expected nested lists of equal sizes with elements of one kind, found others");
  }
  if (too_large_) return Mismatch(dtype, "an integer above int64's");
  DenseTensor tensor;
  tensor.dtype = dtype;
  tensor.shape = shape_;
  if ((dtype == DT_STRING) != (natural_ == DT_STRING) &&
      !(strings_.empty() && shape_ == std::vector<int64_t>{0})) {
    return Mismatch(dtype, natural_ == DT_STRING ? "text" : "numbers");
  }
  tensor.strings = strings_;
  for (const double value : floats_) {
    if (!IsFloatType(dtype)) return Mismatch(dtype, absl::StrCat(value));
    AppendFloat(value, dtype, &tensor.bytes);
  }
  for (const int64_t value : integers_) {
    if ((dtype == DT_BOOL) != (natural_ == DT_BOOL)) {
      return Mismatch(dtype, natural_ == DT_BOOL ? "true or false" : absl::StrCat(value));
    }
    if (dtype == DT_BOOL) {
      Append(static_cast<uint8_t>(value != 0), &tensor.bytes);
    } else if (IsFloatType(dtype)) {
      AppendFloat(static_cast<double>(value), dtype, &tensor.bytes);
    } else if (!AppendInteger(value, dtype, &tensor.bytes)) {
      return Mismatch(dtype, absl::StrCat(value));
    }
  }
  return tensor;
}

}  // namespace stator::graph
