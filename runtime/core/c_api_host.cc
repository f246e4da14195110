// Host functions of the C interface.
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "runtime/core/c_api.h"

using stator::executable::InvalidArgument;
using stator::runtime::DType;
using stator::runtime::HostCallContext;
using stator::runtime::Report;
using stator::runtime::Status;
using stator::runtime::TensorView;

struct stator_call {
  HostCallContext* context;
};

namespace stator::runtime {
namespace {

Status CheckIndex(const char* what, int32_t index, int32_t count) {
  if (index >= 0 && index < count) return Status::Ok();
  return InvalidArgument(std::string("host call: ") + what + " " + std::to_string(index) + " of " +
                         std::to_string(count));
}

Status CheckElement(const TensorView& view, int64_t element) {
  if (view.dtype != DType::kString) return InvalidArgument("host call: not a tensor of strings");
  if (!view.has_shape) return InvalidArgument("host call: the output has no shape yet");
  if (element >= 0 && element < view.num_elements()) return Status::Ok();
  return InvalidArgument("host call: string " + std::to_string(element) + " of " +
                         std::to_string(view.num_elements()));
}

Status WriteView(const TensorView& view, stator_tensor* out) {
  if (out == nullptr) return Status::Ok();
  stator_tensor tensor = STATOR_INIT(stator_tensor);
  if (!view.has_shape) {
    tensor.dtype = static_cast<stator_dtype>(view.dtype);
    tensor.rank = -1;
  } else {
    STATOR_EXEC_RETURN_IF_ERROR(WriteType(view.dtype, view.dims, &tensor));
    if (view.dtype != DType::kString) tensor.data = view.data;
  }
  return WriteStruct("tensor", tensor, out);
}

}  // namespace

HostFunction MakeHostFunction(stator_host_function function, void* user) {
  return [function, user](HostCallContext* context) -> Status {
    stator_call call{context};
    stator_error error = STATOR_INIT(stator_error);
    const stator_code code = function(user, &call, &error);
    if (code == STATOR_OK) return Status::Ok();
    error.message[sizeof(error.message) - 1] = 0;
    const bool known = code > 0 && code <= STATOR_DATA_LOSS;
    return Status(known ? static_cast<Code>(code) : Code::kUnknown,
                  error.message[0] != 0 ? error.message : "the host function failed");
  };
}

}  // namespace stator::runtime

using stator::runtime::CheckElement;
using stator::runtime::CheckIndex;
using stator::runtime::WriteView;

extern "C" {

int32_t stator_call_num_inputs(const stator_call* call) { return call->context->num_inputs(); }
int32_t stator_call_num_outputs(const stator_call* call) { return call->context->num_outputs(); }

stator_code stator_call_input(stator_call* call, int32_t index, stator_tensor* tensor,
                              stator_error* error) {
  Status status = CheckIndex("input", index, call->context->num_inputs());
  if (status.ok()) status = WriteView(call->context->input(index), tensor);
  return Report(status, error);
}

stator_code stator_call_input_string(stator_call* call, int32_t index, int64_t element,
                                     stator_string* value, stator_error* error) {
  Status status = CheckIndex("input", index, call->context->num_inputs());
  if (status.ok()) status = CheckElement(call->context->input(index), element);
  if (!status.ok()) return Report(status, error);
  const std::string& text = call->context->InputString(index, element);
  *value = {text.data(), text.size()};
  return STATOR_OK;
}

stator_code stator_call_output(stator_call* call, int32_t index, stator_tensor* tensor,
                               stator_error* error) {
  Status status = CheckIndex("output", index, call->context->num_outputs());
  if (status.ok()) status = WriteView(call->context->output(index), tensor);
  return Report(status, error);
}

stator_code stator_call_allocate_output(stator_call* call, int32_t index, int32_t rank,
                                        const int64_t* dims, stator_tensor* tensor,
                                        stator_error* error) {
  Status status = CheckIndex("output", index, call->context->num_outputs());
  if (status.ok() && (rank < 0 || rank > STATOR_MAX_RANK || (rank > 0 && dims == nullptr))) {
    status = InvalidArgument("host call: output " + std::to_string(index) + " with rank " +
                             std::to_string(rank));
  }
  if (status.ok()) {
    status = call->context->AllocateOutput(index, std::vector<int64_t>(dims, dims + rank));
  }
  if (status.ok()) status = WriteView(call->context->output(index), tensor);
  return Report(status, error);
}

stator_code stator_call_set_output_string(stator_call* call, int32_t index, int64_t element,
                                          const char* data, size_t size, stator_error* error) {
  Status status = CheckIndex("output", index, call->context->num_outputs());
  if (status.ok()) status = CheckElement(call->context->output(index), element);
  if (status.ok() && data == nullptr && size > 0) {
    status = InvalidArgument("host call: a string of " + std::to_string(size) + " bytes at NULL");
  }
  if (!status.ok()) return Report(status, error);
  call->context->SetOutputString(index, element,
                                 size == 0 ? std::string() : std::string(data, size));
  return STATOR_OK;
}

stator_string stator_call_attributes(const stator_call* call) {
  const std::string_view attributes = call->context->attributes();
  return {attributes.data(), attributes.size()};
}

stator_code stator_call_poll(const stator_call* call) {
  return static_cast<stator_code>(call->context->Poll().code());
}

}  // extern "C"
