#include "compiler/autodiff/differentiate.h"

#include "absl/strings/str_cat.h"
#include "compiler/autodiff/reverse.h"
#include "compiler/passes/loop_invariants/loop_invariants.h"
#include "graph/status_macros.h"

namespace stator::compiler {
namespace {

using core::CoreBuilder;
using mlir::Operation;
using mlir::Value;

// A composite without a gradient of its own is differentiated through its body.
void InlinePlainComposites(mlir::ModuleOp module) {
  llvm::SmallVector<core::CompositeOp> composites;
  module.walk([&](core::CompositeOp op) {
    if (op.getVjp().empty()) composites.push_back(op);
  });
  for (core::CompositeOp op : composites) {
    mlir::Block& body = op.getBody().front();
    Operation* terminator = body.getTerminator();
    for (auto [argument, operand] : llvm::zip(body.getArguments(), op.getOperands())) {
      argument.replaceAllUsesWith(operand);
    }
    op.replaceAllUsesWith(terminator->getOperands());
    terminator->erase();
    op->getBlock()->getOperations().splice(op->getIterator(), body.getOperations());
    op->erase();
  }
}

absl::Status Expand(core::GradientsOp op) {
  mlir::OpBuilder builder(op);
  CoreBuilder b(builder, op.getLoc());
  ReverseContext context{b, {}};
  const llvm::SmallVector<Value> xs(op.getXs());
  Reverse reverse(context, op->getBlock(), op, xs);
  for (auto [i, y] : llvm::enumerate(op.getYs())) {
    if (!IsDifferentiable(y)) {
      return absl::InvalidArgumentError(absl::StrCat("y ", i, " of gradients must be floating point ", NodeText(op.getLoc())));
    }
    reverse.Seed(y, op.getGradYs().empty() ? b.SplatLike(y, 1) : op.getGradYs()[i]);
  }
  if (!reverse.Run() || !b.ok()) {
    const std::string where = context.failed_at.empty() ? " " + NodeText(op.getLoc()) : context.failed_at;
    return absl::UnimplementedError(absl::StrCat(b.error(), where));
  }
  // Loops on the way were replaced: what is an x now may not be what it was.
  for (auto [x, result] : llvm::zip(op.getXs(), op.getResults())) {
    Value grad = reverse.Gradient(x);
    if (!grad) grad = b.SplatLike(x, 0);
    if (!grad) return absl::InvalidArgumentError(absl::StrCat(b.error(), " ", NodeText(op.getLoc())));
    Value(result).replaceAllUsesWith(grad);
  }
  op.erase();
  return absl::OkStatus();
}

}  // namespace

absl::Status Differentiate(mlir::ModuleOp module) {
  bool found = false;
  module.walk([&](core::GradientsOp) { found = true; });
  if (!found) return absl::OkStatus();
  InlinePlainComposites(module);
  // What a loop hands on unchanged (weights, mostly) is not kept per iteration.
  CaptureLoopInvariants(module);
  // Program order: a gradient of a gradient finds the inner one expanded.
  while (true) {
    core::GradientsOp next;
    module.walk([&](core::GradientsOp op) {
      next = op;
      return mlir::WalkResult::interrupt();
    });
    if (!next) return absl::OkStatus();
    STATOR_RETURN_IF_ERROR(Expand(next));
  }
}

}  // namespace stator::compiler
