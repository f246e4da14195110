#include "runtime/core/runner.h"

#include "runtime/core/initial_values.h"
#include "runtime/core/run_execution.h"

namespace stator::runtime {

Runner::Runner() = default;
Runner::~Runner() = default;

Result<std::unique_ptr<Runner>> Runner::Create(std::shared_ptr<Executable> executable,
                                               int32_t entry, VariableStore* variables,
                                               ThreadPool* pool) {
  const auto& entries = executable->model().entry_points;
  if (entry < 0 || static_cast<size_t>(entry) >= entries.size()) {
    return executable::NotFound("the image has no entry point " + std::to_string(entry));
  }
  if (variables == nullptr && !entries[entry].variables.empty()) {
    return executable::FailedPrecondition("entry " + entries[entry].name +
                                          " has variables, but there is no variable store");
  }
  if (variables != nullptr) {
    STATOR_EXEC_RETURN_IF_ERROR(DeclareLayouts(*executable, entry, variables));
    STATOR_EXEC_RETURN_IF_ERROR(InitializeCounters(*executable, entry, variables));
  }
  std::unique_ptr<Runner> runner(new Runner);
  runner->impl_ = std::make_unique<RunExecution>(std::move(executable), entry, variables,
                                                 pool != nullptr ? pool : ThreadPool::Default());
  return runner;
}

Status Runner::Run(const std::vector<Tensor>& feeds, const RunOptions& options,
                   std::vector<Tensor>* fetches) {
  return impl_->Run(feeds, options, fetches);
}

Status Runner::Plan(const std::vector<Tensor>& feeds, int max_threads, RunPlan* plan) {
  return impl_->Plan(feeds, max_threads, plan);
}

const executable::EntryPoint& Runner::entry() const { return impl_->entry_; }
const std::shared_ptr<Executable>& Runner::executable() const { return impl_->executable_; }
const RunStats& Runner::stats() const { return impl_->stats_; }
const std::optional<GuardFailure>& Runner::guard_failure() const { return impl_->guard_failure_; }

void Runner::ReleaseMemory() {
  impl_->arena_.reset();
  impl_->scratch_.reset();
  impl_->scratch_stride_ = 0;
  impl_->plan_.reset();
}

}  // namespace stator::runtime
