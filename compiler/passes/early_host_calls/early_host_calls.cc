#include "compiler/passes/early_host_calls/early_host_calls.h"

#include "llvm/ADT/SmallVector.h"

namespace stator::compiler {
namespace {

// Only kernels and constants are passed: whatever else has an effect keeps its place.
bool MayPass(mlir::Operation* op) {
  return llvm::isa<core::FusionOp, core::ConstantOp>(op) || mlir::isMemoryEffectFree(op);
}

void MoveEarly(core::HostCallOp call) {
  mlir::Operation* before = call;
  while (mlir::Operation* previous = before->getPrevNode()) {
    const bool defines = llvm::any_of(call->getOperands(), [&](mlir::Value operand) {
      return operand.getDefiningOp() == previous;
    });
    if (defines || !MayPass(previous)) break;
    before = previous;
  }
  if (before != call) call->moveBefore(before);
}

}  // namespace

void MoveHostCallsEarly(mlir::ModuleOp module) {
  llvm::SmallVector<core::HostCallOp> calls;
  module.walk([&](core::HostCallOp call) {
    if (call.getConfig().contains(kEarly)) calls.push_back(call);
  });
  for (core::HostCallOp call : calls) MoveEarly(call);
}

}  // namespace stator::compiler
