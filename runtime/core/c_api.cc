// Errors, types and tensors of the C interface.
#include "runtime/core/c_api.h"

#include <algorithm>
#include <utility>

namespace stator::runtime {

using executable::InvalidArgument;

namespace {

// Types that tensors of callers may have.
bool IsPublic(int32_t dtype) {
  if (dtype < 0 || dtype > 255) return false;
  const auto type = static_cast<DType>(dtype);
  return executable::IsKnownDType(type) &&
         (type == DType::kString || !executable::IsObjectDType(type));
}

// The largest length <= `limit` at which UTF-8 text may be cut.
size_t CutText(const std::string& text, size_t limit) {
  if (text.size() <= limit) return text.size();
  while (limit > 0 && (static_cast<unsigned char>(text[limit]) & 0xC0) == 0x80) --limit;
  return limit;
}

}  // namespace

stator_code Report(const Status& status, stator_error* error) {
  const auto code = static_cast<stator_code>(status.code());
  constexpr size_t kStart = offsetof(stator_error, message);
  if (status.ok() || error == nullptr || error->struct_size <= kStart) return code;
  error->code = code;
  const size_t room = std::min(error->struct_size - kStart, sizeof(error->message));
  const size_t length = CutText(status.message(), room - 1);
  std::memcpy(error->message, status.message().data(), length);
  error->message[length] = 0;
  // Names come from bundles, which may be damaged.
  std::replace(error->message, error->message + length, '\0', '?');
  return code;
}

int64_t ElementBytes(DType dtype) {
  return dtype == DType::kString ? sizeof(stator_string) : executable::DTypeSize(dtype);
}

Status ReadType(const stator_tensor& tensor, std::vector<int64_t>* dims, int64_t* elements) {
  const auto dtype = static_cast<DType>(tensor.dtype);
  if (!IsPublic(tensor.dtype)) {
    return InvalidArgument("unknown dtype " + std::to_string(tensor.dtype));
  }
  if (tensor.rank < 0 || tensor.rank > STATOR_MAX_RANK) {
    return InvalidArgument("rank " + std::to_string(tensor.rank) + ", expected 0 to " +
                           std::to_string(STATOR_MAX_RANK));
  }
  dims->assign(tensor.dims, tensor.dims + tensor.rank);
  int64_t bytes = ElementBytes(dtype);
  for (size_t i = 0; i < dims->size(); ++i) {
    const int64_t dim = (*dims)[i];
    if (dim < 0) {
      return InvalidArgument("dimension " + std::to_string(i) + " is " + std::to_string(dim));
    }
    if (__builtin_mul_overflow(bytes, dim, &bytes)) {
      return InvalidArgument("dimension " + std::to_string(i) + " is " + std::to_string(dim) +
                             ": more bytes than an int64 counts");
    }
  }
  if (tensor.bytes != 0 && tensor.bytes != static_cast<size_t>(bytes)) {
    return InvalidArgument("its dims make " + std::to_string(bytes) +
                           " bytes, it says that it has " + std::to_string(tensor.bytes));
  }
  *elements = bytes / ElementBytes(dtype);
  return Status::Ok();
}

Status WriteType(DType dtype, const std::vector<int64_t>& dims, stator_tensor* tensor) {
  if (dims.size() > STATOR_MAX_RANK) {
    return executable::Unimplemented("has " + std::to_string(dims.size()) +
                                     " dimensions, the C interface takes " +
                                     std::to_string(STATOR_MAX_RANK));
  }
  tensor->dtype = static_cast<stator_dtype>(dtype);
  tensor->rank = static_cast<int32_t>(dims.size());
  int64_t bytes = ElementBytes(dtype);
  bool known = true;
  for (size_t i = 0; i < dims.size(); ++i) {
    tensor->dims[i] = dims[i];
    known &= dims[i] >= 0 && !__builtin_mul_overflow(bytes, dims[i], &bytes);
  }
  tensor->bytes = known ? static_cast<size_t>(bytes) : 0;
  return Status::Ok();
}

Result<Tensor> WrapTensor(const stator_tensor& tensor) {
  std::vector<int64_t> dims;
  int64_t elements = 0;
  STATOR_EXEC_RETURN_IF_ERROR(ReadType(tensor, &dims, &elements));
  if (tensor.data == nullptr && elements > 0) return InvalidArgument("data is NULL");
  const auto dtype = static_cast<DType>(tensor.dtype);
  if (dtype != DType::kString) {
    return Tensor::FromBuffer(
        dtype, std::move(dims),
        Buffer::Wrap(tensor.data, elements * executable::DTypeSize(dtype), nullptr));
  }
  const auto* strings = static_cast<const stator_string*>(tensor.data);
  std::vector<std::string> copies(static_cast<size_t>(elements));
  for (size_t i = 0; i < copies.size(); ++i) {
    if (strings[i].size == 0) continue;
    if (strings[i].data == nullptr) {
      return InvalidArgument("string " + std::to_string(i) + " has no data");
    }
    copies[i].assign(strings[i].data, strings[i].size);
  }
  return Tensor::FromStrings(std::move(dims), std::move(copies));
}

}  // namespace stator::runtime

using stator::executable::Code;
using stator::runtime::DType;

extern "C" {

int32_t stator_api_version(void) { return STATOR_API_VERSION; }

const char* stator_code_name(stator_code code) {
  return stator::executable::CodeName(static_cast<Code>(code));
}

const char* stator_dtype_name(stator_dtype dtype) {
  if (!stator::runtime::IsPublic(dtype)) dtype = 0;
  return stator::executable::DTypeName(static_cast<DType>(dtype));
}

size_t stator_dtype_size(stator_dtype dtype) {
  if (!stator::runtime::IsPublic(dtype)) return 0;
  return static_cast<size_t>(stator::runtime::ElementBytes(static_cast<DType>(dtype)));
}

}  // extern "C"
