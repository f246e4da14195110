// One element, or one vector of elements, of an elementwise primitive.
#ifndef STATOR_COMPILER_CODEGEN_CPU_ELEMENT_ARITH_H_
#define STATOR_COMPILER_CODEGEN_CPU_ELEMENT_ARITH_H_

#include "absl/status/statusor.h"
#include "compiler/codegen/cpu/target.h"
#include "compiler/dialect/core_dialect.h"
#include "compiler/math/emit.h"
#include "llvm/ADT/ArrayRef.h"
#include "mlir/IR/Builders.h"

namespace stator::compiler {

// Kernels live in a context of their own, with signless integers. These give the kernel's types for
// a tensor's elements: in registers (i1 is i1) and in memory (i1 is a byte).
mlir::Type RegisterType(mlir::Type core_element, mlir::MLIRContext* kernel_context);
mlir::Type MemoryType(mlir::Type core_element, mlir::MLIRContext* kernel_context);
// Bytes of an element in memory.
int64_t ElementBytes(mlir::Type core_element);
// Whether elements of the type can be in a kernel at all (not complex, not objects).
bool IsKernelElement(mlir::Type core_element);
// What sums of this type are kept in: f32 for f16 and bf16, else the type itself.
mlir::Type AccumulatorType(mlir::Type core_element);

// Emits at the builder's insertion point.
class ElementArith {
 public:
  ElementArith(mlir::OpBuilder* builder, mlir::Location loc, const CpuTarget& target)
      : b_(*builder), loc_(loc), target_(target) {}

  // `op` is one of the core dialect's elementwise ops; operands are its operands' elements, scalars
  // or vectors of equal length. Unimplemented for ops and types that are not lowered.
  absl::StatusOr<mlir::Value> Emit(mlir::Operation* op, llvm::ArrayRef<mlir::Value> operands);

  // The value of ConvertOp between these element types of the core dialect.
  mlir::Value Convert(mlir::Value value, mlir::Type from, mlir::Type to);

  // One step of a reduction whose values have `core_element`'s register type, rounded to it; not
  // argmax, argmin.
  mlir::Value Combine(core::ReduceKind kind, mlir::Type core_element, mlir::Value a, mlir::Value b);
  // What a reduction starts from.
  mlir::Value Identity(core::ReduceKind kind, mlir::Type core_element, mlir::Type like);

  mlir::Value Compare(core::ComparisonDirection direction, mlir::Type core_element, mlir::Value a,
                      mlir::Value b);
  mlir::Value Select(mlir::Value pred, mlir::Value a, mlir::Value b);
  mlir::Value Splat(mlir::Value scalar, int lanes);
  // A constant of `like` (scalar or vector) from an integer or a float.
  mlir::Value IntConstant(mlir::Type like, int64_t value);
  mlir::Value FloatConstant(mlir::Type like, double value);

 private:
  absl::StatusOr<mlir::Value> EmitFloat(mlir::Operation* op, llvm::ArrayRef<mlir::Value> operands);
  absl::StatusOr<mlir::Value> EmitInteger(mlir::Operation* op, mlir::Type core_element,
                                          llvm::ArrayRef<mlir::Value> operands);
  mlir::Value IntegerPower(mlir::Value x, mlir::Value y, bool is_unsigned);
  mlir::Value Shift(mlir::Operation* op, mlir::Value x, mlir::Value amount);
  EmitOptions options() const;
  mlir::Value Function(MathFunction function, llvm::ArrayRef<mlir::Value> operands);
  mlir::Value ConvertFloat(mlir::Value x, mlir::Type to);
  mlir::Value MaxMin(mlir::Type core_element, mlir::Value a, mlir::Value b, bool max);

  mlir::OpBuilder& b_;
  mlir::Location loc_;
  CpuTarget target_;
};

}  // namespace stator::compiler

#endif  // STATOR_COMPILER_CODEGEN_CPU_ELEMENT_ARITH_H_
