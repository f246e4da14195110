#include "compiler/plan/lists.h"

#include <optional>

#include "graph/status_macros.h"

namespace stator::compiler {
namespace {

using executable::kNone;
using executable::ListAction;
using executable::UseList;

// Fusion puts constants into kernels.
std::optional<core::Dims> KnownSize(mlir::Value value) {
  if (auto fusion = value.getDefiningOp<core::FusionOp>()) {
    const unsigned result = llvm::cast<mlir::OpResult>(value).getResultNumber();
    value = fusion.getBody().front().getTerminator()->getOperand(result);
  }
  return core::KnownValues(value);
}

}  // namespace

absl::StatusOr<int32_t> Lists::Take(mlir::Value value, executable::Block& block) {
  if (value.getDefiningOp<core::ListCreateOp>()) {
    const int32_t list = draft_.model.num_lists++;
    draft_.waves.Add(block, UseList{ListAction::kClear, list, kNone}, value.getLoc());
    return list;
  }
  auto it = lists_.find(value);
  if (it == lists_.end()) {
    // A list that a branch returns was refused there.
    if (!value.getDefiningOp<core::IfOp>()) {
      draft_.nodes.Refuse("a list that is used twice", value.getLoc());
    }
    return draft_.model.num_lists++;
  }
  const int32_t list = it->second;
  lists_.erase(it);
  return list;
}

absl::Status Lists::Emit(core::ListCreateOp op) {
  std::optional<core::Dims> size = KnownSize(op.getSize());
  if (!size || size->size() != 1 || !(*size)[0].IsConstant(0)) {
    draft_.nodes.Refuse("a list that is not empty at first", op.getLoc());
  }
  return absl::OkStatus();
}

absl::Status Lists::Emit(core::ListPushOp op, executable::Block& block) {
  STATOR_ASSIGN_OR_RETURN(const int32_t list, Take(op.getList(), block));
  UseList push{ListAction::kPush, list, draft_.buffers.Use(op.getElement())};
  draft_.waves.Add(block, push, op.getLoc());
  Set(op.getResult(), list);
  return absl::OkStatus();
}

absl::Status Lists::Emit(core::ListPopOp op, executable::Block& block) {
  STATOR_ASSIGN_OR_RETURN(const int32_t list, Take(op.getList(), block));
  STATOR_ASSIGN_OR_RETURN(const int32_t buffer, draft_.buffers.Define(op.getElement()));
  draft_.waves.AllocIfDynamic(block, buffer, op.getLoc());
  draft_.buffers.Touch(buffer);
  draft_.waves.Add(block, UseList{ListAction::kPop, list, buffer}, op.getLoc());
  Set(op.getResult(), list);
  return absl::OkStatus();
}

}  // namespace stator::compiler
