#include "runtime/core/tensor.h"

namespace stator::runtime {
namespace {

// Elements of a shape; the bytes fit int64 too.
Result<int64_t> CountElements(DType dtype, const std::vector<int64_t>& dims) {
  if (!executable::IsKnownDType(dtype)) {
    return executable::InvalidArgument("tensor: unknown dtype " +
                                       std::to_string(static_cast<int>(dtype)));
  }
  int64_t bytes = executable::DTypeSize(dtype);
  bool empty = false;
  for (int64_t d : dims) {
    if (d < 0) {
      return executable::InvalidArgument("tensor " + TypeText(dtype, dims) +
                                         ": negative dimension");
    }
    empty |= d == 0;
  }
  if (empty) return int64_t{0};
  for (int64_t d : dims) {
    if (__builtin_mul_overflow(bytes, d, &bytes)) {
      return executable::InvalidArgument("tensor " + TypeText(dtype, dims) + ": too large");
    }
  }
  return bytes / executable::DTypeSize(dtype);
}

}  // namespace

std::string DimsText(const std::vector<int64_t>& dims) {
  std::string out = "[";
  for (size_t i = 0; i < dims.size(); ++i) out += (i == 0 ? "" : ", ") + std::to_string(dims[i]);
  return out + "]";
}

std::string TypeText(DType dtype, const std::vector<int64_t>& dims) {
  return executable::DTypeName(dtype) + DimsText(dims);
}

Result<Tensor> Tensor::Create(DType dtype, std::vector<int64_t> dims) {
  STATOR_EXEC_ASSIGN_OR_RETURN(const int64_t elements, CountElements(dtype, dims));
  Tensor t;
  t.dtype_ = dtype;
  t.elements_ = elements;
  if (dtype == DType::kString) {
    if (elements > (int64_t{1} << 36)) return executable::ResourceExhausted("too many strings");
    t.strings_ = std::make_shared<std::vector<std::string>>(static_cast<size_t>(elements));
  } else {
    STATOR_EXEC_ASSIGN_OR_RETURN(t.buffer_,
                                 Buffer::Allocate(elements * executable::DTypeSize(dtype)));
  }
  t.dims_ = std::move(dims);
  return t;
}

Result<Tensor> Tensor::FromBytes(DType dtype, std::vector<int64_t> dims, const void* data,
                                 int64_t bytes) {
  if (dtype == DType::kString) return executable::InvalidArgument("strings have no raw bytes");
  STATOR_EXEC_ASSIGN_OR_RETURN(Tensor t, Create(dtype, std::move(dims)));
  if (t.bytes() != bytes) {
    return executable::InvalidArgument("tensor " + t.TypeToString() + ": needs " +
                                       std::to_string(t.bytes()) + " bytes, got " +
                                       std::to_string(bytes));
  }
  if (bytes > 0) std::memcpy(t.raw(), data, static_cast<size_t>(bytes));
  return t;
}

Result<Tensor> Tensor::FromStrings(std::vector<int64_t> dims, std::vector<std::string> strings) {
  STATOR_EXEC_ASSIGN_OR_RETURN(const int64_t elements, CountElements(DType::kString, dims));
  if (elements != static_cast<int64_t>(strings.size())) {
    return executable::InvalidArgument("tensor " + TypeText(DType::kString, dims) + ": got " +
                                       std::to_string(strings.size()) + " strings");
  }
  Tensor t;
  t.dtype_ = DType::kString;
  t.dims_ = std::move(dims);
  t.elements_ = elements;
  t.strings_ = std::make_shared<std::vector<std::string>>(std::move(strings));
  return t;
}

Result<Tensor> Tensor::FromBuffer(DType dtype, std::vector<int64_t> dims, BufferRef buffer) {
  STATOR_EXEC_ASSIGN_OR_RETURN(const int64_t elements, CountElements(dtype, dims));
  if (dtype == DType::kString || buffer == nullptr ||
      buffer->size() < elements * executable::DTypeSize(dtype)) {
    return executable::InvalidArgument("tensor " + TypeText(dtype, dims) +
                                       ": the buffer is too small, or strings");
  }
  Tensor t;
  t.dtype_ = dtype;
  t.dims_ = std::move(dims);
  t.elements_ = elements;
  t.buffer_ = std::move(buffer);
  return t;
}

void Tensor::Assign(DType dtype, const std::vector<int64_t>& dims, const BufferRef& buffer) {
  dtype_ = dtype;
  dims_.assign(dims.begin(), dims.end());
  elements_ = 1;
  for (int64_t d : dims) elements_ *= d;
  if (buffer_ != buffer) buffer_ = buffer;
  strings_.reset();
}

std::string Tensor::TypeToString() const { return TypeText(dtype_, dims_); }

}  // namespace stator::runtime
