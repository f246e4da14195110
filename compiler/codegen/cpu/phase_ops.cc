#include "compiler/codegen/cpu/phase_ops.h"

#include "compiler/codegen/cpu/compact_kernel.h"
#include "compiler/codegen/cpu/location_text.h"
#include "compiler/codegen/cpu/sort_kernel.h"
#include "compiler/codegen/cpu/update_kernel.h"
#include "llvm/ADT/TypeSwitch.h"

namespace stator::compiler {
namespace {

using mlir::Value;

// Inside a larger loop an update is a choice between two elements; on its own it touches only what
// it changes.
bool IsOnlyReturned(Value value) {
  return llvm::all_of(value.getUsers(),
                      [](mlir::Operation* user) { return mlir::isa<core::ReturnOp>(user); });
}

}  // namespace

bool IsPhaseOp(mlir::Operation* op) {
  if (mlir::isa<core::DynamicUpdateSliceOp>(op)) return IsOnlyReturned(op->getResult(0));
  return mlir::isa<core::ScatterOp, core::SortOp, core::TopKOp, core::CompactOp>(op);
}

absl::Status EmitPhaseOp(FusionKernel* kernel, mlir::Operation* op) {
  return llvm::TypeSwitch<mlir::Operation*, absl::Status>(op)
      .Case([&](core::DynamicUpdateSliceOp c) { return EmitDynamicUpdateSlice(kernel, c); })
      .Case([&](core::ScatterOp c) { return EmitScatter(kernel, c); })
      .Case([&](core::SortOp c) { return EmitSort(kernel, c); })
      .Case([&](core::TopKOp c) { return EmitTopK(kernel, c); })
      .Case([&](core::CompactOp c) { return EmitCompact(kernel, c); })
      .Default([](mlir::Operation* other) { return NotLowered(other, "as a phase"); });
}

std::vector<std::pair<int, int>> UpdatedInPlace(core::FusionOp fusion) {
  std::vector<std::pair<int, int>> pairs;
  mlir::Block& body = fusion.getBody().front();
  for (auto [result, value] : llvm::enumerate(body.getTerminator()->getOperands())) {
    mlir::Operation* op = value.getDefiningOp();
    if (op == nullptr || !IsPhaseOp(op) || !IsOnlyReturned(value)) continue;
    if (!mlir::isa<core::ScatterOp, core::DynamicUpdateSliceOp>(op)) continue;
    // Nothing else reads the operand.
    auto operand = mlir::dyn_cast<mlir::BlockArgument>(op->getOperand(0));
    if (operand == nullptr || !operand.hasOneUse() || !value.hasOneUse()) continue;
    pairs.emplace_back(static_cast<int>(operand.getArgNumber()), static_cast<int>(result));
  }
  return pairs;
}

}  // namespace stator::compiler
