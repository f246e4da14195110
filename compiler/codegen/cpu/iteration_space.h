// Which dimensions of a loop may be one: those that every access below treats jointly.
#ifndef STATOR_COMPILER_CODEGEN_CPU_ITERATION_SPACE_H_
#define STATOR_COMPILER_CODEGEN_CPU_ITERATION_SPACE_H_

#include <functional>
#include <utility>
#include <vector>

#include "compiler/dialect/core_dialect.h"
#include "llvm/ADT/ArrayRef.h"

namespace stator::compiler {

// Tells whether a value is in memory, so that the walk ends there.
using IsStored = std::function<bool(mlir::Value)>;

// For the dimensions that `values` share: element i says whether dimensions i and i + 1 may be
// joined without making any position below more expensive.
std::vector<bool> JoinableDims(llvm::ArrayRef<mlir::Value> values, const IsStored& is_stored);

// The dimensions grouped by JoinableDims, without groups of size 1.
std::vector<core::Dims> CollapsedDims(llvm::ArrayRef<core::DimExpr> dims,
                                      const std::vector<bool>& joinable);

// (operand, result) pairs of a fusion whose results have equal dimensions, such that each result
// element depends on no operand element but the one at the same row-major position, and the
// elements are of equal size.
std::vector<std::pair<int, int>> InPlacePairs(core::FusionOp fusion);

}  // namespace stator::compiler

#endif  // STATOR_COMPILER_CODEGEN_CPU_ITERATION_SPACE_H_
