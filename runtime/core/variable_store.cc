#include "runtime/core/variable_store.h"

#include <algorithm>
#include <chrono>
#include <cstring>

namespace stator::runtime {

Variable* VariableStore::FindOrCreate(const std::string& name) {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::unique_ptr<Variable>& slot = variables_[name];
  if (slot == nullptr) {
    slot = std::make_unique<Variable>();
    slot->name = name;
  }
  return slot.get();
}

std::vector<std::string> VariableStore::Names() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::vector<std::string> names;
  for (const auto& [name, variable] : variables_) names.push_back(name);
  return names;
}

std::vector<executable::VariableSpec> VariableStore::Specs() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::vector<executable::VariableSpec> specs;
  for (const auto& [name, v] : variables_) {
    if (v->initialized) specs.push_back({name, v->dtype, v->dims});
  }
  return specs;
}

bool VariableStore::Available(const VariableAccess& access) const {
  const Variable& v = *access.variable;
  return !v.exclusive && !(access.write && v.written);
}

Status VariableStore::Acquire(const std::vector<VariableAccess>& accesses,
                              const RunControl& control, std::vector<VariableLease>* leases) {
  std::unique_lock<std::mutex> lock(mutex_);
  while (!std::all_of(accesses.begin(), accesses.end(),
                      [this](const VariableAccess& a) { return Available(a); })) {
    if (control.active()) {
      STATOR_EXEC_RETURN_IF_ERROR(control.Poll());
      // system_clock: the thread sanitizer does not know the other clocks' waits.
      released_.wait_until(lock, std::chrono::system_clock::now() + std::chrono::milliseconds(5));
    } else {
      released_.wait(lock);
    }
  }
  leases->resize(accesses.size());
  for (size_t i = 0; i < accesses.size(); ++i) {
    Variable& v = *accesses[i].variable;
    VariableLease& lease = (*leases)[i];
    lease.access = accesses[i];
    lease.initialized = v.initialized;
    lease.exclusive = accesses[i].write && accesses[i].in_place && v.initialized && v.pins == 0 &&
                      !v.buffer->read_only();
    lease.buffer = v.buffer;
    lease.dtype = v.dtype;
    lease.dims.assign(v.dims.begin(), v.dims.end());
    lease.number = v.number;
    lease.publish = false;
    if (lease.exclusive) {
      v.exclusive = true;
    } else {
      ++v.pins;
    }
    if (accesses[i].write) {
      v.written = true;
      // A fresh version needs memory: offer what the last but one version left behind.
      if (!lease.exclusive && v.spare != nullptr) lease.new_buffer = std::move(v.spare);
    }
  }
  return Status::Ok();
}

void VariableStore::Release(std::vector<VariableLease>* leases) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (VariableLease& lease : *leases) {
      Variable& v = *lease.access.variable;
      if (lease.exclusive) {
        v.exclusive = false;
      } else {
        --v.pins;
      }
      if (lease.access.write) v.written = false;
      lease.buffer.reset();
      if (lease.publish) {
        if (!lease.exclusive) {
          // Old memory is free for reuse when no reader has it pinned.
          const bool reusable = v.pins == 0 && v.buffer != nullptr && !v.buffer->read_only();
          v.spare = reusable ? std::move(v.buffer) : nullptr;
          v.buffer = std::move(lease.new_buffer);
        }
        if (v.dims != lease.new_dims) v.dims = lease.new_dims;
        v.dtype = lease.new_dtype;
        v.initialized = true;
        ++v.number;
      } else if (lease.access.write && !lease.exclusive && lease.new_buffer != nullptr) {
        v.spare = std::move(lease.new_buffer);
      }
      lease.new_buffer.reset();
    }
  }
  released_.notify_all();
}

Result<Tensor> VariableStore::Read(const std::string& name) {
  Variable* variable = nullptr;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto it = variables_.find(name);
    if (it == variables_.end()) return executable::NotFound("variable " + name + " does not exist");
    variable = it->second.get();
  }
  std::vector<VariableLease> leases;
  STATOR_EXEC_RETURN_IF_ERROR(Acquire({{variable, true, false, false}}, {}, &leases));
  Result<Tensor> copy = executable::FailedPrecondition("variable " + name + " is not initialized");
  if (leases[0].initialized) {
    const VariableLease& lease = leases[0];
    copy = Tensor::Create(lease.dtype, lease.dims);
    if (copy.ok() && copy->bytes() > 0) {
      std::memcpy(copy->raw(), lease.buffer->data(), static_cast<size_t>(copy->bytes()));
    }
  }
  Release(&leases);
  return copy;
}

Status VariableStore::Write(const std::string& name, const Tensor& value) {
  if (!value.valid() || value.is_string()) {
    return executable::Unimplemented("variable " + name + ": cannot hold " + value.TypeToString());
  }
  Variable* variable = FindOrCreate(name);
  STATOR_EXEC_ASSIGN_OR_RETURN(
      Tensor copy, Tensor::FromBytes(value.dtype(), value.dims(), value.raw(), value.bytes()));
  std::vector<VariableLease> leases;
  STATOR_EXEC_RETURN_IF_ERROR(Acquire({{variable, false, true, false}}, {}, &leases));
  leases[0].publish = true;
  leases[0].new_buffer = copy.buffer();
  leases[0].new_dims = copy.dims();
  leases[0].new_dtype = copy.dtype();
  Release(&leases);
  return Status::Ok();
}

Status VariableStore::Initialize(const std::string& name, const Tensor& value) {
  {
    Variable* variable = FindOrCreate(name);
    const std::lock_guard<std::mutex> lock(mutex_);
    if (variable->initialized) return Status::Ok();
  }
  STATOR_EXEC_ASSIGN_OR_RETURN(
      Tensor copy, Tensor::FromBytes(value.dtype(), value.dims(), value.raw(), value.bytes()));
  return Adopt(name, copy);
}

Status VariableStore::Adopt(const std::string& name, const Tensor& value) {
  std::vector<VariableLease> leases;
  STATOR_EXEC_RETURN_IF_ERROR(Acquire({{FindOrCreate(name), true, true, false}}, {}, &leases));
  leases[0].publish = !leases[0].initialized;  // someone may have been faster
  leases[0].new_buffer = value.buffer();
  leases[0].new_dims = value.dims();
  leases[0].new_dtype = value.dtype();
  Release(&leases);
  return Status::Ok();
}

int64_t VariableStore::TotalBytes() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  int64_t total = 0;
  for (const auto& [name, v] : variables_) {
    if (v->buffer != nullptr) total += v->buffer->size();
  }
  return total;
}

void VariableStore::Clear() {
  const std::lock_guard<std::mutex> lock(mutex_);
  for (auto& [name, v] : variables_) {
    v->initialized = false;
    v->buffer.reset();
    v->spare.reset();
    v->dims.clear();
    ++v->number;
  }
}

}  // namespace stator::runtime
