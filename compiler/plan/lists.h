#ifndef STATOR_COMPILER_PLAN_LISTS_H_
#define STATOR_COMPILER_PLAN_LISTS_H_

#include "compiler/plan/plan_draft.h"

namespace stator::compiler {

// The run's lists behind list values. A list is a value in the dialect and memory here, so each may
// be used once; a new one is made for each use of a list_create, of which there may be several
// after common subexpressions were found.
class Lists {
 public:
  // The draft outlives it.
  explicit Lists(PlanDraft* draft) : draft_(*draft) {}

  absl::Status Emit(core::ListCreateOp op);
  absl::Status Emit(core::ListPushOp op, executable::Block& block);
  absl::Status Emit(core::ListPopOp op, executable::Block& block);

  // The list of a value, which has no other use.
  absl::StatusOr<int32_t> Take(mlir::Value value, executable::Block& block);
  void Set(mlir::Value value, int32_t list) { lists_[value] = list; }

 private:
  PlanDraft& draft_;
  llvm::DenseMap<mlir::Value, int32_t> lists_;  // not yet used
};

}  // namespace stator::compiler

#endif  // STATOR_COMPILER_PLAN_LISTS_H_
