#include "runtime/core/builtin_functions.h"

#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "runtime/core/host_attributes.h"
#include "runtime/core/tensor.h"

namespace stator::runtime {
namespace {

using executable::Internal;
using executable::InvalidArgument;

// A damaged plan may call a function with anything.
Status CheckCounts(const HostCallContext& call, int inputs, int outputs) {
  if (call.num_inputs() == inputs && call.num_outputs() == outputs) return Status::Ok();
  return Internal("the plan calls it with " + std::to_string(call.num_inputs()) + " inputs and " +
                  std::to_string(call.num_outputs()) + " outputs, it takes " +
                  std::to_string(inputs) + " and " + std::to_string(outputs));
}

Status StringConstant(HostCallContext* call) {
  STATOR_EXEC_RETURN_IF_ERROR(CheckCounts(*call, 0, 1));
  const TensorView& out = call->output(0);
  if (out.dtype != DType::kString || !out.has_shape) {
    return Internal("the plan has no strings of a known shape where the constant goes");
  }
  std::vector<std::string> values = StringsAttribute(call->attributes(), "values");
  const int64_t expected = out.num_elements();
  if (static_cast<int64_t>(values.size()) != expected) {
    return Internal("a constant of " + std::to_string(expected) + " strings came with " +
                    std::to_string(values.size()));
  }
  for (size_t i = 0; i < values.size(); ++i) {
    call->SetOutputString(0, static_cast<int64_t>(i), std::move(values[i]));
  }
  return Status::Ok();
}

Status Placeholder(HostCallContext*) {
  return InvalidArgument("the run needs this placeholder's value, which was not fed");
}

struct PackedHeader {
  int32_t dtype;
  int32_t rank;
};

Status RestoredTensor(HostCallContext* call) {
  STATOR_EXEC_RETURN_IF_ERROR(CheckCounts(*call, 1, 1));
  if (call->input(0).dtype != DType::kString || call->input(0).num_elements() < 1) {
    return Internal("the plan gives it no string to unpack");
  }
  const std::string& packed = call->InputString(0, 0);
  PackedHeader header{};
  if (packed.size() >= sizeof(header)) std::memcpy(&header, packed.data(), sizeof(header));
  const size_t rank = static_cast<uint16_t>(header.rank);
  const size_t front = sizeof(header) + rank * sizeof(int64_t);
  if (packed.size() < front) {
    return InvalidArgument("the value to assign was not restored from a checkpoint");
  }
  std::vector<int64_t> dims(rank);
  if (rank > 0) std::memcpy(dims.data(), packed.data() + sizeof(header), rank * sizeof(int64_t));
  const DType wanted = call->output(0).dtype;
  if (header.dtype != static_cast<int32_t>(wanted) || executable::IsObjectDType(wanted)) {
    return InvalidArgument("restored " + TypeText(static_cast<DType>(header.dtype), dims) +
                           ", the variable holds " + executable::DTypeName(wanted));
  }
  int64_t bytes = executable::DTypeSize(wanted);
  bool fits = true;
  for (int64_t size : dims)
    fits = fits && size >= 0 && !__builtin_mul_overflow(bytes, size, &bytes);
  if (!fits || static_cast<size_t>(bytes) != packed.size() - front) {
    return InvalidArgument("restored " + TypeText(wanted, dims) + " in " +
                           std::to_string(packed.size() - front) + " bytes");
  }
  if (call->output(0).data == nullptr) {
    STATOR_EXEC_RETURN_IF_ERROR(call->AllocateOutput(0, dims));
  } else if (call->output(0).dims != dims) {
    return InvalidArgument("restored " + TypeText(wanted, dims) + ", the variable is " +
                           TypeText(wanted, call->output(0).dims));
  }
  if (bytes > 0)
    std::memcpy(call->output(0).data, packed.data() + front, static_cast<size_t>(bytes));
  return Status::Ok();
}

}  // namespace

void RegisterBuiltinFunctions(HostRegistry* registry) {
  registry->Register("StringConstant", StringConstant);
  registry->Register("Placeholder", Placeholder);
  registry->Register("RestoredTensor", RestoredTensor);
}

}  // namespace stator::runtime
