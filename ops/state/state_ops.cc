#include "ops/state/state_ops.h"

// One line per op or group of siblings.
#define STATOR_STATE_OPS(REGISTER) REGISTER(RegisterVariables)

namespace stator::ops {

#define STATOR_DECLARE(function) void function(compiler::OpSet& ops);
STATOR_STATE_OPS(STATOR_DECLARE)
#undef STATOR_DECLARE

void RegisterStateOps(compiler::OpSet& ops) {
#define STATOR_CALL(function) function(ops);
  STATOR_STATE_OPS(STATOR_CALL)
#undef STATOR_CALL
}

}  // namespace stator::ops
