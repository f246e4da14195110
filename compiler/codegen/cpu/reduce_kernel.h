// Phases of fusions that contain reductions.
#ifndef STATOR_COMPILER_CODEGEN_CPU_REDUCE_KERNEL_H_
#define STATOR_COMPILER_CODEGEN_CPU_REDUCE_KERNEL_H_

#include <vector>

#include "absl/status/status.h"
#include "compiler/codegen/cpu/loop_kernel.h"

namespace stator::compiler {

// Reductions over the same trailing dimensions of tensors of the same shape: row by row, they and
// everything between and after them are one phase.
struct RowGroup {
  std::vector<core::ReduceOp> reductions;  // in the body's order
  core::Dims rows, row, full;              // full = rows followed by row
};

// Whether all reductions of the body are of that kind, there is at least one, and all results are
// of the full shape or one element per row.
bool FindRowGroup(FusionKernel* kernel, RowGroup* group);

// Adds one phase for all results of the fusion.
absl::Status EmitRowPhase(FusionKernel* kernel, const RowGroup& group);

// Adds phases that compute the reduction into `buffer`.
absl::Status EmitReducePhases(FusionKernel* kernel, core::ReduceOp op, const KernelBuffer& buffer);

}  // namespace stator::compiler

#endif  // STATOR_COMPILER_CODEGEN_CPU_REDUCE_KERNEL_H_
