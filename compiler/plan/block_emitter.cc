#include "compiler/plan/block_emitter.h"

#include "compiler/plan/constants.h"
#include "graph/status_macros.h"
#include "llvm/ADT/TypeSwitch.h"

namespace stator::compiler {
namespace {

using executable::BufferKind;
using executable::kNone;
using mlir::Operation;
using mlir::Value;

bool IsView(Operation* op) { return llvm::isa<core::ReshapeOp, core::AssumeDimsOp>(op); }

// The op of the value's block, `last` or later, after which nothing reads it or a view of it; null
// if the block returns it.
Operation* LastUse(Value value, Operation* last) {
  mlir::Block* block = value.getParentBlock();
  for (Operation* user : value.getUsers()) {
    Operation* here = block->findAncestorOpInBlock(*user);
    if (here == block->getTerminator()) return nullptr;
    if (last->isBeforeInBlock(here)) last = here;
    if (IsView(user)) {
      // A view inside a region of `here` is used there at most.
      if (user == here && !(last = LastUse(user->getResult(0), last))) return nullptr;
    }
  }
  return last;
}

// Per op, the values of the block that may be freed after it: those whose size only the run knows.
llvm::DenseMap<Operation*, llvm::SmallVector<Value, 2>> FindEnds(mlir::Block& block) {
  llvm::DenseMap<Operation*, llvm::SmallVector<Value, 2>> ends;
  for (Operation& op : block.without_terminator()) {
    for (Value result : op.getResults()) {
      if (IsView(&op) || !llvm::isa<mlir::RankedTensorType>(result.getType())) continue;
      if (HasOnlyInputSymbols(core::DimsOf(result))) continue;
      if (Operation* last = LastUse(result, &op)) ends[last].push_back(result);
    }
  }
  return ends;
}

}  // namespace

BlockEmitter::BlockEmitter(PlanDraft* draft, EntryPorts* ports, Launches* launches)
    : draft_(*draft),
      ports_(*ports),
      launches_(*launches),
      lists_(draft),
      control_flow_(draft, &lists_, [this](mlir::Block& source, executable::Block& block) {
        return Emit(source, block);
      }) {}

absl::Status BlockEmitter::Emit(mlir::Block& source, executable::Block& block,
                                const llvm::DenseSet<Operation*>& done) {
  const auto ends = FindEnds(source);
  for (Operation& op : source.without_terminator()) {
    if (done.contains(&op)) continue;
    STATOR_RETURN_IF_ERROR(EmitOp(&op, block));
    auto it = ends.find(&op);
    if (it == ends.end()) continue;
    for (Value value : it->second) {
      draft_.waves.FreeIfDynamic(block, draft_.buffers.Of(value), op.getLoc());
    }
  }
  return absl::OkStatus();
}

absl::Status BlockEmitter::EmitOp(Operation* op, executable::Block& block) {
  return llvm::TypeSwitch<Operation*, absl::Status>(op)
      .Case(
          [&](core::FusionOp fusion) { return launches_.Emit(fusion, block, BufferKind::kArena); })
      .Case([&](core::ConstantOp constant) { return EmitConstant(constant, &draft_); })
      .Case<core::ReshapeOp, core::AssumeDimsOp>([&](auto view) { return EmitView(view); })
      .Case<core::ReadVariableOp, core::VariableInitializedOp>(
          [&](auto read) { return ports_.Emit(read); })
      .Case([&](core::AssignVariableOp assign) { return ports_.Emit(assign, block); })
      .Case([&](core::BindDimOp bind) { return EmitBind(bind, block); })
      .Case([&](core::CheckOp check) { return EmitCheck(check, block); })
      .Case([&](core::GuardOp guard) { return EmitGuard(guard); })
      .Case([&](core::HostCallOp call) { return EmitHostCall(call, block); })
      .Case([&](core::ListCreateOp create) { return lists_.Emit(create); })
      .Case<core::ListPushOp, core::ListPopOp>(
          [&](auto list_op) { return lists_.Emit(list_op, block); })
      .Case<core::IfOp, core::WhileOp>(
          [&](auto control) { return control_flow_.Emit(control, block); })
      .Default([&](Operation*) {
        draft_.nodes.Refuse(op->getName().getStringRef().str(), op->getLoc());
        for (Value result : op->getResults()) {
          STATOR_RETURN_IF_ERROR(draft_.buffers.Define(result).status());
        }
        return absl::OkStatus();
      });
}

// Reshapes: the same memory under another shape.
absl::Status BlockEmitter::EmitView(Operation* op) {
  Value operand = op->getOperand(0), result = op->getResult(0);
  const int32_t base = draft_.buffers.Of(operand);
  if (llvm::isa<core::AssumeDimsOp>(op)) {
    // Other names for the same sizes.
    draft_.buffers.Set(result, base);
    return absl::OkStatus();
  }
  STATOR_ASSIGN_OR_RETURN(const int32_t index,
                          draft_.buffers.New(result.getType(), BufferKind::kArena, op->getLoc()));
  executable::Buffer& buffer = draft_.buffers[index];
  buffer.kind = draft_.buffers[base].kind;
  // The same bytes, known as early as the base's, even where the new shape holds a symbol that a
  // step binds after the base was made.
  buffer.byte_size = draft_.buffers[base].byte_size;
  buffer.alias_of = base;
  buffer.alias_offset = draft_.exprs.Expr(core::DimContextOf(op->getContext()).Constant(0));
  buffer.first_wave = draft_.buffers[base].first_wave;
  buffer.last_wave = buffer.first_wave;
  draft_.buffers.Set(result, index);
  return absl::OkStatus();
}

absl::Status BlockEmitter::EmitBind(core::BindDimOp op, executable::Block& block) {
  const core::DimSymbol* symbol = core::DimContextOf(op.getContext()).FindSymbol(op.getSymbol());
  executable::BindSymbol bind;
  bind.symbol = draft_.exprs.Symbol(symbol);
  bind.source = draft_.buffers.Use(op.getValue());
  draft_.waves.Add(block, bind, op.getLoc());
  return absl::OkStatus();
}

absl::Status BlockEmitter::EmitCheck(core::CheckOp op, executable::Block& block) {
  executable::CheckInfo info;
  info.code = static_cast<executable::Code>(op.getCode());
  info.message = op.getMessage().str();
  info.source_node = draft_.nodes.First(op.getLoc());
  executable::Check check;
  check.check = static_cast<int32_t>(draft_.model.checks.size());
  check.predicate = draft_.buffers.Use(op.getPred());
  draft_.model.checks.push_back(std::move(info));
  draft_.waves.Add(block, check, op.getLoc());
  return absl::OkStatus();
}

absl::Status BlockEmitter::EmitGuard(core::GuardOp op) {
  using core::ComparisonDirection;
  core::DimExpr lhs = op.getLhs().getDims()[0], rhs = op.getRhs().getDims()[0];
  executable::Guard guard;
  const ComparisonDirection relation = op.getRelation();
  switch (relation) {
    case ComparisonDirection::kEq:
    case ComparisonDirection::kLe:
      break;
    case ComparisonDirection::kLt:
      lhs = lhs + 1;
      break;
    case ComparisonDirection::kGe:
      std::swap(lhs, rhs);
      break;
    case ComparisonDirection::kGt:
      std::swap(lhs, rhs);
      lhs = lhs + 1;
      break;
    default:
      draft_.nodes.Refuse("a guard of this relation", op.getLoc());
      return absl::OkStatus();
  }
  if (relation != ComparisonDirection::kEq) guard.relation = executable::Relation::kLessOrEqual;
  guard.lhs = draft_.exprs.Expr(lhs);
  guard.rhs = draft_.exprs.Expr(rhs);
  guard.message = op.getMessage().str();
  guard.source_node = draft_.nodes.First(op.getLoc());
  draft_.entry.guards.push_back(std::move(guard));
  return absl::OkStatus();
}

absl::Status BlockEmitter::EmitHostCall(core::HostCallOp op, executable::Block& block) {
  executable::HostCall call;
  call.function = op.getFunction().str();
  for (Value result : op.getResults()) {
    STATOR_ASSIGN_OR_RETURN(const int32_t buffer, draft_.buffers.Define(result));
    call.outputs.push_back(buffer);
  }
  for (Value operand : op.getOperands()) call.inputs.push_back(draft_.buffers.Use(operand));
  llvm::raw_string_ostream(call.attributes) << op.getConfig();
  for (int32_t buffer : call.outputs) draft_.buffers.Touch(buffer);
  draft_.waves.Add(block, std::move(call), op.getLoc());
  return absl::OkStatus();
}

}  // namespace stator::compiler
