// Derivatives of if and while.
//
// Regions are computed again in the backward pass: they are pure, so they give the same values, and of a loop only the
// carried values at the start of each iteration have to be kept. They go to lists, one per carried value that the
// backward iteration reads; invariants are captured and need none.

#include "compiler/autodiff/reverse.h"
#include "llvm/ADT/STLExtras.h"

namespace stator::compiler {

using core::CoreBuilder;
using mlir::Operation;
using mlir::Value;

llvm::SmallVector<Value> Reverse::WantedCaptures(Operation* op) {
  llvm::SmallVector<Value> wanted;
  for (Value capture : Captures(op)) {
    if (reached_.contains(capture) && IsDifferentiable(capture)) wanted.push_back(capture);
  }
  return wanted;
}

bool Reverse::CloneOps(mlir::Block& from, mlir::IRMapping& mapping) {
  for (Operation& op : from.without_terminator()) {
    if (llvm::isa<core::CheckOp, core::GuardOp>(op)) continue;
    Operation* copy = b_.builder().clone(op, mapping);
    bool calls_host = false;
    llvm::SmallVector<Operation*> checks;
    copy->walk([&](Operation* inner) {
      calls_host |= llvm::isa<core::HostCallOp>(inner) && (inner != copy || !op.use_empty());
      if (llvm::isa<core::CheckOp, core::GuardOp>(inner)) checks.push_back(inner);
    });
    for (Operation* check : checks) check->erase();
    if (calls_host) {
      b_.Fail("no gradient through a region with a host call, which must not run twice");
      return false;
    }
    if (llvm::isa<core::HostCallOp>(copy)) copy->erase();
  }
  return true;
}

bool Reverse::BackwardIf(core::IfOp op, const Grads& grads) {
  const llvm::SmallVector<Value> wanted = WantedCaptures(op);
  if (wanted.empty()) return true;
  auto branch = [&](mlir::Region& region) {
    return [&](mlir::ValueRange) -> CoreBuilder::Values {
      mlir::IRMapping mapping;
      if (!CloneOps(region.front(), mapping)) return {};
      Reverse reverse(context_, b_.builder().getInsertionBlock(), nullptr, wanted);
      for (auto [value, grad] : llvm::zip(region.front().getTerminator()->getOperands(), grads)) {
        reverse.Seed(mapping.lookupOrDefault(value), grad);
      }
      if (!reverse.Run()) return {};
      CoreBuilder::Values results;
      for (Value capture : wanted) results.push_back(OrZeros(reverse.Gradient(capture), capture));
      return results;
    };
  };
  CoreBuilder::Values results = b_.If(op.getPred(), branch(op.getTrueBranch()), branch(op.getFalseBranch()));
  for (auto [capture, grad] : llvm::zip(wanted, results)) Accumulate(capture, grad);
  return true;
}

// A while on its way to two.
struct Reverse::Loop {
  core::WhileOp forward;
  llvm::SmallVector<Value> captures;     // with gradients
  llvm::SmallVector<unsigned> active;    // carried values with gradients, by position
  llvm::SmallVector<unsigned> saved;     // carried values that the backward body reads
  llvm::SmallVector<Value> lists;        // what the forward loop kept of them
  Value trips;                           // how often the body ran, i64
};

// Which carried values depend on an x at any iteration.
void Reverse::FindActive(Loop& loop) {
  core::WhileOp op = loop.forward;
  mlir::Block& body = op.getBody().front();
  llvm::DenseSet<Value> reached;
  reached.insert(loop.captures.begin(), loop.captures.end());
  llvm::SmallVector<bool> is_active;
  for (auto [operand, argument] : llvm::zip(op.getOperands(), body.getArguments())) {
    is_active.push_back(IsDifferentiable(operand) && reached_.contains(operand));
    if (is_active.back()) reached.insert(argument);
  }
  for (bool changed = true; changed;) {
    changed = false;
    Dependents(body, nullptr, reached);
    for (auto [i, next] : llvm::enumerate(body.getTerminator()->getOperands())) {
      if (is_active[i] || !reached.contains(next)) continue;
      is_active[i] = changed = true;
      reached.insert(body.getArgument(static_cast<unsigned>(i)));
    }
  }
  for (unsigned i = 0; i < is_active.size(); ++i) {
    if (is_active[i]) loop.active.push_back(i);
  }
}

namespace {

void EraseDeadOps(mlir::Block& block) {
  for (Operation& op : llvm::make_early_inc_range(llvm::reverse(block))) {
    if (mlir::isOpTriviallyDead(&op)) op.erase();
  }
}

mlir::RankedTensorType ScalarOf(mlir::Type element) { return mlir::RankedTensorType::get({}, element); }

}  // namespace

// One backward iteration. Arguments: iterations left, lists, gradients of the active carried values, sums for the
// captures; it returns their next values.
bool Reverse::BuildBackwardBody(Loop& loop, mlir::Region& region) {
  core::WhileOp op = loop.forward;
  mlir::Block& body = op.getBody().front();
  mlir::OpBuilder::InsertionGuard guard(b_.builder());
  mlir::Block* block = b_.builder().createBlock(&region);
  const mlir::Type i64 = b_.builder().getI64Type();
  Value left = block->addArgument(ScalarOf(i64), b_.loc());
  CoreBuilder::Values incoming, sums, saved;
  for (unsigned i : loop.active) incoming.push_back(block->addArgument(op.getResult(i).getType(), b_.loc()));
  for (Value capture : loop.captures) sums.push_back(block->addArgument(capture.getType(), b_.loc()));
  // Stand for the carried values until it is known which of them are read.
  mlir::IRMapping mapping;
  const unsigned first_saved = block->getNumArguments();
  for (Value argument : body.getArguments()) {
    saved.push_back(block->addArgument(argument.getType(), b_.loc()));
    mapping.map(argument, saved.back());
  }
  if (!CloneOps(body, mapping)) return false;
  llvm::SmallVector<Value> xs(loop.captures);
  for (unsigned i : loop.active) xs.push_back(saved[i]);
  Reverse reverse(context_, block, nullptr, xs);
  for (auto [i, grad] : llvm::zip(loop.active, incoming)) {
    reverse.Seed(mapping.lookupOrDefault(body.getTerminator()->getOperand(i)), grad);
  }
  if (!reverse.Run()) return false;
  CoreBuilder::Values results{b_.Sub(left, b_.ScalarInt(i64, 1))};
  for (unsigned i : loop.active) results.push_back(OrZeros(reverse.Gradient(saved[i]), saved[i]));
  for (auto [capture, sum] : llvm::zip(loop.captures, sums)) {
    Value grad = reverse.Gradient(capture);
    results.push_back(grad ? b_.Add(sum, grad) : sum);
  }
  if (!b_.ok()) return false;
  Operation* terminator = b_.builder().create<core::ReturnOp>(b_.loc(), mlir::ValueRange(results));
  EraseDeadOps(*block);
  unsigned place = 1;
  b_.builder().setInsertionPointToStart(block);
  for (unsigned i = 0; i < saved.size(); ++i) {
    if (saved[i].use_empty()) continue;
    auto type = llvm::dyn_cast<mlir::RankedTensorType>(saved[i].getType());
    if (!type) {
      b_.Fail("no gradient through a loop that carries lists");
      return false;
    }
    auto list_type = core::ListType::get(b_.context(), type);
    Value list = block->insertArgument(place, list_type, b_.loc());
    auto pop = b_.builder().create<core::ListPopOp>(b_.loc(), list_type, type, list);
    saved[i].replaceAllUsesWith(pop.getElement());
    terminator->insertOperands(place, pop.getResult());
    loop.saved.push_back(i);
    ++place;
  }
  block->eraseArguments(first_saved + static_cast<unsigned>(loop.saved.size()), static_cast<unsigned>(saved.size()));
  return true;
}

// The forward loop again, which counts its iterations and keeps what the backward loop reads.
void Reverse::KeepSavedValues(Loop& loop) {
  core::WhileOp op = loop.forward;
  mlir::OpBuilder::InsertionGuard guard(b_.builder());
  b_.builder().setInsertionPoint(op);
  const mlir::Type i64 = b_.builder().getI64Type();
  llvm::SmallVector<Value> operands(op.getOperands());
  operands.push_back(b_.ScalarInt(i64, 0));
  mlir::Block &cond = op.getCond().front(), &body = op.getBody().front();
  Operation* terminator = body.getTerminator();
  Value count = body.addArgument(ScalarOf(i64), b_.loc());
  cond.addArgument(ScalarOf(i64), b_.loc());
  b_.builder().setInsertionPoint(terminator);
  llvm::SmallVector<Value> next{b_.Add(count, b_.ScalarInt(i64, 1))};
  for (unsigned i : loop.saved) {
    auto type = core::ListType::get(b_.context(), llvm::cast<mlir::RankedTensorType>(body.getArgument(i).getType()));
    b_.builder().setInsertionPoint(op);
    operands.push_back(b_.builder().create<core::ListCreateOp>(b_.loc(), type, b_.ScalarInt(i64, 0)));
    cond.addArgument(type, b_.loc());
    Value list = body.addArgument(type, b_.loc());
    b_.builder().setInsertionPoint(terminator);
    next.push_back(b_.builder().create<core::ListPushOp>(b_.loc(), list, body.getArgument(i)));
  }
  terminator->insertOperands(terminator->getNumOperands(), next);
  b_.builder().setInsertionPoint(op);
  auto kept = b_.builder().create<core::WhileOp>(op.getLoc(), body.getArgumentTypes(), operands, op.getLoopSymbolsAttr(),
                                                 op.getInitialDimsAttr());
  kept.getCond().takeBody(op.getCond());
  kept.getBody().takeBody(op.getBody());
  const unsigned carried = op.getNumResults();
  for (unsigned i = 0; i < carried; ++i) {
    Value before = op.getResult(i), now = kept.getResult(i);
    before.replaceAllUsesWith(now);
    if (reached_.contains(before)) reached_.insert(now);
    if (Value grad = grads_.lookup(before)) grads_[now] = grad;
  }
  loop.forward = kept;
  loop.trips = kept.getResult(carried);
  for (unsigned i = 0; i < loop.saved.size(); ++i) loop.lists.push_back(kept.getResult(carried + 1 + i));
  op.erase();
}

core::WhileOp Reverse::BuildBackwardLoop(Loop& loop, mlir::Region& body, const Grads& grads) {
  llvm::SmallVector<Value> operands{loop.trips};
  operands.append(loop.lists);
  for (unsigned i : loop.active) operands.push_back(OrZeros(grads[i], loop.forward.getResult(i)));
  for (Value capture : loop.captures) operands.push_back(b_.SplatLike(capture, 0));
  auto backward = b_.builder().create<core::WhileOp>(b_.loc(), body.front().getArgumentTypes(), operands, nullptr, nullptr);
  backward.getBody().takeBody(body);
  mlir::OpBuilder::InsertionGuard guard(b_.builder());
  mlir::Block* cond = b_.builder().createBlock(&backward.getCond());
  for (mlir::Type type : backward.getBody().getArgumentTypes()) cond->addArgument(type, b_.loc());
  Value more = b_.Gt(cond->getArgument(0), b_.ScalarInt(b_.builder().getI64Type(), 0));
  b_.builder().create<core::ReturnOp>(b_.loc(), mlir::ValueRange(more));
  return backward;
}

bool Reverse::BackwardWhile(core::WhileOp op, const Grads& grads) {
  Loop loop;
  loop.forward = op;
  loop.captures = WantedCaptures(op);
  FindActive(loop);
  if (op.getLoopSymbols() && !op.getLoopSymbols()->empty()) {
    b_.Fail("no gradient yet through a loop whose tensors change their sizes");
    return true;
  }
  mlir::Region body;
  if (!BuildBackwardBody(loop, body)) return true;  // the builder holds the error
  KeepSavedValues(loop);
  core::WhileOp backward = BuildBackwardLoop(loop, body, grads);
  const unsigned first_grad = 1 + static_cast<unsigned>(loop.lists.size());
  for (auto [k, i] : llvm::enumerate(loop.active)) {
    Value initial = loop.forward.getOperand(i);
    if (reached_.contains(initial)) Accumulate(initial, backward.getResult(first_grad + static_cast<unsigned>(k)));
  }
  const unsigned first_sum = first_grad + static_cast<unsigned>(loop.active.size());
  for (auto [k, capture] : llvm::enumerate(loop.captures)) {
    Accumulate(capture, backward.getResult(first_sum + static_cast<unsigned>(k)));
  }
  return true;
}

}  // namespace stator::compiler
