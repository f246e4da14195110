#include "ops/control/control_ops.h"

// One line per op or group of siblings.
#define STATOR_CONTROL_OPS(REGISTER) \
  REGISTER(RegisterAssert)           \
  REGISTER(RegisterFunctional)       \
  REGISTER(RegisterNoOp)

namespace stator::ops {

#define STATOR_DECLARE(function) void function(compiler::OpSet& ops);
STATOR_CONTROL_OPS(STATOR_DECLARE)
#undef STATOR_DECLARE

void RegisterControlOps(compiler::OpSet& ops) {
#define STATOR_CALL(function) function(ops);
  STATOR_CONTROL_OPS(STATOR_CALL)
#undef STATOR_CALL
}

}  // namespace stator::ops
