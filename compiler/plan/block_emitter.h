#ifndef STATOR_COMPILER_PLAN_BLOCK_EMITTER_H_
#define STATOR_COMPILER_PLAN_BLOCK_EMITTER_H_

#include <vector>

#include "compiler/plan/control_flow.h"
#include "compiler/plan/entry_ports.h"
#include "compiler/plan/launches.h"
#include "compiler/plan/lists.h"
#include "compiler/plan/plan_draft.h"

namespace stator::compiler {

// Turns the ops of a block into steps, one op after the other: here is decided which op becomes
// what.
class BlockEmitter {
 public:
  // All three outlive it.
  BlockEmitter(PlanDraft* draft, EntryPorts* ports, Launches* launches);
  BlockEmitter(const BlockEmitter&) = delete;
  BlockEmitter& operator=(const BlockEmitter&) = delete;

  // The ops of `source` but its terminator, without those in `done`. Dynamic memory is freed after
  // its last use.
  absl::Status Emit(
      mlir::Block& source, executable::Block& block,
      const llvm::DenseSet<mlir::Operation*>& done = llvm::DenseSet<mlir::Operation*>());

  const std::vector<LoopWaves>& loops() const { return control_flow_.loops(); }

 private:
  absl::Status EmitOp(mlir::Operation* op, executable::Block& block);
  absl::Status EmitView(mlir::Operation* op);
  absl::Status EmitBind(core::BindDimOp op, executable::Block& block);
  absl::Status EmitCheck(core::CheckOp op, executable::Block& block);
  absl::Status EmitGuard(core::GuardOp op);
  absl::Status EmitHostCall(core::HostCallOp op, executable::Block& block);

  PlanDraft& draft_;
  EntryPorts& ports_;
  Launches& launches_;
  Lists lists_;
  ControlFlow control_flow_;
};

}  // namespace stator::compiler

#endif  // STATOR_COMPILER_PLAN_BLOCK_EMITTER_H_
