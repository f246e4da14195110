#ifndef STATOR_COMPILER_DIALECT_DTYPE_H_
#define STATOR_COMPILER_DIALECT_DTYPE_H_

#include "executable/dtype.h"
#include "mlir/IR/Types.h"

namespace stator::core {

// The dtype of a tensor's element type; kInvalid if it has none. An object is a string.
executable::DType DTypeOf(mlir::Type element);

}  // namespace stator::core

#endif  // STATOR_COMPILER_DIALECT_DTYPE_H_
