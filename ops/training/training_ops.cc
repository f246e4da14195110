#include "ops/training/training_ops.h"

// One line per op or group of siblings.
#define STATOR_TRAINING_OPS(REGISTER) \
  REGISTER(RegisterGradients)         \
  REGISTER(RegisterOptimizers)

namespace stator::ops {

#define STATOR_DECLARE(function) void function(compiler::OpSet& ops);
STATOR_TRAINING_OPS(STATOR_DECLARE)
#undef STATOR_DECLARE

void RegisterTrainingOps(compiler::OpSet& ops) {
#define STATOR_CALL(function) function(ops);
  STATOR_TRAINING_OPS(STATOR_CALL)
#undef STATOR_CALL
}

}  // namespace stator::ops
