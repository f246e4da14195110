#ifndef STATOR_OPS_TRAINING_TRAINING_OPS_H_
#define STATOR_OPS_TRAINING_TRAINING_OPS_H_

#include "compiler/import/op_set.h"

namespace stator::ops {

// Optimizers and gradients.
void RegisterTrainingOps(compiler::OpSet& ops);

}  // namespace stator::ops

#endif  // STATOR_OPS_TRAINING_TRAINING_OPS_H_
