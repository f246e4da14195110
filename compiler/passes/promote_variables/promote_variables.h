#ifndef STATOR_COMPILER_PASSES_PROMOTE_VARIABLES_PROMOTE_VARIABLES_H_
#define STATOR_COMPILER_PASSES_PROMOTE_VARIABLES_PROMOTE_VARIABLES_H_

#include "absl/status/status.h"
#include "compiler/dialect/core_dialect.h"

namespace stator::compiler {

// Variables become values: one read_variable at the start of @main for each that is read before it is assigned, one
// assign_variable at its end for each that is assigned; regions carry what they assign as further results. Runs right
// after import, so that everything below sees pure data flow.
absl::Status PromoteVariables(mlir::ModuleOp module);

}  // namespace stator::compiler

#endif  // STATOR_COMPILER_PASSES_PROMOTE_VARIABLES_PROMOTE_VARIABLES_H_
