#include "compiler/codegen/cpu/hoisting.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace stator::compiler {
namespace {

constexpr char kNotEmpty[] = "not_empty";

bool DefinedOutside(mlir::Operation* op, mlir::Operation* region_owner) {
  for (mlir::Value operand : op->getOperands()) {
    if (region_owner->isAncestor(operand.getParentBlock()->getParentOp())) return false;
  }
  return true;
}

bool IsLoop(mlir::Operation* op) { return mlir::isa<mlir::scf::ForOp, mlir::scf::WhileOp>(op); }

}  // namespace

void HoistingListener::notifyOperationInserted(mlir::Operation* op, mlir::OpBuilder::InsertPoint) {
  if (op->getNumRegions() != 0 || op->getNumResults() == 0 || op->getBlock() == nullptr ||
      op->hasTrait<mlir::OpTrait::IsTerminator>() || !mlir::isMemoryEffectFree(op)) {
    return;
  }
  mlir::Operation* target = nullptr;
  for (mlir::Operation* parent = op->getParentOp(); parent != nullptr;
       parent = parent->getParentOp()) {
    if (!mlir::isa<mlir::scf::ForOp, mlir::scf::WhileOp, mlir::scf::IfOp>(parent)) break;
    if (!DefinedOutside(op, parent)) break;
    if (IsLoop(parent)) target = parent;
  }
  if (target != nullptr) op->moveBefore(target);
}

void HoistingListener::MarkNotEmpty(mlir::Operation* loop) {
  loop->setAttr(kNotEmpty, mlir::UnitAttr::get(loop->getContext()));
}

void HoistingListener::HoistLoad(mlir::Operation* load) {
  while (mlir::Operation* parent = load->getParentOp()) {
    if (!IsLoop(parent) || !parent->hasAttr(kNotEmpty) || !DefinedOutside(load, parent)) return;
    load->moveBefore(parent);
  }
}

}  // namespace stator::compiler
