// What a run is given: feeds and variables are checked, and their sizes choose the plan.
#include <algorithm>
#include <string>

#include "executable/expr_eval.h"
#include "executable/printer.h"
#include "runtime/core/run_execution.h"

namespace stator::runtime {

using executable::ExprKind;
using executable::InvalidArgument;

Status RunExecution::CheckPort(const char* what, const executable::Port& port,
                               const Tensor& tensor) const {
  if (!tensor.valid()) return InvalidArgument(std::string(what) + " " + port.name + ": no tensor");
  if (tensor.dtype() == port.dtype && tensor.dims().size() == port.dims.size()) {
    return Status::Ok();
  }
  return InvalidArgument(std::string(what) + " " + port.name + ": expected " +
                         executable::PrintType(m_, port.dtype, port.dims) + ", got " +
                         tensor.TypeToString());
}

Status RunExecution::BindInputs(const std::vector<Tensor>& feeds) {
  if (feeds.size() != entry_.feeds.size()) {
    return InvalidArgument("entry " + entry_.name + ": expected " +
                           std::to_string(entry_.feeds.size()) + " inputs, got " +
                           std::to_string(feeds.size()));
  }
  bound_input_.assign(m_.symbols.size(), 0);
  const auto bind = [&](const std::vector<int32_t>& exprs, const std::vector<int64_t>& dims) {
    for (size_t d = 0; d < exprs.size(); ++d) {
      const executable::Expr& e = m_.expressions[exprs[d]];
      // The last one wins; CheckDims compares them all.
      if (e.kind == ExprKind::kSymbol) bound_input_[e.value] = dims[d];
    }
  };
  for (size_t i = entry_.variables.size(); i-- > 0;) {
    const executable::Variable& v = entry_.variables[i];
    if (v.read_buffer == kNone) continue;
    const VariableLease& lease = leases_[i];
    if (!lease.initialized) {
      Status status = executable::FailedPrecondition("variable " + v.name + " is not initialized");
      if (v.source_node == kNone) return status;
      return Status(status.code(),
                    "node " + executable::PrintNode(m_, v.source_node) + ": " + status.message());
    }
    if (lease.dtype != v.dtype || lease.dims.size() != v.read_dims.size()) {
      return InvalidArgument("variable " + v.name + ": expected " +
                             executable::PrintType(m_, v.dtype, v.read_dims) + ", it holds " +
                             TypeText(lease.dtype, lease.dims));
    }
    bind(v.read_dims, lease.dims);
  }
  for (size_t i = feeds.size(); i-- > 0;) {
    STATOR_EXEC_RETURN_IF_ERROR(CheckPort("input", entry_.feeds[i], feeds[i]));
    bind(entry_.feeds[i].dims, feeds[i].dims());
  }
  STATOR_EXEC_RETURN_IF_ERROR(UsePlan());
  for (size_t i = 0; i < feeds.size(); ++i) {
    STATOR_EXEC_RETURN_IF_ERROR(
        CheckDims("input ", entry_.feeds[i].name, entry_.feeds[i].dims, feeds[i].dims()));
  }
  for (size_t i = 0; i < entry_.variables.size(); ++i) {
    const executable::Variable& v = entry_.variables[i];
    if (v.read_buffer == kNone) continue;
    STATOR_EXEC_RETURN_IF_ERROR(CheckDims("variable ", v.name, v.read_dims, leases_[i].dims));
  }
  return Status::Ok();
}

Status RunExecution::CheckDims(const char* what, const std::string& name,
                               const std::vector<int32_t>& exprs,
                               const std::vector<int64_t>& dims) const {
  for (size_t d = 0; d < exprs.size(); ++d) {
    const int64_t expected = plan_->values[exprs[d]];
    if (dims[d] == expected) continue;
    std::string text = std::to_string(expected);
    if (m_.expressions[exprs[d]].kind != ExprKind::kConst) {
      text = executable::ExprToString(m_, exprs[d]) + " = " + text;
    }
    return InvalidArgument(what + name + ": dimension " + std::to_string(d) + " must be " + text +
                           ", got " + std::to_string(dims[d]) + " in " + DimsText(dims));
  }
  return Status::Ok();
}

Status RunExecution::UsePlan() {
  if (plan_ == nullptr || input_symbols_ != bound_input_) {
    GuardFailure failure;
    Result<std::shared_ptr<const PlanInstance>> plan =
        executable_->PlanFor(entry_index_, bound_input_, &failure);
    if (!plan.ok()) {
      if (failure.guard != kNone) guard_failure_ = failure;
      return plan.status();
    }
    plan_ = std::move(plan).value();
    input_symbols_ = bound_input_;
    values_ = plan_->values;
    bound_.assign(m_.symbols.size(), false);
    for (const ProgramLaunch& launch : p_.launches) {
      if (!launch.is_static) continue;
      const std::vector<int32_t>& exprs = launch.launch->scalars;
      for (size_t i = 0; i < exprs.size(); ++i) {
        scalars_[launch.first_scalar + i] = values_[exprs[i]];
      }
    }
    loops_ran_ = true;  // addresses are new
    dying_.clear();
  }
  std::fill(bound_.begin(), bound_.end(), false);
  return Status::Ok();
}

}  // namespace stator::runtime
