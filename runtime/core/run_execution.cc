#include "runtime/core/run_execution.h"

#include <algorithm>

namespace stator::runtime {

using executable::BufferKind;

namespace {

int32_t PollRun(void* run) { return static_cast<const RunControl*>(run)->ShouldStop() ? 1 : 0; }

}  // namespace

RunExecution::RunExecution(std::shared_ptr<Executable> executable, int32_t entry,
                           VariableStore* variables, ThreadPool* pool)
    : executable_(std::move(executable)),
      p_(executable_->program()),
      m_(executable_->model()),
      entry_index_(entry),
      entry_(m_.entry_points[entry]),
      variables_(variables),
      pool_(pool) {
  table_ = p_.constants;
  end_.resize(m_.buffers.size());
  for (size_t i = 0; i < table_.size(); ++i) {
    if (table_[i] != nullptr) end_[i] = static_cast<char*>(table_[i]) + p_.constant_bytes[i];
  }
  owned_.resize(m_.buffers.size());
  lists_.resize(static_cast<size_t>(m_.num_lists));
  args_.resize(p_.num_args);
  scalars_.resize(p_.num_scalars);
  dynamic_grids_.resize(p_.phases.size());
  feed_handles_.resize(entry_.feeds.size());
  initialized_flags_.resize(entry_.variables.size());
  published_.resize(entry_.variables.size());
  errors_.resize(static_cast<size_t>(pool->size()));
  for (const executable::Variable& v : entry_.variables) {
    accesses_.push_back({variables_->FindOrCreate(v.name), v.read_buffer != kNone,
                         v.write_buffer != kNone, v.in_place});
  }
  // A fetch takes over the memory of an output buffer; a second fetch of it shares.
  fetch_of_output_.assign(m_.buffers.size(), kNone);
  for (size_t i = 0; i < entry_.fetches.size(); ++i) {
    const int32_t b = entry_.fetches[i].buffer;
    if (m_.buffers[b].kind == BufferKind::kOutput && m_.buffers[b].alias_of == kNone &&
        fetch_of_output_[b] == kNone && !executable::IsObjectDType(m_.buffers[b].dtype)) {
      fetch_of_output_[b] = static_cast<int32_t>(i);
    }
  }
}

Status RunExecution::Run(const std::vector<Tensor>& feeds, const RunOptions& options,
                         std::vector<Tensor>* fetches) {
  const ScopedFloatMode float_mode;
  options_ = options;
  stats_ = RunStats();
  guard_failure_.reset();
  bytes_in_use_ = 0;
  helpers_ = {STATOR_KERNEL_ABI_VERSION, sizeof(executable::Helpers), &options_.control, PollRun};
  std::fill(published_.begin(), published_.end(), false);
  fetches->resize(entry_.fetches.size());

  STATOR_EXEC_RETURN_IF_ERROR(AcquireVariables());
  const auto run = [&]() -> Status {
    STATOR_EXEC_RETURN_IF_ERROR(BindInputs(feeds));
    if (options_.outputs != nullptr) STATOR_EXEC_RETURN_IF_ERROR(AnnounceOutputs());
    STATOR_EXEC_RETURN_IF_ERROR(PlaceArena());
    STATOR_EXEC_RETURN_IF_ERROR(PlaceFeeds(feeds));
    STATOR_EXEC_RETURN_IF_ERROR(PlaceVariables());
    STATOR_EXEC_RETURN_IF_ERROR(RunInit());
    STATOR_EXEC_RETURN_IF_ERROR(PlaceOutputs(fetches));
    STATOR_EXEC_RETURN_IF_ERROR(RunBlock(entry_.main_block));
    return Fetch(feeds, fetches);
  };
  const Status status = run();
  const Status finished = Finish();
  return status.ok() ? finished : status;
}

Status RunExecution::Plan(const std::vector<Tensor>& feeds, int max_threads, RunPlan* plan) {
  options_ = RunOptions();
  options_.max_threads = max_threads;
  guard_failure_.reset();
  std::fill(published_.begin(), published_.end(), false);
  STATOR_EXEC_RETURN_IF_ERROR(AcquireVariables());
  const Status status = BindInputs(feeds);
  if (status.ok()) {
    plan->arena_bytes = plan_->arena_bytes;
    plan->arena_lower_bound = plan_->layout.lower_bound;
    plan->scratch_bytes = plan_->scratch_stride * ThreadLimit();
    plan->persistent_bytes = 0;
    for (const executable::Buffer& b : m_.buffers) {
      if (b.kind != BufferKind::kPersistent || b.alias_of != kNone || !IsOfEntry(b)) continue;
      plan->persistent_bytes += plan_->values[b.byte_size];
    }
    plan->fetch_dims.assign(entry_.fetches.size(), {});
    for (size_t i = 0; i < entry_.fetches.size(); ++i) {
      for (int32_t e : entry_.fetches[i].dims) {
        plan->fetch_dims[i].push_back(p_.uses[e].KnownAtStart() ? plan_->values[e] : -1);
      }
    }
  }
  const Status finished = Finish();
  return status.ok() ? finished : status;
}

Status RunExecution::AcquireVariables() {
  if (accesses_.empty()) return Status::Ok();
  return variables_->Acquire(accesses_, options_.control, &leases_);
}

}  // namespace stator::runtime
