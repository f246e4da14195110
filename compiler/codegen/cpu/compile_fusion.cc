#include "compiler/codegen/cpu/compile_fusion.h"

#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "compiler/codegen/cpu/contraction_fusion.h"
#include "compiler/codegen/cpu/coverage.h"
#include "compiler/codegen/cpu/cumulative_kernel.h"
#include "compiler/codegen/cpu/fusion_kernel.h"
#include "compiler/codegen/cpu/iteration_space.h"
#include "compiler/codegen/cpu/location_text.h"
#include "compiler/codegen/cpu/loop_kernel.h"
#include "compiler/codegen/cpu/pack_kernel.h"
#include "compiler/codegen/cpu/phase_ops.h"
#include "compiler/codegen/cpu/reduce_kernel.h"
#include "compiler/dialect/dtype.h"
#include "executable/dtype.h"
#include "graph/status_macros.h"

namespace stator::compiler {
namespace {

// The element type that coverage.h goes by.
mlir::Type CoveredElement(mlir::Operation* op) {
  if (op->getNumOperands() == 0 || mlir::isa<core::RngBitsOp>(op)) {
    return core::ElementTypeOf(op->getResult(0));
  }
  return core::ElementTypeOf(op->getOperand(mlir::isa<core::SelectOp>(op) ? 1 : 0));
}

// As `stator inspect` calls it; else as MLIR does.
std::string ElementName(mlir::Type element) {
  const executable::DType dtype = core::DTypeOf(element);
  if (dtype != executable::DType::kInvalid) return executable::DTypeName(dtype);
  std::string text;
  llvm::raw_string_ostream(text) << element;
  return text;
}

absl::Status CheckCovered(core::FusionOp fusion) {
  for (mlir::Operation& op : fusion.getBody().front().without_terminator()) {
    std::string element;
    llvm::raw_string_ostream stream(element);
    CoveredElement(&op).print(stream);
    const llvm::StringRef name = op.getName().stripDialect();
    if (!IsLowered(std::string_view(name.data(), name.size()), element)) {
      return NotLowered(&op, absl::StrCat("elements of type ", ElementName(CoveredElement(&op))));
    }
  }
  // Operands and results that nothing computes with.
  for (mlir::TypeRange types :
       {mlir::TypeRange(fusion->getOperandTypes()), mlir::TypeRange(fusion->getResultTypes())}) {
    for (mlir::Type type : types) {
      const mlir::Type element = mlir::cast<mlir::RankedTensorType>(type).getElementType();
      if (!IsKernelElement(element)) {
        return NotLowered(fusion, absl::StrCat("elements of type ", ElementName(element)));
      }
    }
  }
  return absl::OkStatus();
}

// Ops that cannot be computed element by element, nor row by row with their neighbours, come first,
// one by one.
absl::Status EmitOwnPhases(FusionKernel* kernel) {
  for (mlir::Operation& op : kernel->body()) {
    if (IsPhaseOp(&op)) {
      STATOR_RETURN_IF_ERROR(EmitPhaseOp(kernel, &op));
      continue;
    }
    if (!mlir::isa<core::ReduceOp, core::CumulativeOp>(op)) continue;
    const KernelBuffer buffer = kernel->Materialize(op.getResult(0));
    if (auto reduce = mlir::dyn_cast<core::ReduceOp>(op)) {
      STATOR_RETURN_IF_ERROR(EmitReducePhases(kernel, reduce, buffer));
    } else {
      STATOR_RETURN_IF_ERROR(
          EmitCumulativePhase(kernel, mlir::cast<core::CumulativeOp>(op), buffer));
    }
    kernel->SetBuffer(op.getResult(0), buffer);
  }
  return absl::OkStatus();
}

// Results of equal dimensions are computed together; those of earlier phases are there already.
absl::Status EmitResults(FusionKernel* kernel) {
  RowGroup rows;
  if (FindRowGroup(kernel, &rows)) return EmitRowPhase(kernel, rows);
  STATOR_RETURN_IF_ERROR(EmitOwnPhases(kernel));
  std::vector<std::vector<LoopOutput>> groups;
  for (unsigned i = 0; i < kernel->fusion()->getNumResults(); ++i) {
    LoopOutput output{kernel->Returned(static_cast<int>(i)), kernel->Result(static_cast<int>(i))};
    const KernelBuffer* stored = kernel->BufferOf(output.value);
    if (stored != nullptr && stored->number == output.buffer.number) continue;
    auto group = groups.begin();
    while (group != groups.end() && group->front().buffer.dims != output.buffer.dims) ++group;
    if (group == groups.end()) {
      groups.push_back({output});
    } else {
      group->push_back(output);
    }
  }
  for (const std::vector<LoopOutput>& group : groups) {
    STATOR_RETURN_IF_ERROR(EmitLoopPhase(kernel, group));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<CompiledKernel> CompileFusion(core::FusionOp fusion, const CpuTarget& target,
                                             mlir::MLIRContext* kernel_context,
                                             const CodegenOptions& options) {
  STATOR_RETURN_IF_ERROR(CheckCovered(fusion));
  const bool has_phase_ops = llvm::any_of(fusion.getBody().front(),
                                          [](mlir::Operation& op) { return IsPhaseOp(&op); });
  FusionKernel kernel(fusion, target, options, kernel_context,
                      has_phase_ops ? UpdatedInPlace(fusion) : InPlacePairs(fusion));
  STATOR_ASSIGN_OR_RETURN(bool done, EmitPack(&kernel));
  if (!done) {
    STATOR_ASSIGN_OR_RETURN(done, EmitContractions(&kernel));
  }
  if (!done) STATOR_RETURN_IF_ERROR(EmitResults(&kernel));
  return kernel.Finish();
}

}  // namespace stator::compiler
