#include "ops/register_all.h"

#include "ops/array/array_ops.h"
#include "ops/collective/collective_ops.h"
#include "ops/control/control_ops.h"
#include "ops/io/io_ops.h"
#include "ops/math/math_ops.h"
#include "ops/nn/nn_ops.h"
#include "ops/random/random_ops.h"
#include "ops/state/state_ops.h"
#include "ops/training/training_ops.h"

namespace stator::ops {

void RegisterAll(compiler::OpSet& ops) {
  RegisterArrayOps(ops);
  RegisterCollectiveOps(ops);
  RegisterControlOps(ops);
  RegisterIoOps(ops);
  RegisterMathOps(ops);
  RegisterNnOps(ops);
  RegisterRandomOps(ops);
  RegisterStateOps(ops);
  RegisterTrainingOps(ops);
}

const compiler::OpSet& AllOps() {
  static const compiler::OpSet* const ops = [] {
    auto* table = new compiler::OpSet;
    RegisterAll(*table);
    return table;
  }();
  return *ops;
}

}  // namespace stator::ops
