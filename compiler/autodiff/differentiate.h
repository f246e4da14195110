#ifndef STATOR_COMPILER_AUTODIFF_DIFFERENTIATE_H_
#define STATOR_COMPILER_AUTODIFF_DIFFERENTIATE_H_

#include "absl/status/status.h"
#include "compiler/dialect/core_dialect.h"

namespace stator::compiler {

// Replaces every core.gradients by the ops that compute it: reverse mode over the primitives between xs and ys, through
// if, while and composites. Innermost first, so that gradients of gradients work. Errors name the node.
absl::Status Differentiate(mlir::ModuleOp module);

}  // namespace stator::compiler

#endif  // STATOR_COMPILER_AUTODIFF_DIFFERENTIATE_H_
