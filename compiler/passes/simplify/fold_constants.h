#ifndef STATOR_COMPILER_PASSES_SIMPLIFY_FOLD_CONSTANTS_H_
#define STATOR_COMPILER_PASSES_SIMPLIFY_FOLD_CONSTANTS_H_

#include "mlir/IR/PatternMatch.h"

namespace stator::compiler {

// Adds the pattern that replaces a small op on constants by its value, and removes checks that hold. The reference
// interpreter computes the value, so it is the one that generated code would give.
void AddConstantFolding(mlir::RewritePatternSet& patterns);

}  // namespace stator::compiler

#endif  // STATOR_COMPILER_PASSES_SIMPLIFY_FOLD_CONSTANTS_H_
