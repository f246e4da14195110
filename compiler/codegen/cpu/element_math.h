// The elementwise functions of compiler/math in generated code.
#ifndef STATOR_COMPILER_CODEGEN_CPU_ELEMENT_MATH_H_
#define STATOR_COMPILER_CODEGEN_CPU_ELEMENT_MATH_H_

#include "absl/status/statusor.h"
#include "compiler/codegen/cpu/target.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "mlir/IR/Builders.h"

namespace stator::compiler {

// `name` is that of an op of the core dialect ("exponential"). Operands are f32 or f64, scalars or
// vectors. Unimplemented for a name that is no elementwise function.
absl::StatusOr<mlir::Value> EmitMathFunction(llvm::StringRef name,
                                             llvm::ArrayRef<mlir::Value> operands,
                                             const CpuTarget& target, mlir::OpBuilder& builder,
                                             mlir::Location loc);

}  // namespace stator::compiler

#endif  // STATOR_COMPILER_CODEGEN_CPU_ELEMENT_MATH_H_
