#ifndef STATOR_OPS_COLLECTIVE_COLLECTIVE_OPS_H_
#define STATOR_OPS_COLLECTIVE_COLLECTIVE_OPS_H_

#include "compiler/import/op_set.h"

namespace stator::ops {

// What strategies put into graphs: see distribute/strategy.
void RegisterCollectiveOps(compiler::OpSet& ops);

}  // namespace stator::ops

#endif  // STATOR_OPS_COLLECTIVE_COLLECTIVE_OPS_H_
