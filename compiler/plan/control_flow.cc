#include "compiler/plan/control_flow.h"

#include "graph/status_macros.h"

namespace stator::compiler {

using executable::BufferKind;
using executable::kNone;
using mlir::Value;

absl::StatusOr<int32_t> ControlFlow::EmitRegion(llvm::StringRef name, mlir::Region& region,
                                                llvm::ArrayRef<Target> targets) {
  executable::Block block;
  block.name = name.str();
  mlir::Block& source = region.front();
  mlir::Operation* terminator = source.getTerminator();
  llvm::SmallVector<bool> direct;
  for (auto [value, target] : llvm::zip(terminator->getOperands(), targets)) {
    direct.push_back(target.buffer != kNone &&
                     draft_.buffers.Reserve(value, target.buffer, &source));
  }
  STATOR_RETURN_IF_ERROR(emit_block_(source, block));
  for (auto [value, target, is_direct] : llvm::zip(terminator->getOperands(), targets, direct)) {
    if (target.list != kNone) {
      STATOR_ASSIGN_OR_RETURN(const int32_t list, lists_.Take(value, block));
      if (list != target.list) {
        draft_.nodes.Refuse("a loop that carries another list than it was given",
                            terminator->getLoc());
      }
      continue;
    }
    if (!is_direct) draft_.waves.Copy(block, value, target.buffer, value.getLoc());
  }
  return draft_.waves.AddBlock(std::move(block));
}

absl::Status ControlFlow::Emit(core::IfOp op, executable::Block& block) {
  std::vector<Target> targets;
  for (Value result : op.getResults()) {
    STATOR_ASSIGN_OR_RETURN(const int32_t buffer, draft_.buffers.Define(result));
    targets.push_back({buffer, kNone});
  }
  executable::If step;
  step.predicate = draft_.buffers.Use(op.getPred());
  const size_t position = block.waves.size();
  draft_.waves.Add(block, step, op.getLoc());
  for (const Target& target : targets) draft_.buffers.Extend(target.buffer);
  STATOR_ASSIGN_OR_RETURN(step.then_block, EmitRegion("then", op.getTrueBranch(), targets));
  STATOR_ASSIGN_OR_RETURN(step.else_block, EmitRegion("else", op.getFalseBranch(), targets));
  block.waves[position].steps[0].body = step;
  return absl::OkStatus();
}

absl::Status ControlFlow::Emit(core::WhileOp op, executable::Block& block) {
  executable::While step;
  LoopWaves loop;
  loop.first = draft_.buffers.wave();
  STATOR_ASSIGN_OR_RETURN(const Carried carried, CarryIn(op, block, &step));
  STATOR_RETURN_IF_ERROR(LoopSymbols(op, &step));
  const size_t position = block.waves.size();
  draft_.waves.Add(block, step, op.getLoc());
  BindArguments(op, carried);
  Value predicate = op.getCond().front().getTerminator()->getOperand(0);
  STATOR_ASSIGN_OR_RETURN(step.predicate,
                          draft_.buffers.New(predicate.getType(), BufferKind::kArena, op.getLoc()));
  STATOR_ASSIGN_OR_RETURN(step.cond_block,
                          EmitRegion("cond", op.getCond(), {Target{step.predicate, kNone}}));
  STATOR_ASSIGN_OR_RETURN(step.body_block, EmitRegion("body", op.getBody(), carried.next));
  for (auto [result, current] : llvm::zip(op.getResults(), carried.current)) {
    if (current.list != kNone) lists_.Set(result, current.list);
  }
  loop.last = draft_.buffers.wave() - 1;
  loop.step = block.waves[position].number;
  loop.carried = step.carried;
  executable::Buffer& buffer = draft_.buffers[step.predicate];
  buffer.first_wave = loop.step;
  buffer.last_wave = loop.last;
  loops_.push_back(std::move(loop));
  block.waves[position].steps[0].body = step;
  return absl::OkStatus();
}

absl::StatusOr<ControlFlow::Carried> ControlFlow::CarryIn(core::WhileOp op,
                                                          executable::Block& block,
                                                          executable::While* step) {
  Carried carried;
  for (auto [operand, result] : llvm::zip(op.getOperands(), op.getResults())) {
    if (llvm::isa<core::ListType>(operand.getType())) {
      STATOR_ASSIGN_OR_RETURN(const int32_t list, lists_.Take(operand, block));
      carried.current.push_back({kNone, list});
      carried.next.push_back({kNone, list});
      continue;
    }
    STATOR_ASSIGN_OR_RETURN(const int32_t current, draft_.buffers.Define(result));
    STATOR_ASSIGN_OR_RETURN(const int32_t next,
                            draft_.buffers.New(result.getType(), BufferKind::kArena, op.getLoc()));
    step->carried.push_back({current, next});
    carried.current.push_back({current, kNone});
    carried.next.push_back({next, kNone});
    // Before the loop its symbols have no values: the first memory has the size of what is copied
    // into it.
    if (draft_.buffers[current].kind == BufferKind::kDynamic) {
      const int32_t bytes = draft_.buffers[draft_.buffers.Of(operand)].byte_size;
      draft_.waves.Add(block, executable::Alloc{current, bytes}, op.getLoc());
    }
    executable::Copy copy{draft_.buffers.Use(operand), current};
    draft_.waves.Add(block, copy, op.getLoc());
  }
  return carried;
}

void ControlFlow::BindArguments(core::WhileOp op, const Carried& carried) {
  for (mlir::Region* region : {&op.getCond(), &op.getBody()}) {
    for (auto [argument, current] : llvm::zip(region->getArguments(), carried.current)) {
      if (current.buffer != kNone) draft_.buffers.Set(argument, current.buffer);
    }
  }
  for (auto [argument, current] : llvm::zip(op.getBody().getArguments(), carried.current)) {
    if (current.list != kNone) lists_.Set(argument, current.list);
  }
}

absl::Status ControlFlow::LoopSymbols(core::WhileOp op, executable::While* step) {
  if (!op.getLoopSymbols()) return absl::OkStatus();
  mlir::ValueRange next = op.getBody().front().getTerminator()->getOperands();
  for (auto [i, name] : llvm::enumerate(op.getLoopSymbols()->getAsRange<mlir::StringAttr>())) {
    const core::DimSymbol* symbol = core::DimContextOf(op.getContext()).FindSymbol(name.getValue());
    executable::LoopSymbol entry;
    entry.symbol = draft_.exprs.Symbol(symbol);
    entry.initial = draft_.exprs.Expr(op.getInitialDims()->getDims()[i]);
    for (auto [result, value] : llvm::zip(op.getResults(), next)) {
      core::Dims carried = core::DimsOf(result), found = core::DimsOf(value);
      for (size_t d = 0; d < carried.size(); ++d) {
        if (carried[d].symbol() == symbol) entry.next = draft_.exprs.Expr(found[d]);
      }
    }
    if (entry.next == kNone) {
      return absl::InternalError("a loop symbol that no carried value has");
    }
    step->loop_symbols.push_back(entry);
  }
  return absl::OkStatus();
}

}  // namespace stator::compiler
