// Phases that order the elements of a dimension.
#ifndef STATOR_COMPILER_CODEGEN_CPU_SORT_KERNEL_H_
#define STATOR_COMPILER_CODEGEN_CPU_SORT_KERNEL_H_

#include "absl/status/status.h"
#include "compiler/codegen/cpu/fusion_kernel.h"

namespace stator::compiler {

// First records (key, position) of the first operand are ordered in a workspace, one row a tile;
// then every result gathers its elements from where the records say.
absl::Status EmitSort(FusionKernel* kernel, core::SortOp op);
absl::Status EmitTopK(FusionKernel* kernel, core::TopKOp op);

}  // namespace stator::compiler

#endif  // STATOR_COMPILER_CODEGEN_CPU_SORT_KERNEL_H_
