// The HostCall step.
#include <cstring>

#include "executable/expr_eval.h"
#include "executable/printer.h"
#include "runtime/core/run_execution.h"

namespace stator::runtime {

using executable::ExprKind;

// Lends a run's buffers to a host function for the length of one call.
class HostCall : public HostCallContext {
 public:
  HostCall(RunExecution* run, const ProgramStep& step, const executable::HostCall& body)
      : run_(run), step_(step), body_(body) {
    inputs_.resize(body.inputs.size());
    outputs_.resize(body.outputs.size());
  }

  // Before the function is called.
  Status Prepare() {
    RunExecution* const run = run_;
    for (size_t i = 0; i < inputs_.size(); ++i) {
      STATOR_EXEC_RETURN_IF_ERROR(View(body_.inputs[i], &inputs_[i]));
    }
    for (size_t i = 0; i < outputs_.size(); ++i) {
      const int32_t b = body_.outputs[i];
      // What the last call made, in this run or the one before, is gone.
      const bool makes_it = run->m_.buffers[b].kind == executable::BufferKind::kDynamic &&
                            run->m_.buffers[b].alias_of == kNone && !run->p_.has_alloc[b];
      if (makes_it) run->Release(b);
      TensorView& view = outputs_[i];
      if (run->table_[b] == nullptr) {
        view.dtype = run->m_.buffers[b].dtype;
        view.has_shape = false;
        continue;
      }
      STATOR_EXEC_RETURN_IF_ERROR(View(b, &view));
      if (view.dtype == DType::kString) Clear(view);
    }
    return Status::Ok();
  }

  int num_inputs() const override { return static_cast<int>(inputs_.size()); }
  int num_outputs() const override { return static_cast<int>(outputs_.size()); }
  const TensorView& input(int i) const override { return inputs_[i]; }
  TensorView& output(int i) override { return outputs_[i]; }

  Status AllocateOutput(int i, const std::vector<int64_t>& dims) override {
    const int32_t b = body_.outputs[i];
    const executable::Buffer& buffer = run_->m_.buffers[b];
    TensorView& view = outputs_[i];
    if (dims.size() != buffer.dims.size()) {
      return executable::InvalidArgument("output " + std::to_string(i) + " has rank " +
                                         std::to_string(dims.size()) + ", planned was rank " +
                                         std::to_string(buffer.dims.size()));
    }
    int64_t bytes = executable::DTypeSize(buffer.dtype);
    for (int64_t d : dims) {
      if (d < 0 || __builtin_mul_overflow(bytes, d, &bytes)) {
        return executable::InvalidArgument("output " + std::to_string(i) + " has a bad shape");
      }
    }
    for (size_t d = 0; d < dims.size(); ++d) {
      const executable::Expr& e = run_->m_.expressions[buffer.dims[d]];
      const bool binds = e.kind == ExprKind::kSymbol &&
                         run_->m_.symbols[e.value].life == executable::SymbolLife::kStep;
      if (binds) {
        STATOR_EXEC_RETURN_IF_ERROR(run_->BindSymbolValue(static_cast<int32_t>(e.value), dims[d]));
      }
    }
    for (size_t d = 0; d < dims.size(); ++d) {
      const int64_t expected = run_->values_[buffer.dims[d]];
      if (dims[d] != expected) {
        return executable::InvalidArgument(
            "output " + std::to_string(i) + ": dimension " + std::to_string(d) + " must be " +
            executable::ExprToString(run_->m_, buffer.dims[d]) + " = " + std::to_string(expected) +
            ", got " + std::to_string(dims[d]));
      }
    }
    if (buffer.alias_of == kNone && (buffer.kind == executable::BufferKind::kDynamic ||
                                     buffer.kind == executable::BufferKind::kOutput)) {
      STATOR_EXEC_RETURN_IF_ERROR(run_->Allocate(b, bytes));
    } else if (run_->Room(b) < bytes || run_->values_[buffer.byte_size] < bytes) {
      return executable::Internal("output " + std::to_string(i) + " does not fit its buffer");
    }
    view.dims = dims;
    view.data = run_->table_[b];
    view.has_shape = true;
    if (view.dtype == DType::kString) Clear(view);
    return Status::Ok();
  }

  const std::string& InputString(int i, int64_t element) const override {
    static const std::string* const empty = new std::string;
    const std::string* s = inputs_[i].as<const std::string*>()[element];
    return s == nullptr ? *empty : *s;
  }
  void SetOutputString(int i, int64_t element, std::string value) override {
    run_->strings_.push_back(std::move(value));
    outputs_[i].as<const std::string*>()[element] = &run_->strings_.back();
  }

  std::string_view attributes() const override { return body_.attributes; }
  std::string node_name() const override {
    const int32_t node = step_.step->source_node;
    return node == kNone ? std::string() : run_->m_.nodes[node].name;
  }
  void* state() const override { return run_->options_.host_state; }
  Status Poll() const override { return run_->options_.control.Poll(); }

 private:
  Status View(int32_t b, TensorView* view) const {
    view->dtype = run_->m_.buffers[b].dtype;
    view->data = run_->table_[b];
    int64_t bytes = executable::DTypeSize(view->dtype);
    for (int32_t e : run_->m_.buffers[b].dims) {
      view->dims.push_back(run_->values_[e]);
      if (run_->values_[e] < 0 || __builtin_mul_overflow(bytes, run_->values_[e], &bytes)) {
        return executable::Internal(executable::PrintBufferName(run_->m_, b) + ": bad shape");
      }
    }
    return run_->NeedRoom(b, bytes);
  }
  void Clear(const TensorView& view) const {
    if (view.num_elements() == 0) return;
    std::memset(view.data, 0, static_cast<size_t>(view.num_elements()) * 8);
  }

  RunExecution* const run_;
  const ProgramStep& step_;
  const executable::HostCall& body_;
  std::vector<TensorView> inputs_;
  std::vector<TensorView> outputs_;
};

Status RunExecution::Do(const ProgramStep& step, const executable::HostCall& body) {
  HostCall call(this, step, body);
  STATOR_EXEC_RETURN_IF_ERROR(call.Prepare());
  STATOR_EXEC_RETURN_IF_ERROR((*p_.steps[step.id].host_function)(&call));
  for (int i = 0; i < call.num_outputs(); ++i) {
    if (!call.output(i).has_shape) {
      return executable::Internal("host function " + body.function + " made no output " +
                                  std::to_string(i));
    }
  }
  return Status::Ok();
}

}  // namespace stator::runtime
