#ifndef STATOR_OPS_RANDOM_RANDOM_OPS_H_
#define STATOR_OPS_RANDOM_RANDOM_OPS_H_

#include "compiler/import/op_set.h"

namespace stator::ops {

// Random numbers, bit for bit TensorFlow's.
void RegisterRandomOps(compiler::OpSet& ops);

}  // namespace stator::ops

#endif  // STATOR_OPS_RANDOM_RANDOM_OPS_H_
