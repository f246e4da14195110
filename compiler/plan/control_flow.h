#ifndef STATOR_COMPILER_PLAN_CONTROL_FLOW_H_
#define STATOR_COMPILER_PLAN_CONTROL_FLOW_H_

#include <functional>
#include <vector>

#include "compiler/plan/lifetimes.h"
#include "compiler/plan/lists.h"
#include "compiler/plan/plan_draft.h"

namespace stator::compiler {

// If and while: steps that run blocks of their own.
class ControlFlow {
 public:
  // Emits the ops of a region's block, but not its terminator.
  using EmitBlock = std::function<absl::Status(mlir::Block& source, executable::Block& block)>;

  // Draft and lists outlive it.
  ControlFlow(PlanDraft* draft, Lists* lists, EmitBlock emit_block)
      : draft_(*draft), lists_(*lists), emit_block_(std::move(emit_block)) {}

  absl::Status Emit(core::IfOp op, executable::Block& block);
  absl::Status Emit(core::WhileOp op, executable::Block& block);

  // The while loops so far.
  const std::vector<LoopWaves>& loops() const { return loops_; }

 private:
  // Where a region's returned value lands: a buffer, or the list that it must be.
  struct Target {
    int32_t buffer = executable::kNone;
    int32_t list = executable::kNone;
  };
  // Per carried value of a loop.
  struct Carried {
    std::vector<Target> current;  // what an iteration reads
    std::vector<Target> next;     // what it writes
  };

  absl::StatusOr<int32_t> EmitRegion(llvm::StringRef name, mlir::Region& region,
                                     llvm::ArrayRef<Target> targets);
  absl::StatusOr<Carried> CarryIn(core::WhileOp op, executable::Block& block,
                                  executable::While* step);
  void BindArguments(core::WhileOp op, const Carried& carried);
  absl::Status LoopSymbols(core::WhileOp op, executable::While* step);

  PlanDraft& draft_;
  Lists& lists_;
  const EmitBlock emit_block_;
  std::vector<LoopWaves> loops_;
};

}  // namespace stator::compiler

#endif  // STATOR_COMPILER_PLAN_CONTROL_FLOW_H_
