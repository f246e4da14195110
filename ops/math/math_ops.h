#ifndef STATOR_OPS_MATH_MATH_OPS_H_
#define STATOR_OPS_MATH_MATH_OPS_H_

#include "compiler/import/op_set.h"

namespace stator::ops {

// Elementwise arithmetic, comparison and logic, reductions, matrix products.
void RegisterMathOps(compiler::OpSet& ops);

}  // namespace stator::ops

#endif  // STATOR_OPS_MATH_MATH_OPS_H_
