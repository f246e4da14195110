#include "compiler/plan/init_section.h"

#include "compiler/dialect/panels.h"
#include "compiler/plan/constants.h"
#include "graph/status_macros.h"

namespace stator::compiler {
namespace {

using mlir::Operation;
using mlir::Value;
using Ops = llvm::DenseSet<Operation*>;

bool DependsOnConstantsOnly(core::FusionOp fusion, const Ops& earlier) {
  // The variable's version is as constant: the section runs again for a new one.
  const bool packs = fusion.getKind() == core::kPackKind;
  return llvm::all_of(fusion.getOperands(), [&](Value operand) {
    Operation* def = operand.getDefiningOp();
    if (packs && llvm::isa_and_nonnull<core::ReadVariableOp>(def)) return true;
    return def && (llvm::isa<core::ConstantOp>(def) || earlier.contains(def));
  });
}

bool HasStaticResults(core::FusionOp fusion) {
  return llvm::all_of(fusion.getResultTypes(), [](mlir::Type t) {
    return llvm::cast<mlir::RankedTensorType>(t).hasStaticShape();
  });
}

Ops FindInitOps(mlir::Block& body, const Launches& launches, const Buffers& buffers) {
  Ops found;
  for (auto fusion : body.getOps<core::FusionOp>()) {
    // A result that goes straight to the caller or into a variable is written there anyway.
    const bool is_reserved =
        llvm::any_of(fusion.getResults(), [&](Value v) { return buffers.IsReserved(v); });
    if (!is_reserved && DependsOnConstantsOnly(fusion, found) && HasStaticResults(fusion) &&
        !launches.HasSymbolicScalars(fusion)) {
      found.insert(fusion);
    }
  }
  return found;
}

}  // namespace

absl::StatusOr<Ops> EmitInitSection(mlir::Block& body, EntryPorts* ports, Launches* launches,
                                    PlanDraft* draft) {
  Ops ops = FindInitOps(body, *launches, draft->buffers);
  executable::Block block;
  block.name = "init";
  for (auto fusion : body.getOps<core::FusionOp>()) {
    if (!ops.contains(fusion)) continue;
    for (Value operand : fusion.getOperands()) {
      if (auto read = operand.getDefiningOp<core::ReadVariableOp>()) {
        STATOR_RETURN_IF_ERROR(ports->EmitForInit(read));
        continue;
      }
      if (draft->buffers.Holds(operand)) continue;
      STATOR_RETURN_IF_ERROR(
          EmitConstant(llvm::cast<core::ConstantOp>(operand.getDefiningOp()), draft));
    }
    STATOR_RETURN_IF_ERROR(launches->Emit(fusion, block, executable::BufferKind::kPersistent));
  }
  if (!block.waves.empty()) draft->entry.init_block = draft->waves.AddBlock(std::move(block));
  return ops;
}

}  // namespace stator::compiler
