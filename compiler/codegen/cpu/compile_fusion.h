// One fusion of the core dialect → one kernel.
#ifndef STATOR_COMPILER_CODEGEN_CPU_COMPILE_FUSION_H_
#define STATOR_COMPILER_CODEGEN_CPU_COMPILE_FUSION_H_

#include <string>

#include "absl/status/statusor.h"
#include "compiler/codegen/cpu/kernel_module.h"
#include "compiler/codegen/cpu/target.h"
#include "compiler/codegen/kernel.h"
#include "compiler/dialect/core_dialect.h"

namespace stator::compiler {

// Reads the fusion and its context, changes neither; different threads may compile different
// fusions. The kernel is built in `kernel_context` (CreateKernelContext), one at a time.
// Unimplemented, with op and location, for what is not lowered yet.
absl::StatusOr<CompiledKernel> CompileFusion(core::FusionOp fusion, const CpuTarget& target,
                                             mlir::MLIRContext* kernel_context,
                                             const CodegenOptions& options = {});

// The fusion as text, without locations, names and reasons, its symbols numbered in the order of
// their appearance, with their facts. Fusions with equal keys have equal code, phases and workspaces, and
// the same order of scalars (each in its own symbols).
std::string FusionKey(core::FusionOp fusion);

}  // namespace stator::compiler

#endif  // STATOR_COMPILER_CODEGEN_CPU_COMPILE_FUSION_H_
