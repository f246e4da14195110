// Derivatives of contractions: contractions again.

#include "compiler/autodiff/vjp.h"

namespace stator::compiler {
namespace {

using core::CoreBuilder;
using core::DimExpr;
using core::Dims;
using mlir::Value;
using Axes = llvm::SmallVector<int64_t>;

// Dimensions of a tensor of this rank that are in neither list.
Axes FreeAxes(int64_t rank, llvm::ArrayRef<int64_t> batch, llvm::ArrayRef<int64_t> contract) {
  Axes free;
  for (int64_t i = 0; i < rank; ++i) {
    if (!llvm::is_contained(batch, i) && !llvm::is_contained(contract, i)) free.push_back(i);
  }
  return free;
}
Axes Range(int64_t begin, int64_t count) {
  Axes axes;
  for (int64_t i = 0; i < count; ++i) axes.push_back(begin + i);
  return axes;
}

// `value` has dimensions that belong at `places` of the result.
Value Arrange(CoreBuilder& b, Value value, llvm::ArrayRef<int64_t> places) {
  Axes permutation(places.size());
  for (size_t i = 0; i < places.size(); ++i) permutation[places[i]] = static_cast<int64_t>(i);
  return b.Transpose(value, permutation);
}

// The other operand's contracting dimensions, by increasing number, stand for these of this operand.
Axes PairedContracting(llvm::ArrayRef<int64_t> mine, llvm::ArrayRef<int64_t> other) {
  Axes order(Range(0, static_cast<int64_t>(other.size()))), paired;
  llvm::sort(order, [&](int64_t a, int64_t c) { return other[a] < other[c]; });
  for (int64_t i : order) paired.push_back(mine[i]);
  return paired;
}

Grads DotVjp(CoreBuilder& b, core::DotGeneralOp op, Value g) {
  Axes lb(op.getLhsBatchingDimensions()), rb(op.getRhsBatchingDimensions());
  Axes lc(op.getLhsContractingDimensions()), rc(op.getRhsContractingDimensions());
  Axes lf = FreeAxes(core::RankOf(op.getLhs()), lb, lc), rf = FreeAxes(core::RankOf(op.getRhs()), rb, rc);
  const int64_t nb = static_cast<int64_t>(lb.size()), nl = static_cast<int64_t>(lf.size());
  const Axes g_batch = Range(0, nb), g_lhs = Range(nb, nl), g_rhs = Range(nb + nl, static_cast<int64_t>(rf.size()));

  // [batch, lhs free, contracting]
  Value lhs = b.DotGeneral(g, op.getRhs(), g_batch, rb, g_rhs, rf);
  Axes lhs_places(lb);
  lhs_places.append(lf);
  lhs_places.append(PairedContracting(lc, rc));
  // [batch, contracting, rhs free]
  Value rhs = b.DotGeneral(op.getLhs(), g, lb, g_batch, lf, g_lhs);
  Axes rhs_places(rb);
  rhs_places.append(PairedContracting(rc, lc));
  rhs_places.append(rf);
  return {Arrange(b, lhs, lhs_places), Arrange(b, rhs, rhs_places)};
}

Value Assume(CoreBuilder& b, Value value, mlir::Type type) {
  if (!value || value.getType() == type) return value;
  return b.builder().create<core::AssumeDimsOp>(b.loc(), type, value);
}

Grads ConvolutionVjp(CoreBuilder& b, core::ConvolutionOp op, Value g) {
  if (op.getFeatureGroupCount() != 1 || llvm::any_of(op.getLhsDilation(), [](int64_t d) { return d != 1; })) {
    b.Fail("no gradient yet of a convolution with feature groups or input dilation");
    return {Value(), Value()};
  }
  core::ConvDimensionsAttr n = op.getDimensionNumbers();
  const size_t spatial = n.getInputSpatial().size();
  Dims in = core::DimsOf(op.getLhs()), kernel = core::DimsOf(op.getRhs()), out = core::DimsOf(op.getResult());
  CoreBuilder::Conv to_input, to_kernel;
  for (size_t i = 0; i < spatial; ++i) {
    const int64_t stride = op.getWindowStrides()[i], dilation = op.getRhsDilation()[i];
    DimExpr low = op.getPaddingLow().getDims()[i];
    DimExpr reach = (kernel[n.getKernelSpatial()[i]] - 1) * dilation;  // of the window, minus one
    DimExpr spread = (out[n.getOutputSpatial()[i]] - 1) * stride;      // of the outputs, minus one
    DimExpr size = in[n.getInputSpatial()[i]];
    // Full correlation of the spread gradient with the reversed kernel, cropped to the input.
    to_input.strides.push_back(1);
    to_input.lhs_dilation.push_back(stride);
    to_input.rhs_dilation.push_back(dilation);
    to_input.padding_low.push_back(reach - low);
    to_input.padding_high.push_back(size - 1 - spread + low);
    // The input correlated with the spread gradient; batch and features change places.
    to_kernel.strides.push_back(dilation);
    to_kernel.lhs_dilation.push_back(1);
    to_kernel.rhs_dilation.push_back(stride);
    to_kernel.padding_low.push_back(low);
    to_kernel.padding_high.push_back(reach + spread + 1 - size - low);
  }
  to_input.dimension_numbers = core::ConvDimensionsAttr::get(
      op.getContext(), n.getOutputBatch(), n.getOutputFeature(), n.getOutputSpatial(), n.getKernelOutputFeature(),
      n.getKernelInputFeature(), n.getKernelSpatial(), n.getInputBatch(), n.getInputFeature(), n.getInputSpatial());
  to_kernel.dimension_numbers = core::ConvDimensionsAttr::get(
      op.getContext(), n.getInputFeature(), n.getInputBatch(), n.getInputSpatial(), n.getOutputBatch(),
      n.getOutputFeature(), n.getOutputSpatial(), n.getKernelInputFeature(), n.getKernelOutputFeature(),
      n.getKernelSpatial());
  Value reversed = b.Reverse(op.getRhs(), n.getKernelSpatial());
  return {Assume(b, b.Convolution(g, reversed, to_input), op.getLhs().getType()),
          Assume(b, b.Convolution(op.getLhs(), g, to_kernel), op.getRhs().getType())};
}

}  // namespace

bool ContractionVjp(CoreBuilder& b, mlir::Operation* op, Value g, Grads& operands) {
  if (auto dot = llvm::dyn_cast<core::DotGeneralOp>(op)) return operands = DotVjp(b, dot, g), true;
  if (auto conv = llvm::dyn_cast<core::ConvolutionOp>(op)) return operands = ConvolutionVjp(b, conv, g), true;
  return false;
}

}  // namespace stator::compiler
