// Evaluators of contractions, reductions, sorting and random bits.

#include "absl/strings/str_cat.h"
#include "compiler/dialect/sum_order.h"
#include "compiler/reference/contraction.h"
#include "compiler/reference/frame.h"
#include "compiler/reference/random.h"
#include "compiler/reference/reduction.h"
#include "compiler/reference/sort.h"
#include "graph/status_macros.h"
#include "llvm/Support/MathExtras.h"

namespace stator::compiler::reference {
namespace {

using TensorOr = absl::StatusOr<Tensor>;

// The attribute, or the rule that decides it where no pass has run yet.
absl::StatusOr<core::SumOrder> OrderOf(core::AccumulateAttr attribute, core::SumOrder rule) {
  if (!attribute) return rule;
  if (!llvm::isPowerOf2_64(attribute.getLanes()) || attribute.getBlock() < 1) {
    return absl::InvalidArgumentError(
        "accumulate needs a power of two of lanes and a positive block");
  }
  return core::SumOrder{attribute.getLanes(), attribute.getBlock()};
}

std::string_view Name(core::ReduceKind kind) {
  const llvm::StringRef name = core::stringifyReduceKind(kind);
  return {name.data(), name.size()};
}

TensorOr EvaluateDot(core::DotGeneralOp op, Frame& f) {
  STATOR_ASSIGN_OR_RETURN(const DType dtype, DTypeOf(core::ElementTypeOf(op.getResult())));
  STATOR_ASSIGN_OR_RETURN(const core::SumOrder order,
                          OrderOf(op.getAccumulateAttr(), core::ContractionOrder()));
  const DotDimensions dimensions{
      AsSpan(op.getLhsBatchingDimensions()), AsSpan(op.getRhsBatchingDimensions()),
      AsSpan(op.getLhsContractingDimensions()), AsSpan(op.getRhsContractingDimensions())};
  return DotGeneral(f.budget(), f.tensor(op.getLhs()), f.tensor(op.getRhs()), dimensions, dtype,
                    order.block);
}

TensorOr EvaluateConvolution(core::ConvolutionOp op, Frame& f) {
  STATOR_ASSIGN_OR_RETURN(const DType dtype, DTypeOf(core::ElementTypeOf(op.getResult())));
  STATOR_ASSIGN_OR_RETURN(const core::SumOrder order,
                          OrderOf(op.getAccumulateAttr(), core::ContractionOrder()));
  STATOR_ASSIGN_OR_RETURN(const Shape low, f.Evaluate(op.getPaddingLow().getDims()));
  STATOR_ASSIGN_OR_RETURN(const Shape high, f.Evaluate(op.getPaddingHigh().getDims()));
  const core::ConvDimensionsAttr numbers = op.getDimensionNumbers();
  const ConvolutionSpec spec{AsSpan(op.getWindowStrides()),
                             low,
                             high,
                             AsSpan(op.getLhsDilation()),
                             AsSpan(op.getRhsDilation()),
                             numbers.getInputBatch(),
                             numbers.getInputFeature(),
                             AsSpan(numbers.getInputSpatial()),
                             numbers.getKernelInputFeature(),
                             numbers.getKernelOutputFeature(),
                             AsSpan(numbers.getKernelSpatial()),
                             numbers.getOutputBatch(),
                             numbers.getOutputFeature(),
                             AsSpan(numbers.getOutputSpatial()),
                             static_cast<int64_t>(op.getFeatureGroupCount())};
  return Convolution(f.budget(), f.tensor(op.getLhs()), f.tensor(op.getRhs()), spec, dtype,
                     order.block);
}

TensorOr EvaluateReduce(core::ReduceOp op, Frame& f) {
  const Tensor& operand = f.tensor(op.getOperand());
  const llvm::ArrayRef<int64_t> dimensions = op.getDimensions();
  if (op.getKind() == core::ReduceKind::kArgMax || op.getKind() == core::ReduceKind::kArgMin) {
    STATOR_ASSIGN_OR_RETURN(const DType dtype, DTypeOf(core::ElementTypeOf(op.getResult())));
    return ArgReduce(f.budget(), Name(op.getKind()), operand, dimensions[0], dtype);
  }
  const bool innermost = llvm::is_contained(dimensions, operand.rank() - 1);
  STATOR_ASSIGN_OR_RETURN(
      const core::SumOrder order,
      OrderOf(op.getAccumulateAttr(),
              core::ReductionOrder(operand.dtype() == DType::kFloat64, innermost)));
  return Reduce(f.budget(), Name(op.getKind()), operand, AsSpan(dimensions),
                {order.lanes, order.block});
}

TensorOr EvaluateReduceWindow(core::ReduceWindowOp op, Frame& f) {
  STATOR_ASSIGN_OR_RETURN(const Shape low, f.Evaluate(op.getPaddingLow().getDims()));
  STATOR_ASSIGN_OR_RETURN(const Shape high, f.Evaluate(op.getPaddingHigh().getDims()));
  const WindowSpec window{AsSpan(op.getWindowDimensions()), AsSpan(op.getWindowStrides()),
                          AsSpan(op.getWindowDilations()), low, high};
  return ReduceWindow(f.budget(), Name(op.getKind()), f.tensor(op.getOperand()), window);
}

TensorOr EvaluateSelectAndScatter(core::SelectAndScatterOp op, Frame& f) {
  STATOR_ASSIGN_OR_RETURN(const Shape low, f.Evaluate(op.getPaddingLow().getDims()));
  STATOR_ASSIGN_OR_RETURN(const Shape high, f.Evaluate(op.getPaddingHigh().getDims()));
  const Shape ones(op.getWindowDimensions().size(), 1);
  const WindowSpec window{AsSpan(op.getWindowDimensions()), AsSpan(op.getWindowStrides()), ones,
                          low, high};
  return SelectAndScatter(f.budget(), f.tensor(op.getOperand()), f.tensor(op.getSource()), window);
}

absl::Status EvaluateSort(core::SortOp op, Frame& f) {
  STATOR_ASSIGN_OR_RETURN(std::vector<Tensor> sorted, Sort(f.budget(), f.tensors(op.getInputs()),
                                                           op.getDimension(), op.getDescending()));
  return f.SetAll(op.getResults(), std::vector<Value>(sorted.begin(), sorted.end()));
}

absl::Status EvaluateTopK(core::TopKOp op, Frame& f) {
  STATOR_ASSIGN_OR_RETURN(const Shape dims, f.DimsOfType(op.getValues()));
  STATOR_ASSIGN_OR_RETURN(const auto top, TopK(f.budget(), f.tensor(op.getOperand()), dims.back()));
  return f.SetAll(op.getResults(), {top.first, top.second});
}

}  // namespace

void AddNumericOps(OpTable& table) {
  OnTensor<core::DotGeneralOp>(table, EvaluateDot);
  OnTensor<core::ConvolutionOp>(table, EvaluateConvolution);
  OnTensor<core::ReduceOp>(table, EvaluateReduce);
  OnTensor<core::ReduceWindowOp>(table, EvaluateReduceWindow);
  OnTensor<core::SelectAndScatterOp>(table, EvaluateSelectAndScatter);
  OnTensor<core::CumulativeOp>(table, [](core::CumulativeOp op, Frame& f) -> TensorOr {
    return Cumulative(f.budget(), Name(op.getKind()), f.tensor(op.getOperand()), op.getDimension(),
                      op.getExclusive(), op.getReverse());
  });
  On<core::SortOp>(table, EvaluateSort);
  On<core::TopKOp>(table, EvaluateTopK);
  OnTensor<core::RngBitsOp>(table, [](core::RngBitsOp op, Frame& f) -> TensorOr {
    STATOR_ASSIGN_OR_RETURN(const DType dtype, DTypeOf(core::ElementTypeOf(op.getResult())));
    STATOR_ASSIGN_OR_RETURN(const Shape dims, f.DimsOfType(op.getResult()));
    return RngBits(f.budget(), f.tensor(op.getKey()), f.tensor(op.getCounter()), dtype, dims);
  });
}

}  // namespace stator::compiler::reference
