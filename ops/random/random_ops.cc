#include "ops/random/random_ops.h"

// One line per op or group of siblings.
#define STATOR_RANDOM_OPS(REGISTER) \
  REGISTER(RegisterStatefulRandom)  \
  REGISTER(RegisterStatelessRandom)

namespace stator::ops {

#define STATOR_DECLARE(function) void function(compiler::OpSet& ops);
STATOR_RANDOM_OPS(STATOR_DECLARE)
#undef STATOR_DECLARE

void RegisterRandomOps(compiler::OpSet& ops) {
#define STATOR_CALL(function) function(ops);
  STATOR_RANDOM_OPS(STATOR_CALL)
#undef STATOR_CALL
}

}  // namespace stator::ops
