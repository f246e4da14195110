#include "compiler/passes/loop_invariants/loop_invariants.h"

#include "llvm/ADT/BitVector.h"
#include "mlir/IR/Builders.h"

namespace stator::compiler {
namespace {

void CaptureInvariants(core::WhileOp op) {
  mlir::Block &cond = op.getCond().front(), &body = op.getBody().front();
  mlir::Operation* terminator = body.getTerminator();
  llvm::BitVector invariant(body.getNumArguments());
  for (unsigned i = 0; i < body.getNumArguments(); ++i) {
    mlir::BlockArgument argument = body.getArgument(i);
    // A type that a loop symbol makes differ from the operand's stays: the symbol needs a carried value that binds it.
    if (terminator->getOperand(i) == argument && op.getOperand(i).getType() == argument.getType()) invariant.set(i);
  }
  if (invariant.none()) return;
  llvm::SmallVector<mlir::Value> operands;
  llvm::SmallVector<mlir::Type> types;
  for (unsigned i = 0; i < invariant.size(); ++i) {
    mlir::Value operand = op.getOperand(i);
    if (invariant.test(i)) {
      cond.getArgument(i).replaceAllUsesWith(operand);
      body.getArgument(i).replaceAllUsesWith(operand);
    } else {
      operands.push_back(operand);
      types.push_back(op.getResult(i).getType());
    }
  }
  cond.eraseArguments(invariant);
  body.eraseArguments(invariant);
  terminator->eraseOperands(invariant);
  mlir::OpBuilder builder(op);
  auto slim = builder.create<core::WhileOp>(op.getLoc(), types, operands, op.getLoopSymbolsAttr(), op.getInitialDimsAttr());
  slim.getCond().takeBody(op.getCond());
  slim.getBody().takeBody(op.getBody());
  unsigned next = 0;
  for (unsigned i = 0; i < invariant.size(); ++i) {
    op.getResult(i).replaceAllUsesWith(invariant.test(i) ? op.getOperand(i) : slim.getResult(next++));
  }
  op.erase();
}

}  // namespace

void CaptureLoopInvariants(mlir::ModuleOp module) {
  // Inner loops first: what they no longer carry may make a value of the outer loop invariant.
  llvm::SmallVector<core::WhileOp> loops;
  module.walk([&](core::WhileOp op) { loops.push_back(op); });
  for (core::WhileOp op : loops) CaptureInvariants(op);
}

}  // namespace stator::compiler
