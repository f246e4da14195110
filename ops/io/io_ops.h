#ifndef STATOR_OPS_IO_IO_OPS_H_
#define STATOR_OPS_IO_IO_OPS_H_

#include "compiler/import/op_set.h"

namespace stator::ops {

// Files.
void RegisterIoOps(compiler::OpSet& ops);

}  // namespace stator::ops

#endif  // STATOR_OPS_IO_IO_OPS_H_
