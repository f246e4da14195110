#include "ops/nn/nn_ops.h"

// One line per op or group of siblings.
#define STATOR_NN_OPS(REGISTER) \
  REGISTER(RegisterActivations) \
  REGISTER(RegisterSoftsign)    \
  REGISTER(RegisterBatchNorm)   \
  REGISTER(RegisterConv2D)      \
  REGISTER(RegisterLosses)      \
  REGISTER(RegisterPooling)

namespace stator::ops {

#define STATOR_DECLARE(function) void function(compiler::OpSet& ops);
STATOR_NN_OPS(STATOR_DECLARE)
#undef STATOR_DECLARE

void RegisterNnOps(compiler::OpSet& ops) {
#define STATOR_CALL(function) function(ops);
  STATOR_NN_OPS(STATOR_CALL)
#undef STATOR_CALL
}

}  // namespace stator::ops
