#ifndef STATOR_COMPILER_CODEGEN_COMPILE_MODULE_H_
#define STATOR_COMPILER_CODEGEN_COMPILE_MODULE_H_

#include "absl/status/statusor.h"
#include "compiler/codegen/cpu/target.h"
#include "compiler/plan/kernel_table.h"

namespace stator::compiler {

// Compiles every fusion of a module, each distinct one once (FusionKey), on `num_threads` threads. The result does not
// depend on their number. Fusions that cannot be compiled are listed in the table, each.
absl::StatusOr<KernelTable> CompileModule(mlir::ModuleOp module, const CpuTarget& target, int num_threads);

}  // namespace stator::compiler

#endif  // STATOR_COMPILER_CODEGEN_COMPILE_MODULE_H_
