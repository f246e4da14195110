#ifndef STATOR_OPS_NN_NN_OPS_H_
#define STATOR_OPS_NN_NN_OPS_H_

#include "compiler/import/op_set.h"

namespace stator::ops {

// Activations, convolution, pooling, normalisation and losses.
void RegisterNnOps(compiler::OpSet& ops);

}  // namespace stator::ops

#endif  // STATOR_OPS_NN_NN_OPS_H_
