#ifndef STATOR_OPS_ARRAY_ARRAY_OPS_H_
#define STATOR_OPS_ARRAY_ARRAY_OPS_H_

#include "compiler/import/op_set.h"

namespace stator::ops {

// Sources of tensors, identities, shapes, and movement of elements.
void RegisterArrayOps(compiler::OpSet& ops);

}  // namespace stator::ops

#endif  // STATOR_OPS_ARRAY_ARRAY_OPS_H_
