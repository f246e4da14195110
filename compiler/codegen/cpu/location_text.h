// What a Status says about an op of the core dialect.
#ifndef STATOR_COMPILER_CODEGEN_CPU_LOCATION_TEXT_H_
#define STATOR_COMPILER_CODEGEN_CPU_LOCATION_TEXT_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "mlir/IR/Operation.h"

namespace stator::compiler {

// Unimplemented: "node 'x' (op MatMul, at model.cc:7): cannot be compiled yet: core.sort (why)".
absl::Status NotLowered(mlir::Operation* op, absl::string_view why);

}  // namespace stator::compiler

#endif  // STATOR_COMPILER_CODEGEN_CPU_LOCATION_TEXT_H_
