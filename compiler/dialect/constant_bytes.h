#ifndef STATOR_COMPILER_DIALECT_CONSTANT_BYTES_H_
#define STATOR_COMPILER_DIALECT_CONSTANT_BYTES_H_

#include <optional>
#include <string>

#include "mlir/IR/BuiltinAttributeInterfaces.h"

namespace stator::core {

// The elements as an image stores them: row-major, little endian, a bool a byte, splats repeated. None for strings and
// for attributes of another form.
std::optional<std::string> ConstantBytes(mlir::Attribute value);

}  // namespace stator::core

#endif  // STATOR_COMPILER_DIALECT_CONSTANT_BYTES_H_
