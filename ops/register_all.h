#ifndef STATOR_OPS_REGISTER_ALL_H_
#define STATOR_OPS_REGISTER_ALL_H_

#include "compiler/import/op_set.h"

namespace stator::ops {

// Adds every op of every family to the table.
void RegisterAll(compiler::OpSet& ops);

// A table of them for the life of the process. Thread-safe.
const compiler::OpSet& AllOps();

}  // namespace stator::ops

#endif  // STATOR_OPS_REGISTER_ALL_H_
