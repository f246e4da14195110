// Verifiers of the shape, contraction, reduction and random primitives: each compares the result with infer_dims.

#include "compiler/dialect/core_dialect.h"
#include "compiler/dialect/infer_dims.h"
#include "mlir/IR/Builders.h"

namespace stator::core {
namespace {

using mlir::LogicalResult;

// The result must have the inferred dimensions and, unless `element` is null, this element type.
LogicalResult Expect(mlir::Operation* op, const InferredDims& inferred, mlir::Type element, unsigned result = 0) {
  if (!inferred) return op->emitOpError() << inferred.error;
  Dims found = DimsOf(op->getResult(result));
  if (inferred.dims != found) {
    return op->emitOpError() << "result must have the shape " << ToString(inferred.dims) << ", found "
                             << ToString(found);
  }
  if (element && element != ElementTypeOf(op->getResult(result))) {
    return op->emitOpError() << "result must have element type " << element << ", found "
                             << ElementTypeOf(op->getResult(result));
  }
  return mlir::success();
}

LogicalResult ExpectStartIndices(mlir::Operation* op, mlir::OperandRange starts, size_t rank) {
  if (starts.size() != rank) {
    return op->emitOpError() << "one start index per dimension expected (" << rank << "), found " << starts.size();
  }
  for (mlir::Value start : starts) {
    if (RankOf(start) != 0) return op->emitOpError() << "start indices must be scalars, found " << start.getType();
  }
  return mlir::success();
}

LogicalResult ExpectSameElement(mlir::Operation* op, mlir::Value a, mlir::Value b) {
  if (ElementTypeOf(a) == ElementTypeOf(b)) return mlir::success();
  return op->emitOpError() << "operands must have equal element types, found " << ElementTypeOf(a) << " and "
                           << ElementTypeOf(b);
}

}  // namespace

LogicalResult DimValuesOp::verify() {
  auto type = llvm::cast<mlir::RankedTensorType>(getType());
  auto element = llvm::dyn_cast<mlir::IntegerType>(type.getElementType());
  if (!element || (element.getWidth() != 32 && element.getWidth() != 64) || type.getRank() > 1 ||
      !type.hasStaticShape() || type.getNumElements() != static_cast<int64_t>(getValues().getDims().size())) {
    return emitOpError() << "needs an i32 or i64 scalar or vector with one element per expression, found " << type;
  }
  return mlir::success();
}

LogicalResult IotaOp::verify() {
  if (static_cast<int64_t>(getDimension()) >= RankOf(getResult())) {
    return emitOpError() << "dimension must be in [0, " << RankOf(getResult()) << "), found " << getDimension();
  }
  return mlir::success();
}

LogicalResult BroadcastInDimOp::verify() {
  return Expect(*this, InferBroadcastInDim(DimsOf(getOperand()), getBroadcastDimensions(), DimsOf(getResult())),
                ElementTypeOf(getOperand()));
}

LogicalResult ReshapeOp::verify() {
  Dims from = DimsOf(getOperand()), to = DimsOf(getResult());
  DimContext& context = DimContextOf(getContext());
  DimExpr from_count = Product(context, from), to_count = Product(context, to);
  // Two products that differ as expressions may still be equal: a guard or check says so. Constants must agree.
  if (from_count.IsConstant() && to_count.IsConstant() && from_count != to_count) {
    return emitOpError() << "element counts must agree, found " << ToString(from) << " and " << ToString(to);
  }
  if (ElementTypeOf(getOperand()) != ElementTypeOf(getResult())) return emitOpError() << "element types must agree";
  return mlir::success();
}

LogicalResult AssumeDimsOp::verify() {
  if (RankOf(getOperand()) != RankOf(getResult()) || ElementTypeOf(getOperand()) != ElementTypeOf(getResult())) {
    return emitOpError() << "rank and element type must agree, found " << getOperand().getType() << " and " << getType();
  }
  return mlir::success();
}

LogicalResult TransposeOp::verify() {
  return Expect(*this, InferTranspose(DimsOf(getOperand()), getPermutation()), ElementTypeOf(getOperand()));
}

LogicalResult SliceOp::verify() {
  return Expect(*this,
                InferSlice(DimsOf(getOperand()), getStartIndices().getDims(), getLimitIndices().getDims(), getStrides()),
                ElementTypeOf(getOperand()));
}

LogicalResult DynamicSliceOp::verify() {
  if (RankOf(getOperand()) != RankOf(getResult())) return emitOpError() << "operand and result must have equal rank";
  if (mlir::failed(ExpectStartIndices(*this, getStartIndices(), RankOf(getOperand())))) return mlir::failure();
  return Expect(*this, {DimsOf(getResult()), ""}, ElementTypeOf(getOperand()));
}

LogicalResult DynamicUpdateSliceOp::verify() {
  if (RankOf(getOperand()) != RankOf(getUpdate())) return emitOpError() << "operand and update must have equal rank";
  if (mlir::failed(ExpectSameElement(*this, getOperand(), getUpdate()))) return mlir::failure();
  if (mlir::failed(ExpectStartIndices(*this, getStartIndices(), RankOf(getOperand())))) return mlir::failure();
  return Expect(*this, {DimsOf(getOperand()), ""}, ElementTypeOf(getOperand()));
}

LogicalResult PadOp::verify() {
  if (RankOf(getPaddingValue()) != 0) return emitOpError() << "padding value must be a scalar";
  if (mlir::failed(ExpectSameElement(*this, getOperand(), getPaddingValue()))) return mlir::failure();
  return Expect(*this,
                InferPad(DimsOf(getOperand()), getEdgePaddingLow().getDims(), getEdgePaddingHigh().getDims(),
                         getInteriorPadding()),
                ElementTypeOf(getOperand()));
}

LogicalResult ConcatenateOp::verify() {
  llvm::SmallVector<Dims> dims;
  for (mlir::Value input : getInputs()) {
    if (mlir::failed(ExpectSameElement(*this, getInputs()[0], input))) return mlir::failure();
    dims.push_back(DimsOf(input));
  }
  if (dims.empty()) return emitOpError() << "at least one operand expected";
  return Expect(*this, InferConcatenate(dims, getDimension()), ElementTypeOf(getInputs()[0]));
}

LogicalResult GatherOp::verify() {
  return Expect(*this, InferGather(DimsOf(getOperand()), DimsOf(getIndices()), getAxis(), getBatchDims()),
                ElementTypeOf(getOperand()));
}

LogicalResult ScatterOp::verify() {
  InferredDims updates = InferGather(DimsOf(getOperand()), DimsOf(getIndices()), getAxis(), getBatchDims());
  if (!updates) return emitOpError() << updates.error;
  if (updates.dims != DimsOf(getUpdates())) {
    return emitOpError() << "updates must have the shape " << ToString(updates.dims) << ", found "
                         << ToString(DimsOf(getUpdates()));
  }
  if (mlir::failed(ExpectSameElement(*this, getOperand(), getUpdates()))) return mlir::failure();
  return Expect(*this, {DimsOf(getOperand()), ""}, ElementTypeOf(getOperand()));
}

LogicalResult DotGeneralOp::verify() {
  if (mlir::failed(ExpectSameElement(*this, getLhs(), getRhs()))) return mlir::failure();
  return Expect(*this,
                InferDotGeneral(DimsOf(getLhs()), DimsOf(getRhs()), getLhsBatchingDimensions(),
                                getRhsBatchingDimensions(), getLhsContractingDimensions(),
                                getRhsContractingDimensions()),
                nullptr);
}

LogicalResult ConvolutionOp::verify() {
  if (mlir::failed(ExpectSameElement(*this, getLhs(), getRhs()))) return mlir::failure();
  ConvolutionShape shape{getWindowStrides(), getPaddingLow().getDims(), getPaddingHigh().getDims(), getLhsDilation(),
                         getRhsDilation(), getDimensionNumbers(), static_cast<int64_t>(getFeatureGroupCount())};
  return Expect(*this, InferConvolution(DimsOf(getLhs()), DimsOf(getRhs()), shape), nullptr);
}

LogicalResult ReduceOp::verify() {
  const bool is_arg = getKind() == ReduceKind::kArgMax || getKind() == ReduceKind::kArgMin;
  if (is_arg && !ElementTypeOf(getResult()).isSignlessInteger()) {
    return emitOpError() << "argmax and argmin give i32 or i64, found " << ElementTypeOf(getResult());
  }
  return Expect(*this, InferReduce(DimsOf(getOperand()), getKind(), getDimensions()),
                is_arg ? mlir::Type() : ElementTypeOf(getOperand()));
}

LogicalResult ReduceWindowOp::verify() {
  return Expect(*this,
                InferReduceWindow(DimsOf(getOperand()), getWindowDimensions(), getWindowStrides(),
                                  getWindowDilations(), getPaddingLow().getDims(), getPaddingHigh().getDims()),
                ElementTypeOf(getOperand()));
}

LogicalResult SelectAndScatterOp::verify() {
  llvm::SmallVector<int64_t> ones(RankOf(getOperand()), 1);
  InferredDims source = InferReduceWindow(DimsOf(getOperand()), getWindowDimensions(), getWindowStrides(), ones,
                                          getPaddingLow().getDims(), getPaddingHigh().getDims());
  if (!source) return emitOpError() << source.error;
  if (source.dims != DimsOf(getSource())) {
    return emitOpError() << "source must have the shape " << ToString(source.dims) << ", found "
                         << ToString(DimsOf(getSource()));
  }
  return ExpectSameElement(*this, getOperand(), getSource());
}

LogicalResult SortOp::verify() {
  if (getInputs().empty() || getInputs().size() != getResults().size()) {
    return emitOpError() << "as many results as operands expected, at least one";
  }
  for (auto [input, result] : llvm::zip(getInputs(), getResults())) {
    if (input.getType() != result.getType()) return emitOpError() << "results must have the operands' types";
    if (DimsOf(input) != DimsOf(getInputs()[0])) return emitOpError() << "operands must have equal shapes";
  }
  if (static_cast<int64_t>(getDimension()) >= RankOf(getInputs()[0])) return emitOpError() << "dimension out of range";
  return mlir::success();
}

LogicalResult TopKOp::verify() {
  Dims operand = DimsOf(getOperand()), values = DimsOf(getValues());
  if (operand.empty() || values.size() != operand.size() || values != DimsOf(getIndices()) ||
      !std::equal(operand.begin(), operand.end() - 1, values.begin())) {
    return emitOpError() << "results must have the operand's shape but for the last dimension, found "
                         << ToString(values) << " for " << ToString(operand);
  }
  return mlir::success();
}

LogicalResult RngBitsOp::verify() {
  mlir::Type element = ElementTypeOf(getResult());
  if (!element.isUnsignedInteger(32) && !element.isUnsignedInteger(64)) {
    return emitOpError() << "result must be ui32 or ui64, found " << element;
  }
  auto is_words = [](mlir::Value v, llvm::ArrayRef<int64_t> shape) {
    auto type = llvm::cast<mlir::RankedTensorType>(v.getType());
    return type.getElementType().isUnsignedInteger(64) && type.getShape() == shape;
  };
  if (!is_words(getKey(), {}) || !is_words(getCounter(), {2})) {
    return emitOpError() << "key must be tensor<ui64> and counter tensor<2xui64>, found " << getKey().getType() << " and "
                         << getCounter().getType();
  }
  return mlir::success();
}

}  // namespace stator::core

#define GET_OP_CLASSES
#include "compiler/dialect/tensor_ops.cc.inc"
