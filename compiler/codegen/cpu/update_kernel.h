// Phases that change a part of a tensor.
#ifndef STATOR_COMPILER_CODEGEN_CPU_UPDATE_KERNEL_H_
#define STATOR_COMPILER_CODEGEN_CPU_UPDATE_KERNEL_H_

#include "absl/status/status.h"
#include "compiler/codegen/cpu/fusion_kernel.h"

namespace stator::compiler {

// Both begin with a phase that copies the operand to the result, which does nothing where the two
// are the same memory.
absl::Status EmitDynamicUpdateSlice(FusionKernel* kernel, core::DynamicUpdateSliceOp op);

// A tile applies all updates, in order, to a column of the result's slices: nothing else writes
// there.
absl::Status EmitScatter(FusionKernel* kernel, core::ScatterOp op);

}  // namespace stator::compiler

#endif  // STATOR_COMPILER_CODEGEN_CPU_UPDATE_KERNEL_H_
