// Phases that collect what a mask chooses.
#ifndef STATOR_COMPILER_CODEGEN_CPU_COMPACT_KERNEL_H_
#define STATOR_COMPILER_CODEGEN_CPU_COMPACT_KERNEL_H_

#include "absl/status/status.h"
#include "compiler/codegen/cpu/fusion_kernel.h"

namespace stator::compiler {

// Counts the chosen slices of each block of the mask, adds the counts up, copies block by block.
absl::Status EmitCompact(FusionKernel* kernel, core::CompactOp op);

}  // namespace stator::compiler

#endif  // STATOR_COMPILER_CODEGEN_CPU_COMPACT_KERNEL_H_
