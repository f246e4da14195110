#include "ops/collective/collective_ops.h"

// One line per op or group of siblings.
#define STATOR_COLLECTIVE_OPS(REGISTER) REGISTER(RegisterReduceBucket)

namespace stator::ops {

#define STATOR_DECLARE(function) void function(compiler::OpSet& ops);
STATOR_COLLECTIVE_OPS(STATOR_DECLARE)
#undef STATOR_DECLARE

void RegisterCollectiveOps(compiler::OpSet& ops) {
#define STATOR_CALL(function) function(ops);
  STATOR_COLLECTIVE_OPS(STATOR_CALL)
#undef STATOR_CALL
}

}  // namespace stator::ops
