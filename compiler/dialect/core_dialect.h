#ifndef STATOR_COMPILER_DIALECT_CORE_DIALECT_H_
#define STATOR_COMPILER_DIALECT_CORE_DIALECT_H_

// The core dialect's C++ classes: dialect, attributes, types and ops.
//
// A tensor type with only constant dimensions carries no encoding. Any other has `?` where a dimension is not constant
// and the encoding #core.dims<...> with all of them. Use DimsOf and TensorType rather than getShape and get.

#include <memory>
#include <optional>

#include "compiler/dialect/dim_expr.h"
#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/IR/TensorEncoding.h"
#include "mlir/Interfaces/CallInterfaces.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "compiler/dialect/core_enums.h.inc"
#include "compiler/dialect/core_dialect.h.inc"

#define GET_ATTRDEF_CLASSES
#include "compiler/dialect/core_attrs.h.inc"
#define GET_TYPEDEF_CLASSES
#include "compiler/dialect/core_types.h.inc"

namespace stator::core {

// Marks ops that compute each result element from the operands' elements at the same index.
template <typename ConcreteType>
class ElementwiseOp : public mlir::OpTrait::TraitBase<ConcreteType, ElementwiseOp> {};

// What effectful ops touch. Ops on different resources may be reordered; on one resource they keep program order.
struct VariableMemory : public mlir::SideEffects::Resource::Base<VariableMemory> {
  llvm::StringRef getName() final { return "variables"; }
};
struct HostMemory : public mlir::SideEffects::Resource::Base<HostMemory> {
  llvm::StringRef getName() final { return "host"; }
};
struct ErrorMemory : public mlir::SideEffects::Resource::Base<ErrorMemory> {
  llvm::StringRef getName() final { return "errors"; }
};

// The dimension expressions of the context that `type` belongs to.
DimContext& DimContextOf(mlir::MLIRContext* context);

// The dimensions of a tensor type, constants included.
Dims DimsOf(mlir::RankedTensorType type);
Dims DimsOf(mlir::Value value);

// The canonical type for these dimensions.
mlir::RankedTensorType TensorType(llvm::ArrayRef<DimExpr> dims, mlir::Type element);

// The element type of a tensor value.
mlir::Type ElementTypeOf(mlir::Value value);
inline int64_t RankOf(mlir::Value value) {
  return llvm::cast<mlir::RankedTensorType>(value.getType()).getRank();
}

// The elements of a small integer constant (dense or #core.dims) as expressions; none for other attributes and for more
// than kMaxKnownValues elements.
inline constexpr int64_t kMaxKnownValues = 256;
std::optional<Dims> KnownValues(mlir::Attribute constant, mlir::MLIRContext* context);
std::optional<Dims> KnownValues(mlir::Value value);

// The attribute that holds these values as a tensor of `type` (i32, i64, ... or i1): dense when all are constant, else
// #core.dims. Null when a constant does not fit the element type.
mlir::Attribute KnownValuesAttr(llvm::ArrayRef<DimExpr> values, mlir::RankedTensorType type);

}  // namespace stator::core

#define GET_OP_CLASSES
#include "compiler/dialect/elementwise_ops.h.inc"
#define GET_OP_CLASSES
#include "compiler/dialect/tensor_ops.h.inc"
#define GET_OP_CLASSES
#include "compiler/dialect/control_ops.h.inc"

#endif  // STATOR_COMPILER_DIALECT_CORE_DIALECT_H_
