#include "ops/array/array_ops.h"

// One line per op or group of siblings.
#define STATOR_ARRAY_OPS(REGISTER) \
  REGISTER(RegisterGather)         \
  REGISTER(RegisterIdentities)     \
  REGISTER(RegisterJoins)          \
  REGISTER(RegisterRange)          \
  REGISTER(RegisterReshapes)       \
  REGISTER(RegisterShapes)         \
  REGISTER(RegisterSlices)         \
  REGISTER(RegisterSources)        \
  REGISTER(RegisterStridedSlice)

namespace stator::ops {

#define STATOR_DECLARE(function) void function(compiler::OpSet& ops);
STATOR_ARRAY_OPS(STATOR_DECLARE)
#undef STATOR_DECLARE

void RegisterArrayOps(compiler::OpSet& ops) {
#define STATOR_CALL(function) function(ops);
  STATOR_ARRAY_OPS(STATOR_CALL)
#undef STATOR_CALL
}

}  // namespace stator::ops
