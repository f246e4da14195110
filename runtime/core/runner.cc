#include "runtime/core/runner.h"

#include <cstring>

#include "executable/expr_eval.h"
#include "runtime/core/run_execution.h"

namespace stator::runtime {

namespace {

Status InitializeZero(const executable::ImageModel& model, const executable::Variable& v,
                      VariableStore* variables) {
  std::vector<int64_t> dims;
  for (int32_t e : v.read_dims) {
    STATOR_EXEC_ASSIGN_OR_RETURN(const int64_t dim,
                                 executable::EvaluateExpr(model, e, nullptr, nullptr));
    dims.push_back(dim);
  }
  STATOR_EXEC_ASSIGN_OR_RETURN(Tensor zeros, Tensor::Create(v.dtype, std::move(dims)));
  std::memset(zeros.raw(), 0, static_cast<size_t>(zeros.bytes()));
  return variables->Initialize(v.name, zeros);
}

}  // namespace

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
  for (const executable::Variable& v : entries[entry].variables) {
    if (v.zero_initialized) {
      STATOR_EXEC_RETURN_IF_ERROR(InitializeZero(executable->model(), v, variables));
    }
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
