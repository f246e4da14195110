#include "ops/math/math_ops.h"

// One line per op or group of siblings.
#define STATOR_MATH_OPS(REGISTER) \
  REGISTER(RegisterArithmetic)    \
  REGISTER(RegisterComparison)    \
  REGISTER(RegisterConversions)   \
  REGISTER(RegisterMatMul)        \
  REGISTER(RegisterReductions)    \
  REGISTER(RegisterUnary)

namespace stator::ops {

#define STATOR_DECLARE(function) void function(compiler::OpSet& ops);
STATOR_MATH_OPS(STATOR_DECLARE)
#undef STATOR_DECLARE

void RegisterMathOps(compiler::OpSet& ops) {
#define STATOR_CALL(function) function(ops);
  STATOR_MATH_OPS(STATOR_CALL)
#undef STATOR_CALL
}

}  // namespace stator::ops
