// States of the C interface.
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "runtime/core/c_api.h"
#include "runtime/core/initial_values.h"

namespace stator::runtime {

using executable::InvalidArgument;

namespace {

std::string PatternText(DType dtype, const std::vector<int64_t>& dims) {
  std::string out = executable::DTypeName(dtype);
  out += "[";
  for (size_t i = 0; i < dims.size(); ++i) {
    out += (i == 0 ? "" : ", ") + (dims[i] < 0 ? "?" : std::to_string(dims[i]));
  }
  return out + "]";
}

}  // namespace

Status StateData::Attach(const ModelData& model) {
  STATOR_EXEC_RETURN_IF_ERROR(DeclareLayouts(*model.executable, executable::kNone, &store));
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (const ModelData::VariableInfo& v : model.variables) {
      const auto at = expected_.find(v.variable->name);
      if (at == expected_.end() ||
          (at->second.dtype == v.variable->dtype && at->second.dims.size() == v.type.dims.size())) {
        continue;
      }
      return executable::FailedPrecondition(
          "variable " + v.variable->name + ": is " +
          PatternText(at->second.dtype, at->second.dims) + " in this state, " +
          PatternText(v.variable->dtype, v.type.dims) + " in the model");
    }
    for (const ModelData::VariableInfo& v : model.variables) {
      const std::string& name = v.variable->name;
      if (!expected_.emplace(name, Expected{v.variable->dtype, v.type.dims}).second) continue;
      names_.push_back(name);
    }
    for (const executable::FixedWeight& w : model.image().fixed_weights) {
      fixed_.emplace(w.name, w.reason);
    }
  }
  for (const ModelData::VariableInfo& v : model.variables) store.FindOrCreate(v.variable->name);
  return InitializeVariables(model.executable, &store);
}

Status StateData::Copy(StateData* copy) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    copy->names_ = names_;
    copy->expected_ = expected_;
    copy->fixed_ = fixed_;
  }
  return store.ShareInto(&copy->store);
}

Status StateData::CheckValue(const std::string& name, const Tensor& value) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto at = expected_.find(name);
  // It may be a variable of one entry point and compiled into another.
  if (const auto fixed = fixed_.find(name); fixed != fixed_.end()) {
    return executable::FailedPrecondition("variable " + name +
                                          ": cannot be replaced: " + fixed->second);
  }
  if (at == expected_.end()) return executable::NotFound("variable " + name + " does not exist");
  const Expected& expected = at->second;
  bool fits = expected.dtype == value.dtype() && expected.dims.size() == value.dims().size();
  for (size_t i = 0; fits && i < expected.dims.size(); ++i) {
    fits = expected.dims[i] < 0 || expected.dims[i] == value.dims()[i];
  }
  if (fits) return Status::Ok();
  return InvalidArgument("variable " + name + ": expected " +
                         PatternText(expected.dtype, expected.dims) + ", got " +
                         value.TypeToString());
}

int32_t StateData::num_variables() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return static_cast<int32_t>(names_.size());
}

const char* StateData::name(int32_t index) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (index < 0 || static_cast<size_t>(index) >= names_.size()) return nullptr;
  return names_[index].c_str();
}

namespace {

Status ReadVariable(StateData* state, const std::string& name, stator_tensor* given) {
  stator_tensor tensor;
  STATOR_EXEC_RETURN_IF_ERROR(ReadStruct("tensor", given, &tensor));
  const Status status = state->store.Visit(name, [&](const VariableLease& lease) -> Status {
    if (!lease.initialized) {
      return executable::FailedPrecondition("variable " + name + " is not initialized");
    }
    const Status type = WriteType(lease.dtype, lease.dims, &tensor);
    if (!type.ok()) return At("variable " + name, type);
    if (tensor.capacity == 0) return Status::Ok();
    if (tensor.bytes > tensor.capacity || tensor.data == nullptr) {
      return InvalidArgument("variable " + name + ": needs " + std::to_string(tensor.bytes) +
                             " bytes, its memory has " + std::to_string(tensor.capacity));
    }
    executable::FromLayout(lease.layout, lease.dims, executable::DTypeSize(lease.dtype),
                           lease.buffer->data(), tensor.data);
    return Status::Ok();
  });
  const Status written = WriteStruct("tensor", tensor, given);
  return status.ok() ? written : status;
}

Status WriteVariables(StateData* state, int32_t count, const char* const* names,
                      const stator_tensor* tensors) {
  if (count < 0) return InvalidArgument("count is " + std::to_string(count));
  if (count > 0 && names == nullptr) return InvalidArgument("names is NULL");
  if (count > 0 && tensors == nullptr) return InvalidArgument("tensors is NULL");
  std::vector<std::pair<std::string, Tensor>> values;
  for (int32_t i = 0; i < count; ++i) {
    if (names[i] == nullptr) {
      return InvalidArgument("name " + std::to_string(i) + " is NULL");
    }
    stator_tensor tensor;
    STATOR_EXEC_RETURN_IF_ERROR(ReadElement("tensor", tensors, i, &tensor));
    const std::string place = std::string("variable ") + names[i];
    std::vector<int64_t> dims;
    int64_t elements = 0;
    const Status type = ReadType(tensor, &dims, &elements);
    if (!type.ok()) return At(place, type);
    // Before the data is read: another type's must not be taken for strings.
    Tensor typed;
    typed.Assign(static_cast<DType>(tensor.dtype), dims, nullptr);
    STATOR_EXEC_RETURN_IF_ERROR(state->CheckValue(names[i], typed));
    Result<Tensor> value = WrapTensor(tensor);
    if (!value.ok()) return At(place, value.status());
    values.emplace_back(names[i], *std::move(value));
  }
  return state->store.WriteAll(values);
}

}  // namespace
}  // namespace stator::runtime

using namespace stator::runtime;  // NOLINT: this is their C face
using stator::executable::InvalidArgument;

extern "C" {

stator_code stator_state_create(const stator_model* model, stator_state** state,
                                stator_error* error) {
  if (model == nullptr || state == nullptr) {
    return Report(InvalidArgument("model or state is NULL"), error);
  }
  *state = nullptr;
  auto data = std::make_shared<StateData>();
  const Status status = data->Attach(*model->data);
  if (status.ok()) *state = new stator_state{std::move(data)};
  return Report(status, error);
}

stator_code stator_state_copy(stator_state* state, stator_state** copy, stator_error* error) {
  if (state == nullptr || copy == nullptr) {
    return Report(InvalidArgument("state or copy is NULL"), error);
  }
  *copy = nullptr;
  auto data = std::make_shared<StateData>();
  const Status status = state->data->Copy(data.get());
  if (status.ok()) *copy = new stator_state{std::move(data)};
  return Report(status, error);
}

void stator_state_destroy(stator_state* state) { delete state; }

int32_t stator_state_num_variables(const stator_state* state) {
  return state == nullptr ? 0 : state->data->num_variables();
}

const char* stator_state_variable_name(const stator_state* state, int32_t index) {
  return state == nullptr ? nullptr : state->data->name(index);
}

int32_t stator_state_is_initialized(const stator_state* state, const char* name) {
  return state != nullptr && name != nullptr && state->data->store.IsInitialized(name);
}

stator_code stator_state_read(stator_state* state, const char* name, stator_tensor* tensor,
                              stator_error* error) {
  if (state == nullptr || name == nullptr || tensor == nullptr) {
    return Report(InvalidArgument("state, name or tensor is NULL"), error);
  }
  return Report(ReadVariable(state->data.get(), name, tensor), error);
}

stator_code stator_state_write(stator_state* state, const char* name, const stator_tensor* tensor,
                               stator_error* error) {
  if (name == nullptr) return Report(InvalidArgument("name is NULL"), error);
  if (tensor == nullptr) {
    return Report(InvalidArgument(std::string("variable ") + name + ": tensor is NULL"), error);
  }
  return stator_state_write_all(state, 1, &name, tensor, error);
}

stator_code stator_state_write_all(stator_state* state, int32_t count, const char* const* names,
                                   const stator_tensor* tensors, stator_error* error) {
  if (state == nullptr) return Report(InvalidArgument("state is NULL"), error);
  return Report(WriteVariables(state->data.get(), count, names, tensors), error);
}

}  // extern "C"
