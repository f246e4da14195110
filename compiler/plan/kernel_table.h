#ifndef STATOR_COMPILER_PLAN_KERNEL_TABLE_H_
#define STATOR_COMPILER_PLAN_KERNEL_TABLE_H_

#include <vector>

#include "compiler/codegen/kernel.h"
#include "compiler/dialect/core_dialect.h"
#include "compiler/node_problem.h"

namespace stator::compiler {

// The code of every fusion of a module: each distinct kernel once, and per fusion the values of its
// scalars.
struct KernelTable {
  std::vector<CompiledKernel> kernels;
  struct Use {
    int32_t kernel = -1;
    std::vector<core::DimExpr> scalars;     // in the symbols of this fusion
    std::vector<core::DimExpr> workspaces;  // bytes
    std::vector<core::DimExpr> grids;       // one per phase
  };
  llvm::DenseMap<mlir::Operation*, Use> uses;
  // Why the other fusions, if there are any, have no kernel; in program order.
  std::vector<NodeProblem> refused;
};

}  // namespace stator::compiler

#endif  // STATOR_COMPILER_PLAN_KERNEL_TABLE_H_
