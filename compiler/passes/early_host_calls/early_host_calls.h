#ifndef STATOR_COMPILER_PASSES_EARLY_HOST_CALLS_EARLY_HOST_CALLS_H_
#define STATOR_COMPILER_PASSES_EARLY_HOST_CALLS_EARLY_HOST_CALLS_H_

#include "compiler/dialect/core_dialect.h"

namespace stator::compiler {

// In the configuration of a host call: it starts something that goes on beside the run.
inline constexpr char kEarly[] = "early";

// Moves host calls so marked up to where their operands are known, so that what they start (a sum over
// all replicas) overlaps with the kernels that follow. Host calls keep their order. Runs after fusion:
// it is kernels that are passed.
void MoveHostCallsEarly(mlir::ModuleOp module);

}  // namespace stator::compiler

#endif  // STATOR_COMPILER_PASSES_EARLY_HOST_CALLS_EARLY_HOST_CALLS_H_
