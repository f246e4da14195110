// Folding of shape primitives: identities, and movement of small known integer values (shape arithmetic).

#include <algorithm>

#include "compiler/dialect/core_dialect.h"
#include "mlir/IR/Builders.h"

namespace stator::core {
namespace {

using mlir::OpFoldResult;

mlir::RankedTensorType ResultType(mlir::Operation* op) {
  return llvm::cast<mlir::RankedTensorType>(op->getResult(0).getType());
}

}  // namespace

OpFoldResult ConstantOp::fold(FoldAdaptor) { return getValue(); }

OpFoldResult BroadcastInDimOp::fold(FoldAdaptor adaptor) {
  llvm::ArrayRef<int64_t> dims = getBroadcastDimensions();
  if (getOperand().getType() == getType()) {
    bool identity = true;
    for (size_t i = 0; i < dims.size(); ++i) identity &= dims[i] == static_cast<int64_t>(i);
    if (identity) return getOperand();
  }
  mlir::RankedTensorType type = ResultType(*this);
  if (!type.hasStaticShape() || type.getRank() > 1 || type.getNumElements() > kMaxKnownValues) return {};
  std::optional<Dims> known = KnownValues(adaptor.getOperand(), getContext());
  if (!known || known->empty()) return {};
  Dims values;
  for (int64_t i = 0; i < type.getNumElements(); ++i) values.push_back((*known)[known->size() == 1 ? 0 : i]);
  return KnownValuesAttr(values, type);
}

OpFoldResult ReshapeOp::fold(FoldAdaptor adaptor) {
  if (getOperand().getType() == getType()) return getOperand();
  mlir::RankedTensorType type = ResultType(*this);
  if (auto dense = llvm::dyn_cast_or_null<mlir::DenseElementsAttr>(adaptor.getOperand())) {
    if (type.hasStaticShape()) return dense.reshape(type);
  }
  if (auto inner = getOperand().getDefiningOp<ReshapeOp>()) {
    setOperand(inner.getOperand());
    return getResult();
  }
  if (type.getRank() > 1 || !type.hasStaticShape()) return {};
  if (std::optional<Dims> known = KnownValues(adaptor.getOperand(), getContext())) return KnownValuesAttr(*known, type);
  return {};
}

OpFoldResult AssumeDimsOp::fold(FoldAdaptor) {
  return getOperand().getType() == getType() ? OpFoldResult(getOperand()) : OpFoldResult();
}

OpFoldResult TransposeOp::fold(FoldAdaptor) {
  llvm::ArrayRef<int64_t> permutation = getPermutation();
  for (size_t i = 0; i < permutation.size(); ++i) {
    if (permutation[i] != static_cast<int64_t>(i)) {
      auto inner = getOperand().getDefiningOp<TransposeOp>();
      if (!inner) return {};
      llvm::SmallVector<int64_t> composed;
      for (int64_t axis : permutation) composed.push_back(inner.getPermutation()[axis]);
      setOperand(inner.getOperand());
      setPermutation(composed);
      return getResult();
    }
  }
  return getOperand();
}

OpFoldResult SliceOp::fold(FoldAdaptor adaptor) {
  mlir::RankedTensorType type = ResultType(*this);
  if (getOperand().getType() == type) {
    bool whole = true;
    for (DimExpr start : getStartIndices().getDims()) whole &= start.IsConstant(0);
    for (int64_t stride : getStrides()) whole &= stride == 1;
    if (whole) return getOperand();
  }
  if (type.getRank() != 1 || !type.hasStaticShape()) return {};
  std::optional<int64_t> start = getStartIndices().getDims()[0].AsConstant();
  std::optional<Dims> known = KnownValues(adaptor.getOperand(), getContext());
  if (!known || !start) return {};
  Dims values;
  for (int64_t i = 0; i < type.getNumElements(); ++i) {
    const int64_t index = *start + i * getStrides()[0];
    if (index < 0 || index >= static_cast<int64_t>(known->size())) return {};
    values.push_back((*known)[index]);
  }
  return KnownValuesAttr(values, type);
}

OpFoldResult ConcatenateOp::fold(FoldAdaptor adaptor) {
  if (getInputs().size() == 1) return getInputs()[0];
  mlir::RankedTensorType type = ResultType(*this);
  if (type.getRank() != 1 || !type.hasStaticShape() || type.getNumElements() > kMaxKnownValues) return {};
  Dims values;
  for (mlir::Attribute input : adaptor.getInputs()) {
    std::optional<Dims> known = KnownValues(input, getContext());
    if (!known) return {};
    values.append(known->begin(), known->end());
  }
  return KnownValuesAttr(values, type);
}

OpFoldResult GetDimOp::fold(FoldAdaptor) {
  const Dims dims = DimsOf(getOperand());
  if (static_cast<int64_t>(getDimension()) >= static_cast<int64_t>(dims.size())) return {};
  return KnownValuesAttr({dims[getDimension()]}, ResultType(*this));
}

OpFoldResult GatherOp::fold(FoldAdaptor adaptor) {
  mlir::RankedTensorType type = ResultType(*this);
  std::optional<Dims> operand = KnownValues(adaptor.getOperand(), getContext());
  std::optional<Dims> indices = KnownValues(adaptor.getIndices(), getContext());
  if (!operand || !indices || RankOf(getOperand()) != 1 || operand->empty() || type.getRank() > 1) return {};
  Dims values;
  for (DimExpr index : *indices) {
    std::optional<int64_t> i = index.AsConstant();
    if (!i) return {};
    values.push_back((*operand)[std::clamp<int64_t>(*i, 0, static_cast<int64_t>(operand->size()) - 1)]);
  }
  return KnownValuesAttr(values, type);
}

OpFoldResult ReduceOp::fold(FoldAdaptor adaptor) {
  if (getDimensions().empty() && getOperand().getType() == getType()) return getOperand();
  auto element = llvm::dyn_cast<mlir::IntegerType>(ElementTypeOf(getOperand()));
  std::optional<Dims> known = KnownValues(adaptor.getOperand(), getContext());
  if (!element || element.getWidth() < 32 || !known || RankOf(getResult()) != 0) return {};
  if (known->empty()) return {};
  DimExpr total = (*known)[0];
  for (DimExpr value : llvm::ArrayRef<DimExpr>(*known).drop_front()) {
    switch (getKind()) {
      case ReduceKind::kAdd: total = total + value; break;
      case ReduceKind::kMul: total = total * value; break;
      case ReduceKind::kMax: total = Max(total, value); break;
      case ReduceKind::kMin: total = Min(total, value); break;
      default: return {};
    }
  }
  return KnownValuesAttr({total}, ResultType(*this));
}

OpFoldResult DimValuesOp::fold(FoldAdaptor) {
  // Expressions that turned out constant become an ordinary constant.
  return KnownValuesAttr(getValues().getDims(), ResultType(*this));
}

}  // namespace stator::core
