#ifndef STATOR_OPS_STATE_STATE_OPS_H_
#define STATOR_OPS_STATE_STATE_OPS_H_

#include "compiler/import/op_set.h"

namespace stator::ops {

// Variables of the session.
void RegisterStateOps(compiler::OpSet& ops);

}  // namespace stator::ops

#endif  // STATOR_OPS_STATE_STATE_OPS_H_
