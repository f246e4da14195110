// Folding of elementwise ops over known integer values and exact identities. Floating-point arithmetic is left to the
// kernels: a folded result must have the bits that a kernel would give.

#include "compiler/dialect/core_dialect.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/Matchers.h"

namespace stator::core {
namespace {

using mlir::Attribute;
using mlir::OpFoldResult;

// result[i] = combine(a[i], b[i]) over known values; null where combine gives none.
template <typename Combine>
OpFoldResult FoldKnown(mlir::Operation* op, Attribute lhs, Attribute rhs, Combine combine) {
  auto type = llvm::cast<mlir::RankedTensorType>(op->getResult(0).getType());
  std::optional<Dims> a = KnownValues(lhs, op->getContext()), b = KnownValues(rhs, op->getContext());
  if (!a || !b || a->size() != b->size()) return {};
  Dims values;
  for (auto [x, y] : llvm::zip(*a, *b)) {
    std::optional<DimExpr> value = combine(x, y);
    if (!value || !value->ok()) return {};
    values.push_back(*value);
  }
  return KnownValuesAttr(values, type);
}

bool IsInteger(mlir::Operation* op) {
  auto type = llvm::dyn_cast<mlir::IntegerType>(ElementTypeOf(op->getResult(0)));
  return type && type.getWidth() >= 32;
}

bool IsNonNegative(DimExpr e) { return ProvablyLessEqual(e.context().Constant(0), e); }

// Whether `value` is a constant or broadcast constant whose elements all equal `number`.
bool IsSplat(mlir::Value value, double number) {
  if (auto broadcast = value.getDefiningOp<BroadcastInDimOp>()) return IsSplat(broadcast.getOperand(), number);
  Attribute attr;
  if (!mlir::matchPattern(value, mlir::m_Constant(&attr))) return false;
  auto dense = llvm::dyn_cast<mlir::DenseElementsAttr>(attr);
  if (!dense || !dense.isSplat()) return false;
  if (auto f = llvm::dyn_cast<mlir::DenseFPElementsAttr>(dense)) {
    llvm::APFloat element = f.getSplatValue<llvm::APFloat>();
    bool loses_info = false;
    element.convert(llvm::APFloat::IEEEdouble(), llvm::APFloat::rmNearestTiesToEven, &loses_info);
    double found = element.convertToDouble();
    return found == number && std::signbit(found) == std::signbit(number);
  }
  if (auto i = llvm::dyn_cast<mlir::DenseIntElementsAttr>(dense)) {
    return i.getSplatValue<llvm::APInt>().getSExtValue() == static_cast<int64_t>(number);
  }
  return false;
}

}  // namespace

OpFoldResult NegateOp::fold(FoldAdaptor adaptor) {
  if (!IsInteger(*this)) return {};
  return FoldKnown(*this, adaptor.getOperand(), adaptor.getOperand(),
                   [](DimExpr x, DimExpr) -> std::optional<DimExpr> { return -x; });
}

OpFoldResult AddOp::fold(FoldAdaptor adaptor) {
  if (!IsInteger(*this)) return IsSplat(getRhs(), -0.0) ? OpFoldResult(getLhs()) : OpFoldResult();
  if (IsSplat(getRhs(), 0)) return getLhs();
  return FoldKnown(*this, adaptor.getLhs(), adaptor.getRhs(),
                   [](DimExpr x, DimExpr y) -> std::optional<DimExpr> { return x + y; });
}

OpFoldResult SubtractOp::fold(FoldAdaptor adaptor) {
  if (IsSplat(getRhs(), 0)) return getLhs();  // x - (+0) is x, for -0 and NaN too
  if (!IsInteger(*this)) return {};
  return FoldKnown(*this, adaptor.getLhs(), adaptor.getRhs(),
                   [](DimExpr x, DimExpr y) -> std::optional<DimExpr> { return x - y; });
}

OpFoldResult MulOp::fold(FoldAdaptor adaptor) {
  if (!ElementTypeOf(getResult()).isInteger(1)) {
    if (IsSplat(getRhs(), 1)) return getLhs();
    if (IsSplat(getLhs(), 1)) return getRhs();
  }
  if (!IsInteger(*this)) return {};
  return FoldKnown(*this, adaptor.getLhs(), adaptor.getRhs(),
                   [](DimExpr x, DimExpr y) -> std::optional<DimExpr> { return x * y; });
}

OpFoldResult DivOp::fold(FoldAdaptor adaptor) {
  if (!ElementTypeOf(getResult()).isInteger(1) && IsSplat(getRhs(), 1)) return getLhs();
  if (!IsInteger(*this)) return {};
  // Truncation is the floor where neither operand is negative.
  return FoldKnown(*this, adaptor.getLhs(), adaptor.getRhs(), [](DimExpr x, DimExpr y) -> std::optional<DimExpr> {
    if (!ProvablyPositive(y)) return std::nullopt;
    if (IsNonNegative(x)) return FloorDiv(x, y);
    if (IsNonNegative(-x)) return -FloorDiv(-x, y);
    return std::nullopt;
  });
}

OpFoldResult RemOp::fold(FoldAdaptor adaptor) {
  if (!IsInteger(*this)) return {};
  return FoldKnown(*this, adaptor.getLhs(), adaptor.getRhs(), [](DimExpr x, DimExpr y) -> std::optional<DimExpr> {
    if (!ProvablyPositive(y)) return std::nullopt;
    if (IsNonNegative(x)) return Mod(x, y);
    if (IsNonNegative(-x)) return -Mod(-x, y);
    return std::nullopt;
  });
}

OpFoldResult MaxOp::fold(FoldAdaptor adaptor) {
  if (!IsInteger(*this)) return {};
  return FoldKnown(*this, adaptor.getLhs(), adaptor.getRhs(),
                   [](DimExpr x, DimExpr y) -> std::optional<DimExpr> { return Max(x, y); });
}

OpFoldResult MinOp::fold(FoldAdaptor adaptor) {
  if (!IsInteger(*this)) return {};
  return FoldKnown(*this, adaptor.getLhs(), adaptor.getRhs(),
                   [](DimExpr x, DimExpr y) -> std::optional<DimExpr> { return Min(x, y); });
}

OpFoldResult CompareOp::fold(FoldAdaptor adaptor) {
  if (!llvm::isa<mlir::IntegerType>(ElementTypeOf(getLhs()))) return {};
  ComparisonDirection direction = getDirection();
  return FoldKnown(*this, adaptor.getLhs(), adaptor.getRhs(), [&](DimExpr x, DimExpr y) -> std::optional<DimExpr> {
    const bool below = ProvablyLessEqual(x + 1, y), above = ProvablyLessEqual(y + 1, x), equal = x == y;
    const bool le = ProvablyLessEqual(x, y), ge = ProvablyLessEqual(y, x);
    auto known = [&](bool yes, bool no) -> std::optional<DimExpr> {
      if (!yes && !no) return std::nullopt;
      return x.context().Constant(yes ? 1 : 0);
    };
    switch (direction) {
      case ComparisonDirection::kEq: return known(equal, below || above);
      case ComparisonDirection::kNe: return known(below || above, equal);
      case ComparisonDirection::kGe: return known(ge, below);
      case ComparisonDirection::kGt: return known(above, le);
      case ComparisonDirection::kLe: return known(le, above);
      case ComparisonDirection::kLt: return known(below, ge);
    }
    return std::nullopt;
  });
}

OpFoldResult SelectOp::fold(FoldAdaptor adaptor) {
  if (getOnTrue() == getOnFalse()) return getOnTrue();
  if (IsSplat(getPred(), 0)) return getOnFalse();
  if (auto dense = llvm::dyn_cast_or_null<mlir::DenseIntElementsAttr>(adaptor.getPred());
      dense && dense.isSplat() && dense.getSplatValue<bool>()) {
    return getOnTrue();
  }
  std::optional<Dims> pred = KnownValues(adaptor.getPred(), getContext());
  if (!pred || !IsInteger(*this)) return {};
  size_t i = 0;
  return FoldKnown(*this, adaptor.getOnTrue(), adaptor.getOnFalse(),
                   [&](DimExpr x, DimExpr y) -> std::optional<DimExpr> {
                     return i < pred->size() && (*pred)[i++].IsConstant(0) ? y : x;
                   });
}

OpFoldResult ConvertOp::fold(FoldAdaptor adaptor) {
  if (getOperand().getType() == getType()) return getOperand();
  auto to = llvm::dyn_cast<mlir::IntegerType>(ElementTypeOf(getResult()));
  if (!to || to.getWidth() < 32) return {};
  std::optional<Dims> values = KnownValues(adaptor.getOperand(), getContext());
  if (!values) return {};
  return KnownValuesAttr(*values, llvm::cast<mlir::RankedTensorType>(getType()));
}

mlir::LogicalResult BitcastConvertOp::verify() {
  mlir::Type from = ElementTypeOf(getOperand()), to = ElementTypeOf(getResult());
  if (!from.isIntOrFloat() || !to.isIntOrFloat() || from.getIntOrFloatBitWidth() != to.getIntOrFloatBitWidth()) {
    return emitOpError() << "element types must have equal width, found " << from << " and " << to;
  }
  return mlir::success();
}

}  // namespace stator::core

#define GET_OP_CLASSES
#include "compiler/dialect/elementwise_ops.cc.inc"
