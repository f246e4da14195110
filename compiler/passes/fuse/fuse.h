#ifndef STATOR_COMPILER_PASSES_FUSE_FUSE_H_
#define STATOR_COMPILER_PASSES_FUSE_FUSE_H_

// Groups core ops into core.fusion ops, one kernel each. Must run last among the passes on the core dialect: after the
// order of sums is fixed and padding is explicit, so that no grouping can change a bit of a result.
//
// Kinds of groups, by their one heavy op at most:
//   loop         elementwise, broadcast and data movement; windows; one element of the result at a time
//   reduce       reductions over trailing dimensions with the elementwise work around them, row by row (softmax, norms);
//                or one reduction of any other shape with its producers
//   contraction  one dot_general or convolution and its elementwise epilogue
//   scatter, sort, top_k, compact   one op
// A producer joins its consumer's group if all its users are there. One with other users joins as a further result when
// it is computed at the same index, or is copied when it is free to recompute (constants, iota, dim_values).
// Reshapes between groups stay outside as views.

#include "compiler/dialect/core_dialect.h"

namespace stator::compiler {

struct FuseOptions {
  bool enabled = true;  // false: every op becomes a kernel of its own (tests compare both)
};

void Fuse(mlir::ModuleOp module, const FuseOptions& options = {});

}  // namespace stator::compiler

#endif  // STATOR_COMPILER_PASSES_FUSE_FUSE_H_
