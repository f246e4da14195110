#ifndef STATOR_COMPILER_PASSES_LOOP_INVARIANTS_LOOP_INVARIANTS_H_
#define STATOR_COMPILER_PASSES_LOOP_INVARIANTS_LOOP_INVARIANTS_H_

#include "compiler/dialect/core_dialect.h"

namespace stator::compiler {

// A value that a loop carries but returns unchanged is captured instead: TensorFlow's loops carry everything that they
// read. It then needs no memory of its own, no copy per iteration, and no place in the lists of a backward loop.
void CaptureLoopInvariants(mlir::ModuleOp module);

}  // namespace stator::compiler

#endif  // STATOR_COMPILER_PASSES_LOOP_INVARIANTS_LOOP_INVARIANTS_H_
