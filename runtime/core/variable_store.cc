#include "runtime/core/variable_store.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <set>

namespace stator::runtime {

uint64_t NextVersionNumber() {
  static std::atomic<uint64_t> last{0};
  return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

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

namespace {

Status CheckLayout(const Variable& v, const std::vector<int64_t>& dims) {
  if (executable::FitsLayout(v.layout, dims)) return Status::Ok();
  return executable::InvalidArgument("variable " + v.name + ": a value of shape " + DimsText(dims) +
                                     " does not fit " + executable::LayoutText(v.layout));
}

// The value's numbers as the variable's versions hold them.
Result<Tensor> CopyInLayout(executable::Layout layout, const Tensor& value) {
  STATOR_EXEC_ASSIGN_OR_RETURN(Tensor copy, Tensor::Create(value.dtype(), value.dims()));
  executable::ToLayout(layout, value.dims(), executable::DTypeSize(value.dtype()), value.raw(),
                       copy.raw());
  return copy;
}

}  // namespace

Status VariableStore::SetLayouts(
    const std::vector<std::pair<std::string, executable::Layout>>& layouts) {
  std::vector<Variable*> variables;
  for (const auto& [name, layout] : layouts) variables.push_back(FindOrCreate(name));
  std::unique_lock<std::mutex> lock(mutex_);
  for (size_t i = 0; i < layouts.size(); ++i) {
    Variable& v = *variables[i];
    if (v.layout == layouts[i].second) continue;
    // Who writes now has looked at the layout.
    released_.wait(lock, [&v] { return !v.written; });
    if (!v.initialized && !v.layout_is_fixed) continue;
    return executable::FailedPrecondition(
        "variable " + v.name + ": lies in " + executable::LayoutText(v.layout) +
        " here, the program wants " + executable::LayoutText(layouts[i].second));
  }
  for (size_t i = 0; i < layouts.size(); ++i) {
    variables[i]->layout = layouts[i].second;
    variables[i]->layout_is_fixed = true;
  }
  return Status::Ok();
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
    lease.layout = v.layout;
    lease.publish = false;
    lease.new_number = 0;
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
        v.number = lease.new_number != 0 ? lease.new_number : NextVersionNumber();
      } else if (lease.access.write && !lease.exclusive && lease.new_buffer != nullptr) {
        v.spare = std::move(lease.new_buffer);
      }
      lease.new_buffer.reset();
    }
  }
  released_.notify_all();
}

Status VariableStore::Visit(const std::string& name,
                            const std::function<Status(const VariableLease&)>& visit) {
  Variable* variable = nullptr;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto it = variables_.find(name);
    if (it == variables_.end()) return executable::NotFound("variable " + name + " does not exist");
    variable = it->second.get();
  }
  std::vector<VariableLease> leases;
  STATOR_EXEC_RETURN_IF_ERROR(Acquire({{variable, true, false, false}}, {}, &leases));
  const Status status = visit(leases[0]);
  Release(&leases);
  return status;
}

Result<Tensor> VariableStore::Read(const std::string& name) {
  Tensor copy;
  STATOR_EXEC_RETURN_IF_ERROR(Visit(name, [&](const VariableLease& lease) -> Status {
    if (!lease.initialized) {
      return executable::FailedPrecondition("variable " + name + " is not initialized");
    }
    STATOR_EXEC_ASSIGN_OR_RETURN(copy, Tensor::Create(lease.dtype, lease.dims));
    executable::FromLayout(lease.layout, lease.dims, executable::DTypeSize(lease.dtype),
                           lease.buffer->data(), copy.raw());
    return Status::Ok();
  }));
  return copy;
}

Status VariableStore::Write(const std::string& name, const Tensor& value) {
  return WriteAll({{name, value}});
}

Status VariableStore::WriteAll(const std::vector<std::pair<std::string, Tensor>>& values) {
  std::set<Variable*> distinct;
  std::vector<VariableAccess> accesses;
  for (const auto& [name, value] : values) {
    if (!value.valid() || value.is_string()) {
      return executable::Unimplemented("variable " + name + ": cannot hold " +
                                       value.TypeToString());
    }
    Variable* variable = FindOrCreate(name);
    if (!distinct.insert(variable).second) {
      return executable::InvalidArgument("variable " + name + " is given twice");
    }
    accesses.push_back({variable, false, true, false});
  }
  std::vector<VariableLease> leases;
  STATOR_EXEC_RETURN_IF_ERROR(Acquire(accesses, {}, &leases));
  Status status;
  for (size_t i = 0; i < leases.size() && status.ok(); ++i) {
    const Tensor& value = values[i].second;
    status = CheckLayout(*leases[i].access.variable, value.dims());
    if (!status.ok()) break;
    Result<Tensor> copy = CopyInLayout(leases[i].layout, value);
    status = copy.status();
    if (!status.ok()) break;
    leases[i].new_buffer = copy->buffer();
    leases[i].new_dims = copy->dims();
    leases[i].new_dtype = copy->dtype();
  }
  for (VariableLease& lease : leases) lease.publish = status.ok();
  Release(&leases);
  return status;
}

bool VariableStore::IsInitialized(const std::string& name) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto it = variables_.find(name);
  return it != variables_.end() && it->second->initialized;
}

Status VariableStore::Adopt(const std::string& name, const Tensor& value, uint64_t number) {
  // A run that writes it may hold it for long; there is nothing to wait for.
  if (IsInitialized(name)) return Status::Ok();
  std::vector<VariableLease> leases;
  STATOR_EXEC_RETURN_IF_ERROR(Acquire({{FindOrCreate(name), true, true, false}}, {}, &leases));
  Status status;
  if (!leases[0].initialized) {  // else someone was faster
    status = CheckLayout(*leases[0].access.variable, value.dims());
  }
  if (!leases[0].initialized && status.ok()) {
    leases[0].publish = true;
    leases[0].new_buffer = value.buffer();
    leases[0].new_dims = value.dims();
    leases[0].new_dtype = value.dtype();
    leases[0].new_number = number;
  }
  Release(&leases);
  return status;
}

Status VariableStore::ShareInto(VariableStore* other) {
  std::vector<VariableAccess> accesses;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (const auto& [name, v] : variables_) accesses.push_back({v.get(), true, false, false});
  }
  std::vector<VariableLease> leases;
  STATOR_EXEC_RETURN_IF_ERROR(Acquire(accesses, {}, &leases));
  // Nobody writes into a version that is pinned, and from now on nobody ever will: several stores
  // may come to hold it, even if this one has moved on meanwhile.
  for (VariableLease& lease : leases) {
    if (lease.buffer != nullptr) lease.buffer->set_read_only();
  }
  std::vector<std::pair<std::string, executable::Layout>> layouts;
  for (const VariableLease& lease : leases) {
    if (lease.initialized || lease.layout != executable::Layout::kRowMajor) {
      layouts.emplace_back(lease.access.variable->name, lease.layout);
    }
  }
  Status status = other->SetLayouts(layouts);
  for (VariableLease& lease : leases) {
    if (!status.ok()) break;
    const std::string& name = lease.access.variable->name;
    if (!lease.initialized) {
      other->FindOrCreate(name);
      continue;
    }
    Result<Tensor> value = Tensor::FromBuffer(lease.dtype, lease.dims, lease.buffer);
    status = value.ok() ? other->Adopt(name, *value, lease.number) : value.status();
  }
  Release(&leases);
  return status;
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
    v->number = NextVersionNumber();
  }
}

}  // namespace stator::runtime
