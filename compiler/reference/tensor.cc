#include "compiler/reference/tensor.h"

#include <cstdlib>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace stator::compiler::reference {

Tensor Tensor::WithDims(Shape dims) const {
  Tensor result = *this;
  result.dims_ = std::move(dims);
  return result;
}

absl::StatusOr<Tensor> Budget::Allocate(DType dtype, Shape dims) {
  int64_t count = 1, bytes = 0;
  bool empty = false, overflow = false;  // of the dimensions that are not 0
  for (int64_t d : dims) {
    if (d < 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("a dimension must not be negative, found ", ToString(dims)));
    }
    empty |= d == 0;
    overflow |= d > int64_t{1} << 32;
    if (d != 0) overflow |= __builtin_mul_overflow(count, d, &count);
  }
  if (empty) count = 0;
  overflow |= __builtin_mul_overflow(count, executable::DTypeSize(dtype), &bytes);
  if (overflow || bytes > limits_.bytes - meter_->used) {
    return absl::ResourceExhaustedError(absl::StrCat(
        "a tensor of shape ", ToString(dims), " exceeds the limit of ", limits_.bytes, " bytes"));
  }
  Tensor tensor;
  tensor.dtype_ = dtype;
  tensor.dims_ = std::move(dims);
  tensor.num_elements_ = count;
  tensor.storage_ = std::make_shared<Tensor::Storage>(meter_);
  tensor.storage_->bytes.resize(bytes);
  meter_->used += bytes;
  if (absl::Status status = ChargeWork(count); !status.ok()) return status;
  return tensor;
}

absl::Status Budget::ChargeWork(int64_t amount) {
  if (amount > limits_.work - work_) {
    return absl::ResourceExhaustedError(
        absl::StrCat("the run exceeds the limit of ", limits_.work, " elements computed"));
  }
  work_ += amount;
  return absl::OkStatus();
}

absl::Status Budget::ChargeOperation() {
  if (++operations_ > limits_.operations) {
    return absl::ResourceExhaustedError(
        absl::StrCat("the run exceeds the limit of ", limits_.operations, " operations"));
  }
  return absl::OkStatus();
}

Tensor MakeTensor(DType dtype, Shape dims, const void* elements) {
  absl::StatusOr<Tensor> tensor = Budget().Allocate(dtype, std::move(dims));
  if (!tensor.ok()) std::abort();  // the caller's bug: nothing that fits memory fails
  if (tensor->num_bytes() != 0) std::memcpy(tensor->mutable_data(), elements, tensor->num_bytes());
  return *std::move(tensor);
}

absl::Status CheckMagnitudes(std::initializer_list<absl::Span<const int64_t>> lists) {
  constexpr int64_t kLimit = int64_t{1} << 30;
  for (absl::Span<const int64_t> list : lists) {
    for (int64_t v : list) {
      if (v >= -kLimit && v <= kLimit) continue;
      return absl::InvalidArgumentError(
          absl::StrCat("a window, stride or padding of ", v, " is out of range"));
    }
  }
  return absl::OkStatus();
}

Shape StridesOf(const Shape& dims) {
  Shape strides(dims.size(), 1);
  for (size_t i = dims.size(); i-- > 1;) strides[i - 1] = strides[i] * dims[i];
  return strides;
}

std::string ToString(const Shape& dims) {
  return absl::StrCat("[", absl::StrJoin(dims, ", "), "]");
}

bool NextIndex(const Shape& dims, Shape& index) {
  for (size_t i = dims.size(); i-- > 0;) {
    if (++index[i] < dims[i]) return true;
    index[i] = 0;
  }
  return false;
}

int64_t OffsetOf(const Shape& index, const Shape& strides) {
  int64_t offset = 0;
  for (size_t i = 0; i < index.size(); ++i) offset += index[i] * strides[i];
  return offset;
}

void CopyElement(const Tensor& from, int64_t from_index, Tensor& to, int64_t to_index) {
  const int64_t size = from.element_size();
  std::memcpy(to.mutable_data() + to_index * size, from.data() + from_index * size, size);
}

}  // namespace stator::compiler::reference
