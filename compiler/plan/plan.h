#ifndef STATOR_COMPILER_PLAN_PLAN_H_
#define STATOR_COMPILER_PLAN_PLAN_H_

// A fused module becomes an executable image: buffers with lifetimes, steps in waves, entry point.
// Everything that is decided here is a fact of the program; offsets of the arena follow when sizes
// are known (executable/memory_plan.h).

#include "absl/status/statusor.h"
#include "compiler/dialect/core_dialect.h"
#include "compiler/plan/kernel_table.h"
#include "executable/image_model.h"

namespace stator::compiler {

// Names of the function's arguments and results, as attributes of @main.
inline constexpr llvm::StringLiteral kFeedsAttr = "core.feeds";
inline constexpr llvm::StringLiteral kFetchesAttr = "core.fetches";

struct PlanOptions {
  bool in_place = true;      // dying inputs give their memory to results
  bool init_section = true;  // work on constants runs once per load
};

// The first thing that cannot be planned is the error; all of them go to `refused`, if it is not null.
// Fusions without kernels are no error if the table says that they were refused.
absl::StatusOr<executable::ImageModel> BuildPlan(mlir::ModuleOp module, const KernelTable& kernels,
                                                 const PlanOptions& options = {},
                                                 std::vector<NodeProblem>* refused = nullptr);

}  // namespace stator::compiler

#endif  // STATOR_COMPILER_PLAN_PLAN_H_
