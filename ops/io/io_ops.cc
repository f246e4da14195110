#include "ops/io/io_ops.h"

// One line per op or group of siblings.
#define STATOR_IO_OPS(REGISTER) REGISTER(RegisterCheckpoints)

namespace stator::ops {

#define STATOR_DECLARE(function) void function(compiler::OpSet& ops);
STATOR_IO_OPS(STATOR_DECLARE)
#undef STATOR_DECLARE

void RegisterIoOps(compiler::OpSet& ops) {
#define STATOR_CALL(function) function(ops);
  STATOR_IO_OPS(STATOR_CALL)
#undef STATOR_CALL
}

}  // namespace stator::ops
