#ifndef STATOR_COMPILER_PLAN_BUFFERS_H_
#define STATOR_COMPILER_PLAN_BUFFERS_H_

#include <algorithm>
#include <set>
#include <string>

#include "absl/status/statusor.h"
#include "compiler/dialect/core_dialect.h"
#include "compiler/plan/expr_table.h"
#include "compiler/plan/source_nodes.h"
#include "executable/image_model.h"

namespace stator::compiler {

// The bytes of a tensor value.
core::DimExpr BytesOf(mlir::Value value);

// Whether these sizes are known when a run starts.
bool HasOnlyInputSymbols(llvm::ArrayRef<core::DimExpr> dims);

// Which buffer holds each value, and the waves in which it lives: from the wave of the step that
// defines it to that of the last step that uses it. Loops and views extend that (lifetimes.h).
class Buffers {
 public:
  // All three outlive it.
  Buffers(executable::ImageModel* model, ExprTable* exprs, SourceNodes* nodes)
      : model_(model), exprs_(exprs), nodes_(nodes) {}

  executable::Buffer& operator[](int32_t buffer) { return model_->buffers[buffer]; }

  // The wave of the next step.
  int32_t wave() const { return wave_; }
  int32_t TakeWave() { return wave_++; }

  // Arena buffers whose size only a step or a loop decides are dynamic instead. Types that kernels
  // do not have are refused (SourceNodes).
  absl::StatusOr<int32_t> New(mlir::Type type, executable::BufferKind kind, mlir::Location loc);
  // Memory that outlives the run, for `value`: an output or a variable's new version. It counts as
  // defined by the first step that writes it.
  absl::StatusOr<int32_t> NewResult(mlir::Value value, executable::BufferKind kind,
                                    mlir::Location loc, const std::string& name);
  // For one launch.
  int32_t NewWorkspace(core::DimExpr bytes);

  // The result of an op: the buffer that its consumer reserved for it, or a new one.
  absl::StatusOr<int32_t> Define(mlir::Value value,
                                 executable::BufferKind kind = executable::BufferKind::kArena);
  // Lets the op that computes `value` in `block` write straight into `buffer`: true if it can, else
  // the caller copies.
  bool Reserve(mlir::Value value, int32_t buffer, mlir::Block* block);
  bool IsReserved(mlir::Value value) const { return reserved_.count(value) > 0; }

  bool Holds(mlir::Value value) const { return of_value_.count(value) > 0; }
  int32_t Of(mlir::Value value) const { return of_value_.lookup(value); }
  void Set(mlir::Value value, int32_t buffer) { of_value_[value] = buffer; }

  // The buffer of a value that the next step reads.
  int32_t Use(mlir::Value value);
  // The next step uses this buffer.
  void Touch(int32_t buffer);
  void Extend(int32_t buffer) {
    executable::Buffer& b = model_->buffers[buffer];
    b.last_wave = std::max(b.last_wave, wave_);
  }

  // Whether a step must give it memory, since its size is not known when a run starts.
  bool NeedsAlloc(int32_t buffer) const;

 private:
  executable::ImageModel* model_;
  ExprTable* exprs_;
  SourceNodes* nodes_;
  int32_t wave_ = 0;
  llvm::DenseMap<mlir::Value, int32_t> of_value_;
  llvm::DenseMap<mlir::Value, int32_t> reserved_;  // where an op must write a result
  std::set<int32_t> untouched_;                    // results that no step has written yet
  std::set<int32_t> dynamic_results_;              // results whose size a step decides
};

}  // namespace stator::compiler

#endif  // STATOR_COMPILER_PLAN_BUFFERS_H_
