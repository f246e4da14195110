// What a run leaves behind: fetches, new versions of variables, counters.
#include <string>

#include "runtime/core/run_execution.h"

namespace stator::runtime {

Status RunExecution::Fetch(const std::vector<Tensor>& feeds, std::vector<Tensor>* fetches) {
  for (size_t i = 0; i < entry_.fetches.size(); ++i) {
    STATOR_EXEC_RETURN_IF_ERROR(FetchOne(i, feeds, &(*fetches)[i]));
  }
  return Status::Ok();
}

Status RunExecution::FetchOne(size_t i, const std::vector<Tensor>& feeds, Tensor* out) {
  const executable::Port& port = entry_.fetches[i];
  for (size_t f = 0; f < feeds.size(); ++f) {
    if (entry_.feeds[f].buffer == port.buffer) {
      *out = feeds[f];
      return Status::Ok();
    }
  }
  std::vector<int64_t>& dims = fetch_dims_;
  dims.clear();
  int64_t bytes = executable::DTypeSize(port.dtype);
  for (int32_t e : port.dims) {
    dims.push_back(values_[e]);
    if (values_[e] < 0 || __builtin_mul_overflow(bytes, values_[e], &bytes)) {
      return executable::Internal("fetch " + port.name + ": bad shape " + DimsText(dims));
    }
  }
  if (table_[port.buffer] == nullptr && bytes > 0) {
    return executable::Internal("fetch " + port.name + ": never computed");
  }
  if (const Status fits = NeedRoom(port.buffer, bytes); !fits.ok()) {
    return Status(fits.code(), "fetch " + port.name + ": " + fits.message());
  }
  if (port.dtype == DType::kString) {
    const auto* handles = static_cast<const std::string* const*>(table_[port.buffer]);
    std::vector<std::string> strings(static_cast<size_t>(bytes / 8));
    for (size_t k = 0; k < strings.size(); ++k) {
      if (handles[k] != nullptr) strings[k] = *handles[k];
    }
    STATOR_EXEC_ASSIGN_OR_RETURN(*out, Tensor::FromStrings(dims, std::move(strings)));
    return Status::Ok();
  }
  const BufferRef& memory = owned_[port.buffer];
  if (fetch_of_output_[port.buffer] != kNone && memory != nullptr) {
    if (memory->size() < bytes) {
      return executable::Internal("fetch " + port.name + ": its buffer is too small");
    }
    out->Assign(port.dtype, dims, memory);
    return Status::Ok();
  }
  STATOR_EXEC_ASSIGN_OR_RETURN(*out,
                               Tensor::FromBytes(port.dtype, dims, table_[port.buffer], bytes));
  return Status::Ok();
}

Status RunExecution::Publish(size_t variable) {
  const executable::Variable& v = entry_.variables[variable];
  VariableLease& lease = leases_[variable];
  lease.new_dtype = v.dtype;
  lease.new_dims.clear();
  int64_t bytes = executable::DTypeSize(v.dtype);
  for (int32_t e : v.write_dims) {
    lease.new_dims.push_back(values_[e]);
    if (values_[e] < 0 || __builtin_mul_overflow(bytes, values_[e], &bytes)) {
      return executable::Internal("variable " + v.name + ": bad shape " + DimsText(lease.new_dims));
    }
  }
  const BufferRef& memory = lease.exclusive ? lease.buffer : lease.new_buffer;
  if (memory == nullptr || memory->size() < bytes) {
    return executable::Internal("variable " + v.name + ": its buffer is too small for " +
                                DimsText(lease.new_dims));
  }
  lease.publish = true;
  return Status::Ok();
}

Status RunExecution::Finish() {
  Status status;
  for (size_t i = 0; i < leases_.size(); ++i) {
    if (!published_[i]) continue;
    const Status published = Publish(i);
    if (status.ok()) status = published;
  }
  if (!leases_.empty()) variables_->Release(&leases_);
  for (size_t i = 0; i < owned_.size(); ++i) {
    if (owned_[i] == nullptr) continue;
    // Outputs belong to the caller now; one that the next run may reuse stays known.
    if (options_.reuse_fetches && fetch_of_output_[i] != kNone) continue;
    owned_[i].reset();
    SetAddress(static_cast<int32_t>(i), nullptr, 0);
  }
  if (!strings_.empty()) strings_.clear();
  for (ListMemory& list : lists_) list = ListMemory();
  for (size_t kind = 0; kind < stats_.steps.size(); ++kind) {
    if (stats_.steps[kind] == 0) continue;
    executable_->step_counts_[kind].fetch_add(stats_.steps[kind], std::memory_order_relaxed);
  }
  return status;
}

}  // namespace stator::runtime
