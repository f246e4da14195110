#ifndef STATOR_OPS_CONTROL_CONTROL_OPS_H_
#define STATOR_OPS_CONTROL_CONTROL_OPS_H_

#include "compiler/import/op_set.h"

namespace stator::ops {

// Control flow, calls and checks.
void RegisterControlOps(compiler::OpSet& ops);

}  // namespace stator::ops

#endif  // STATOR_OPS_CONTROL_CONTROL_OPS_H_
