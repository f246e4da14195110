#include "compiler/autodiff/differentiate.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "compiler/autodiff/vjp.h"
#include "graph/status_macros.h"
#include "llvm/ADT/SetVector.h"
#include "mlir/IR/IRMapping.h"

namespace stator::compiler {
namespace {

using core::CoreBuilder;
using mlir::Operation;
using mlir::Value;

bool IsDifferentiable(Value value) {
  auto type = llvm::dyn_cast<mlir::RankedTensorType>(value.getType());
  return type && llvm::isa<mlir::FloatType>(type.getElementType());
}

std::string LocationText(mlir::Location loc) {
  std::string text;
  llvm::raw_string_ostream(text) << loc;
  return text;
}

// Values that the regions of `op` use from outside, each once, in order.
llvm::SetVector<Value> Captures(Operation* op) {
  llvm::SetVector<Value> captures;
  op->walk([&](Operation* inner) {
    if (inner == op) return;
    for (Value operand : inner->getOperands()) {
      if (!op->isProperAncestor(operand.getParentBlock()->getParentOp()) && operand.getParentBlock()->getParentOp() != op) {
        captures.insert(operand);
      }
    }
  });
  return captures;
}

// Reverse mode over one block: gradients of `ys` with respect to `xs`, built at the builder's insertion point, which
// the ops of the block before it dominate.
class Reverse {
 public:
  Reverse(CoreBuilder& b, mlir::Block* block, Operation* end, llvm::ArrayRef<Value> xs) : b_(b), block_(block), end_(end) {
    for (Value x : xs) reaches_.insert(x);
  }

  void Seed(Value y, Value grad) { Accumulate(y, grad); }

  bool Run() {
    // Only what depends on an x matters.
    llvm::SmallVector<Operation*> path;
    for (Operation& op : *block_) {
      if (&op == end_) break;
      bool depends = llvm::any_of(op.getOperands(), [&](Value v) { return reaches_.contains(v); });
      if (!depends && op.getNumRegions() > 0) {
        depends = llvm::any_of(Captures(&op), [&](Value v) { return reaches_.contains(v); });
      }
      if (!depends || llvm::isa<core::StopGradientOp>(op)) continue;
      bool differentiable = false;
      for (Value result : op.getResults()) {
        if (!IsDifferentiable(result)) continue;
        reaches_.insert(result);
        differentiable = true;
      }
      if (differentiable) path.push_back(&op);
    }
    for (Operation* op : llvm::reverse(path)) {
      if (!Backward(op)) return false;
    }
    return true;
  }

  // Null if nothing depends on x.
  Value Gradient(Value x) const { return grads_.lookup(x); }

 private:
  void Accumulate(Value value, Value grad) {
    if (!grad || !IsDifferentiable(value)) return;
    Value& sum = grads_[value];
    sum = sum ? b_.Add(sum, grad) : grad;
  }

  bool Backward(Operation* op) {
    Grads grads;
    bool any = false;
    for (Value result : op->getResults()) {
      grads.push_back(grads_.lookup(result));
      any |= static_cast<bool>(grads.back());
    }
    if (!any) return true;
    const mlir::Location loc = b_.loc();
    b_.set_loc(op->getLoc());
    const bool done = Dispatch(op, grads);
    if (!done) b_.Fail("no gradient of " + op->getName().getStringRef() + " at " + LocationText(op->getLoc()));
    b_.set_loc(loc);
    return b_.ok();
  }

  bool Dispatch(Operation* op, const Grads& grads) {
    if (auto if_op = llvm::dyn_cast<core::IfOp>(op)) return BackwardIf(if_op, grads);
    if (auto composite = llvm::dyn_cast<core::CompositeOp>(op)) return BackwardComposite(composite, grads);
    if (auto barrier = llvm::dyn_cast<core::OptimizationBarrierOp>(op)) {
      for (auto [operand, grad] : llvm::zip(op->getOperands(), grads)) Accumulate(operand, grad);
      return true;
    }
    if (op->getNumResults() != 1) return false;
    Grads operands;
    if (!ElementwiseVjp(b_, op, grads[0], operands) && !ShapeVjp(b_, op, grads[0], operands) &&
        !ContractionVjp(b_, op, grads[0], operands) && !ReductionVjp(b_, op, grads[0], operands)) {
      return false;
    }
    for (auto [operand, grad] : llvm::zip(op->getOperands(), operands)) {
      if (reaches_.contains(operand)) Accumulate(operand, grad);
    }
    return true;
  }

  // Gradients that are missing count as zeros.
  Grads Filled(Operation* op, const Grads& grads) {
    Grads filled;
    for (auto [result, grad] : llvm::zip(op->getResults(), grads)) filled.push_back(grad ? grad : b_.SplatLike(result, 0));
    return filled;
  }

  // The overriding gradient, its region inlined.
  bool BackwardComposite(core::CompositeOp op, const Grads& grads) {
    if (op.getVjp().empty()) return false;
    llvm::SmallVector<Value> arguments(op.getOperands());
    arguments.append(op.getResults().begin(), op.getResults().end());
    Grads filled = Filled(op, grads);
    arguments.append(filled.begin(), filled.end());
    mlir::IRMapping mapping;
    mlir::Block& vjp = op.getVjp().front();
    for (auto [argument, value] : llvm::zip(vjp.getArguments(), arguments)) mapping.map(argument, value);
    for (Operation& inner : vjp.without_terminator()) b_.builder().clone(inner, mapping);
    for (auto [operand, grad] : llvm::zip(op.getOperands(), vjp.getTerminator()->getOperands())) {
      if (reaches_.contains(operand)) Accumulate(operand, mapping.lookupOrDefault(grad));
    }
    return true;
  }

  // The branch is computed again inside the backward branch: it is pure, so it gives the same values, and nothing has to
  // be carried out of the forward op.
  bool BackwardIf(core::IfOp op, const Grads& grads) {
    llvm::SmallVector<Value> wanted;
    for (Value capture : Captures(op)) {
      if (reaches_.contains(capture) && IsDifferentiable(capture)) wanted.push_back(capture);
    }
    auto branch = [&](mlir::Region& region) {
      return [&](mlir::ValueRange) -> CoreBuilder::Values {
        mlir::IRMapping mapping;
        mlir::Block* block = b_.builder().getInsertionBlock();
        for (Operation& inner : region.front().without_terminator()) b_.builder().clone(inner, mapping);
        Reverse reverse(b_, block, nullptr, wanted);
        for (auto [value, grad] : llvm::zip(region.front().getTerminator()->getOperands(), grads)) {
          reverse.Seed(mapping.lookupOrDefault(value), grad);
        }
        if (!reverse.Run()) return {};
        CoreBuilder::Values results;
        for (Value capture : wanted) {
          Value grad = reverse.Gradient(capture);
          results.push_back(grad ? grad : b_.SplatLike(capture, 0));
        }
        return results;
      };
    };
    CoreBuilder::Values results = b_.If(op.getPred(), branch(op.getTrueBranch()), branch(op.getFalseBranch()));
    if (!b_.ok()) return true;  // the error is kept
    for (auto [capture, grad] : llvm::zip(wanted, results)) Accumulate(capture, grad);
    return true;
  }

  CoreBuilder& b_;
  mlir::Block* block_;
  Operation* end_;
  llvm::DenseSet<Value> reaches_;         // depends on an x, or is one
  llvm::DenseMap<Value, Value> grads_;
};

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
  llvm::SmallVector<Value> xs(op.getXs());
  Reverse reverse(b, op->getBlock(), op, xs);
  for (auto [i, y] : llvm::enumerate(op.getYs())) {
    if (!IsDifferentiable(y)) {
      return absl::InvalidArgumentError(absl::StrCat("y ", i, " of Gradients must be floating point at ", LocationText(op.getLoc())));
    }
    reverse.Seed(y, op.getGradYs().empty() ? b.SplatLike(y, 1) : op.getGradYs()[i]);
  }
  if (!reverse.Run() || !b.ok()) return absl::UnimplementedError(b.error());
  for (auto [x, result] : llvm::zip(op.getXs(), op.getResults())) {
    Value grad = reverse.Gradient(x);
    if (!grad) grad = b.SplatLike(x, 0);
    if (!grad) return absl::InvalidArgumentError(b.error());
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
