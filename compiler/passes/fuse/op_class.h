#ifndef STATOR_COMPILER_PASSES_FUSE_OP_CLASS_H_
#define STATOR_COMPILER_PASSES_FUSE_OP_CLASS_H_

#include "mlir/IR/Operation.h"

namespace stator::compiler {

// What fusion may do with an op.
enum class OpClass {
  kOutside,      // never in a kernel: control flow, state, host calls, large constants
  kFree,         // costs nothing to repeat: small constants, iota, dim_values
  kElementwise,  // one result element per index
  kBroadcast,    // reads elements several times
  kMovement,     // reads each element at most once, at another index: transpose, slice, pad, reverse
  kScattered,    // reads at computed places: concatenate, gather, dynamic_slice
  kView,         // reshape, assume_dims: no work when left outside
  kReduce,
  kContraction,
  kWindow,       // reads its operands again and again, so they are memory; its result may be used in place
  kAlone,        // a kernel of its own
};

OpClass Classify(mlir::Operation* op);

// The `kind` attribute of a fusion whose only op is this one.
llvm::StringRef KindOf(mlir::Operation* op);

// Whether a reduce runs over the last dimensions of its operand and leaves at least one.
bool ReducesTrailingDims(mlir::Operation* reduce);

}  // namespace stator::compiler

#endif  // STATOR_COMPILER_PASSES_FUSE_OP_CLASS_H_
