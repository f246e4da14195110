// A tensor on the host, as users feed and fetch it.
#ifndef STATOR_RUNTIME_CORE_TENSOR_H_
#define STATOR_RUNTIME_CORE_TENSOR_H_

#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include "executable/dtype.h"
#include "runtime/core/buffer.h"

namespace stator::runtime {

using executable::DType;

template <typename T>
constexpr DType DTypeOf() {
  if constexpr (std::is_same_v<T, float>) return DType::kFloat32;
  if constexpr (std::is_same_v<T, double>) return DType::kFloat64;
  if constexpr (std::is_same_v<T, int8_t>) return DType::kInt8;
  if constexpr (std::is_same_v<T, int16_t>) return DType::kInt16;
  if constexpr (std::is_same_v<T, int32_t>) return DType::kInt32;
  if constexpr (std::is_same_v<T, int64_t>) return DType::kInt64;
  if constexpr (std::is_same_v<T, uint8_t>) return DType::kUInt8;
  if constexpr (std::is_same_v<T, uint16_t>) return DType::kUInt16;
  if constexpr (std::is_same_v<T, uint32_t>) return DType::kUInt32;
  if constexpr (std::is_same_v<T, uint64_t>) return DType::kUInt64;
  if constexpr (std::is_same_v<T, bool>) return DType::kBool;
  return DType::kInvalid;
}

// "[2, 3]" and "float[2, 3]", for messages.
std::string DimsText(const std::vector<int64_t>& dims);
std::string TypeText(DType dtype, const std::vector<int64_t>& dims);

// Dtype, shape and contiguous row-major elements. A copy shares the elements; they are read only
// once shared. Strings are held as std::string. A default-made tensor is invalid (no dtype).
class Tensor {
 public:
  Tensor() = default;

  // Uninitialized numbers, or empty strings. InvalidArgument for an unknown dtype, a negative
  // dimension or a size beyond int64; ResourceExhausted when memory is short.
  static Result<Tensor> Create(DType dtype, std::vector<int64_t> dims);
  // A copy of `bytes` bytes; InvalidArgument unless that is exactly the tensor's size.
  static Result<Tensor> FromBytes(DType dtype, std::vector<int64_t> dims, const void* data,
                                  int64_t bytes);
  static Result<Tensor> FromStrings(std::vector<int64_t> dims, std::vector<std::string> strings);
  // Over existing memory: `buffer` has at least the tensor's bytes.
  static Result<Tensor> FromBuffer(DType dtype, std::vector<int64_t> dims, BufferRef buffer);

  // For programs and tests: aborts when the number of values does not fit the dims.
  template <typename T>
  static Tensor Of(std::vector<int64_t> dims, const std::vector<T>& values) {
    Result<Tensor> t = Create(DTypeOf<T>(), std::move(dims));
    if (t->num_elements() != static_cast<int64_t>(values.size())) std::abort();
    T* out = t->template data<T>();
    for (size_t i = 0; i < values.size(); ++i) out[i] = values[i];
    return std::move(t).value();
  }
  template <typename T>
  static Tensor Scalar(T value) {
    return Of<T>({}, {value});
  }

  bool valid() const { return dtype_ != DType::kInvalid; }
  DType dtype() const { return dtype_; }
  const std::vector<int64_t>& dims() const { return dims_; }
  int64_t num_elements() const { return elements_; }
  // Bytes of the elements; 8 a piece for strings.
  int64_t bytes() const { return elements_ * executable::DTypeSize(dtype_); }

  void* raw() const { return buffer_ == nullptr ? nullptr : buffer_->data(); }
  template <typename T>
  T* data() const {
    return static_cast<T*>(raw());
  }
  const BufferRef& buffer() const { return buffer_; }
  bool is_string() const { return dtype_ == DType::kString; }
  std::vector<std::string>& strings() { return *strings_; }
  const std::vector<std::string>& strings() const { return *strings_; }

  // For the runtime: makes this tensor `dims` over `buffer`, keeping the capacity of the dims, so
  // that a prepared run does not allocate. Numbers only.
  void Assign(DType dtype, const std::vector<int64_t>& dims, const BufferRef& buffer);

  // "float[2, 3]".
  std::string TypeToString() const;

 private:
  DType dtype_ = DType::kInvalid;
  std::vector<int64_t> dims_;
  int64_t elements_ = 0;
  BufferRef buffer_;
  std::shared_ptr<std::vector<std::string>> strings_;
};

}  // namespace stator::runtime

#endif  // STATOR_RUNTIME_CORE_TENSOR_H_
