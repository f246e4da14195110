// Ops whose elements follow from their positions alone.

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "compiler/codegen/cpu/element_emitter.h"
#include "compiler/codegen/cpu/location_text.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

namespace stator::compiler {
namespace {

namespace LLVM = mlir::LLVM;
using mlir::Type;
using mlir::Value;

// The attribute of an element, in the kernel's context.
mlir::TypedAttr KernelAttr(mlir::Attribute element, Type type) {
  if (auto number = mlir::dyn_cast<mlir::FloatAttr>(element)) {
    return mlir::FloatAttr::get(type, number.getValue());
  }
  const llvm::APInt bits = mlir::cast<mlir::IntegerAttr>(element).getValue();
  const unsigned width = type.getIntOrFloatBitWidth();
  return mlir::IntegerAttr::get(type, bits.zextOrTrunc(width));
}

}  // namespace

Value ElementEmitter::EmitConstant(core::ConstantOp op, IndexSet set) {
  auto dense = mlir::dyn_cast<mlir::DenseElementsAttr>(op.getValue());
  const Type core_element = core::ElementTypeOf(op.getResult());
  if (!dense) return Fail(NotLowered(op, "a constant that is not dense"), core_element, set->lanes);
  const int64_t count = dense.getNumElements();
  const LaneIndex linear = sets_.Linear(set);
  const bool known = linear.IsUniform() && linear.base.IsConstant() && linear.base.constant >= 0 &&
                     linear.base.constant < count;
  if (count == 0) return Zero(core_element, set->lanes);
  if (dense.isSplat() || known) {
    const int64_t i = dense.isSplat() ? 0 : linear.base.constant;
    mlir::TypedAttr attr = KernelAttr(*(dense.value_begin<mlir::Attribute>() + i),
                                      RegisterType(core_element, kernel_.context()));
    return arith_.Splat(builder().create<mlir::arith::ConstantOp>(loc(), attr), set->lanes);
  }
  // An array among the kernel's read-only data.
  const Type element = MemoryType(core_element, kernel_.context());
  llvm::SmallVector<mlir::Attribute> values;
  for (mlir::Attribute value : dense.getValues<mlir::Attribute>()) {
    values.push_back(KernelAttr(value, element));
  }
  Value& address = constants_[op.getOperation()];
  if (address == nullptr) {
    mlir::OpBuilder b(kernel_.context());
    b.setInsertionPointToStart(kernel_.module().module().getBody());
    const std::string name = absl::StrCat(kernel_.module().PhaseName(kernel_.module().phases() - 1),
                                          "_constant_", constants_.size());
    auto global = b.create<LLVM::GlobalOp>(
        loc(), LLVM::LLVMArrayType::get(element, count), /*isConstant=*/true,
        LLVM::Linkage::Internal, name,
        mlir::DenseElementsAttr::get(mlir::RankedTensorType::get({count}, element), values),
        /*alignment=*/64);
    b.setInsertionPointToStart(mlir::cast<mlir::BlockArgument>(phase_.begin()).getOwner());
    address = b.create<LLVM::AddressOfOp>(loc(), global);
  }
  return LoadMemory(KernelModule::kScratch, address, core_element, linear, set->lanes);
}

Value ElementEmitter::EmitDimValues(core::DimValuesOp op, IndexSet set) {
  auto dims = op.getValues().getDims();
  const Type element = core::ElementTypeOf(op.getResult());
  const Type wide = mlir::IntegerType::get(element.getContext(), 64);
  const LaneIndex linear = sets_.Linear(set);
  auto value = [&](size_t i) {
    return arith_.Convert(math_.Get(math_.Dim(dims[i])), wide, element);
  };
  if (dims.empty()) return Zero(element, set->lanes);
  if (linear.IsUniform() && linear.base.IsConstant()) {
    const size_t i = static_cast<size_t>(linear.base.constant);
    return arith_.Splat(value(std::min(i, dims.size() - 1)), set->lanes);
  }
  Value result = arith_.Splat(value(0), set->lanes);
  for (size_t i = 1; i < dims.size(); ++i) {
    Pred here = math_.Equal(linear, static_cast<int64_t>(i));
    Value pred = set->lanes == 1 ? math_.Get(here) : math_.GetVector(here, set->lanes);
    result = arith_.Select(pred, arith_.Splat(value(i), set->lanes), result);
  }
  return result;
}

Value ElementEmitter::EmitIota(core::IotaOp op, IndexSet set) {
  const Type element = core::ElementTypeOf(op.getResult());
  const Type wide = mlir::IntegerType::get(element.getContext(), 64);
  const LaneIndex index = sets_.Dim(set, static_cast<int>(op.getDimension()));
  Value position = set->lanes == 1 ? math_.Get(index.base) : math_.Vector(index, set->lanes);
  return arith_.Convert(position, wide, element);
}

}  // namespace stator::compiler
