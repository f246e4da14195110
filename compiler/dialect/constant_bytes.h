#ifndef STATOR_COMPILER_DIALECT_CONSTANT_BYTES_H_
#define STATOR_COMPILER_DIALECT_CONSTANT_BYTES_H_

#include <optional>
#include <string>

#include "llvm/ADT/ArrayRef.h"
#include "mlir/IR/BuiltinAttributeInterfaces.h"

namespace stator::core {

// The elements as an image stores them: row-major, little endian, a bool a byte, splats repeated. None for strings and
// for attributes of another form.
std::optional<std::string> ConstantBytes(mlir::Attribute value);

// The same without a copy where they lie in memory so: not of splats and bools.
std::optional<llvm::ArrayRef<char>> ConstantBytesInPlace(mlir::Attribute value);

}  // namespace stator::core

#endif  // STATOR_COMPILER_DIALECT_CONSTANT_BYTES_H_
