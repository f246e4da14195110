#include "compiler/dialect/dtype.h"

#include "compiler/dialect/core_dialect.h"
#include "mlir/IR/BuiltinTypes.h"

namespace stator::core {
namespace {

using executable::DType;

DType IntegerDType(mlir::IntegerType type) {
  const bool is_unsigned = type.isUnsigned();
  switch (type.getWidth()) {
    case 1:
      return DType::kBool;
    case 8:
      return is_unsigned ? DType::kUInt8 : DType::kInt8;
    case 16:
      return is_unsigned ? DType::kUInt16 : DType::kInt16;
    case 32:
      return is_unsigned ? DType::kUInt32 : DType::kInt32;
    case 64:
      return is_unsigned ? DType::kUInt64 : DType::kInt64;
    default:
      return DType::kInvalid;
  }
}

}  // namespace

DType DTypeOf(mlir::Type element) {
  if (element.isF32()) return DType::kFloat32;
  if (element.isF64()) return DType::kFloat64;
  if (element.isF16()) return DType::kFloat16;
  if (element.isBF16()) return DType::kBFloat16;
  if (element.isFloat8E5M2()) return DType::kFloat8E5M2;
  if (element.isFloat8E4M3FN()) return DType::kFloat8E4M3FN;
  if (auto integer = llvm::dyn_cast<mlir::IntegerType>(element)) return IntegerDType(integer);
  if (auto complex = llvm::dyn_cast<mlir::ComplexType>(element)) {
    if (complex.getElementType().isF32()) return DType::kComplex64;
    if (complex.getElementType().isF64()) return DType::kComplex128;
  }
  if (llvm::isa<ObjectType>(element)) return DType::kString;
  return DType::kInvalid;
}

}  // namespace stator::core
