// Ops that are not loops over their results: each adds phases of its own to the kernel.
#ifndef STATOR_COMPILER_CODEGEN_CPU_PHASE_OPS_H_
#define STATOR_COMPILER_CODEGEN_CPU_PHASE_OPS_H_

#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "compiler/codegen/cpu/fusion_kernel.h"

namespace stator::compiler {

// Whether an op of a fusion's body is computed by EmitPhaseOp, before the loops of the fusion.
bool IsPhaseOp(mlir::Operation* op);

// Adds the phases of one such op and notes where its results are.
absl::Status EmitPhaseOp(FusionKernel* kernel, mlir::Operation* op);

// (operand, result) pairs of a fusion with such ops that may be the same memory: what scatter and
// dynamic_update_slice change.
std::vector<std::pair<int, int>> UpdatedInPlace(core::FusionOp fusion);

}  // namespace stator::compiler

#endif  // STATOR_COMPILER_CODEGEN_CPU_PHASE_OPS_H_
