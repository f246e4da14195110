#ifndef STATOR_COMPILER_PASSES_SIMPLIFY_SIMPLIFY_H_
#define STATOR_COMPILER_PASSES_SIMPLIFY_SIMPLIFY_H_

// Rewrites the core dialect into fewer and plainer ops. Runs after gradients are taken and before sums get their order.

#include "compiler/dialect/core_dialect.h"

namespace stator::compiler {

// Composites become their bodies, stop_gradient its operand.
void InlineComposites(mlir::ModuleOp module);

// Algebra on the core dialect to a fixed point: folding, dead code, transposes into contractions, common subexpressions.
mlir::LogicalResult Simplify(mlir::ModuleOp module);

// Convolutions lose padding, input dilation and feature groups: the padding becomes a pad of the input. What is left is
// an affine contraction, and a padded element visibly contributes fma(0, w, acc).
void MakePaddingExplicit(mlir::ModuleOp module);

}  // namespace stator::compiler

#endif  // STATOR_COMPILER_PASSES_SIMPLIFY_SIMPLIFY_H_
