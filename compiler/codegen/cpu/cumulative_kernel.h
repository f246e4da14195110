// Running sums and the like.
#ifndef STATOR_COMPILER_CODEGEN_CPU_CUMULATIVE_KERNEL_H_
#define STATOR_COMPILER_CODEGEN_CPU_CUMULATIVE_KERNEL_H_

#include "absl/status/status.h"
#include "compiler/codegen/cpu/fusion_kernel.h"

namespace stator::compiler {

// Adds a phase that computes the op into `buffer`: sequential along its dimension, vectorized along
// the dimensions inside it.
absl::Status EmitCumulativePhase(FusionKernel* kernel, core::CumulativeOp op,
                                 const KernelBuffer& buffer);

}  // namespace stator::compiler

#endif  // STATOR_COMPILER_CODEGEN_CPU_CUMULATIVE_KERNEL_H_
