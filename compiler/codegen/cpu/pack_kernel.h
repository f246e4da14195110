// Fusions that pack weights (see compiler/passes/pack_weights).
#ifndef STATOR_COMPILER_CODEGEN_CPU_PACK_KERNEL_H_
#define STATOR_COMPILER_CODEGEN_CPU_PACK_KERNEL_H_

#include "absl/status/statusor.h"
#include "compiler/codegen/cpu/fusion_kernel.h"

namespace stator::compiler {

// Makes panels of a matrix whose rows lie in memory, in an order that reads rows from end to end.
// False, and nothing is emitted, for any other fusion.
absl::StatusOr<bool> EmitPack(FusionKernel* kernel);

}  // namespace stator::compiler

#endif  // STATOR_COMPILER_CODEGEN_CPU_PACK_KERNEL_H_
