#include "compiler/autodiff/reverse.h"

namespace stator::compiler {

using mlir::Operation;
using mlir::Value;

bool IsDifferentiable(Value value) {
  auto type = llvm::dyn_cast<mlir::RankedTensorType>(value.getType());
  return type && llvm::isa<mlir::FloatType>(type.getElementType());
}

std::string NodeText(mlir::Location loc) {
  std::string text;
  llvm::raw_string_ostream out(text);
  auto name = llvm::dyn_cast<mlir::NameLoc>(loc);
  if (!name) {
    out << "(" << loc << ")";
    return text;
  }
  // The importer writes "node:op"; node names hold no colon.
  auto [node, op] = name.getName().getValue().split(':');
  out << "(node '" << node << "', op " << op;
  if (auto file = llvm::dyn_cast<mlir::FileLineColLoc>(name.getChildLoc())) {
    out << ", " << file.getFilename().getValue() << ":" << file.getLine();
  }
  out << ")";
  return text;
}

llvm::SetVector<Value> Captures(Operation* op) {
  llvm::SetVector<Value> captures;
  op->walk([&](Operation* inner) {
    if (inner == op) return;
    for (Value operand : inner->getOperands()) {
      Operation* owner = operand.getParentBlock()->getParentOp();
      // A block that is not yet in an op is outside, like everything that is not below `op`.
      if (owner == nullptr || (owner != op && !op->isProperAncestor(owner))) captures.insert(operand);
    }
  });
  return captures;
}

llvm::SmallVector<Operation*> Dependents(mlir::Block& block, Operation* end, llvm::DenseSet<Value>& reached) {
  llvm::SmallVector<Operation*> path;
  auto is_reached = [&](Value v) { return reached.contains(v); };
  for (Operation& op : block) {
    if (&op == end) break;
    if (llvm::isa<core::StopGradientOp>(op)) continue;
    if (!llvm::any_of(op.getOperands(), is_reached) &&
        (op.getNumRegions() == 0 || !llvm::any_of(Captures(&op), is_reached))) {
      continue;
    }
    bool differentiable = false;
    for (Value result : op.getResults()) {
      if (!IsDifferentiable(result)) continue;
      reached.insert(result);
      differentiable = true;
    }
    if (differentiable) path.push_back(&op);
  }
  return path;
}

Reverse::Reverse(ReverseContext& context, mlir::Block* block, Operation* end, llvm::ArrayRef<Value> xs)
    : context_(context), b_(context.b), block_(block), end_(end) {
  for (Value x : xs) reached_.insert(x);
}

bool Reverse::Run() {
  llvm::SmallVector<Operation*> path = Dependents(*block_, end_, reached_);
  for (Operation* op : llvm::reverse(path)) {
    if (!Backward(op)) return false;
  }
  return true;
}

void Reverse::Accumulate(Value value, Value grad) {
  if (!grad || !IsDifferentiable(value)) return;
  grad = AsType(b_, grad, value.getType());
  Value& sum = grads_[value];
  sum = sum ? b_.Add(sum, grad) : grad;
}

bool Reverse::Backward(Operation* op) {
  Grads grads;
  for (Value result : op->getResults()) grads.push_back(grads_.lookup(result));
  if (llvm::none_of(grads, [](Value grad) { return static_cast<bool>(grad); })) return true;
  const mlir::Location outer = b_.loc(), loc = op->getLoc();
  b_.set_loc(loc);
  const llvm::StringRef name = op->getName().getStringRef();
  if (!Dispatch(op, grads)) b_.Fail("no gradient of " + name);
  b_.set_loc(outer);
  if (!b_.ok() && context_.failed_at.empty()) context_.failed_at = " " + NodeText(loc);
  return b_.ok();
}

bool Reverse::Dispatch(Operation* op, const Grads& grads) {
  if (auto if_op = llvm::dyn_cast<core::IfOp>(op)) return BackwardIf(if_op, grads);
  if (auto while_op = llvm::dyn_cast<core::WhileOp>(op)) return BackwardWhile(while_op, grads);
  if (auto composite = llvm::dyn_cast<core::CompositeOp>(op)) return BackwardComposite(composite, grads);
  Grads operands;
  if (llvm::isa<core::OptimizationBarrierOp>(op)) {
    operands = grads;
  } else if (!SortVjp(b_, op, grads, operands)) {
    if (op->getNumResults() != 1) return false;
    if (!ElementwiseVjp(b_, op, grads[0], operands) && !ShapeVjp(b_, op, grads[0], operands) &&
        !IndexedVjp(b_, op, grads[0], operands) && !ContractionVjp(b_, op, grads[0], operands) &&
        !ReductionVjp(b_, op, grads[0], operands)) {
      return false;
    }
  }
  for (auto [operand, grad] : llvm::zip(op->getOperands(), operands)) {
    if (reached_.contains(operand)) Accumulate(operand, grad);
  }
  return true;
}

// The overriding gradient, its region inlined.
bool Reverse::BackwardComposite(core::CompositeOp op, const Grads& grads) {
  if (op.getVjp().empty()) return false;
  llvm::SmallVector<Value> arguments(op.getOperands());
  arguments.append(op.getResults().begin(), op.getResults().end());
  // A result that nothing depends on has the gradient zero.
  for (auto [result, grad] : llvm::zip(op.getResults(), grads)) arguments.push_back(OrZeros(grad, result));
  mlir::IRMapping mapping;
  mlir::Block& vjp = op.getVjp().front();
  for (auto [argument, value] : llvm::zip(vjp.getArguments(), arguments)) mapping.map(argument, value);
  for (Operation& inner : vjp.without_terminator()) b_.builder().clone(inner, mapping);
  for (auto [operand, grad] : llvm::zip(op.getOperands(), vjp.getTerminator()->getOperands())) {
    if (reached_.contains(operand)) Accumulate(operand, mapping.lookupOrDefault(grad));
  }
  return true;
}

}  // namespace stator::compiler
