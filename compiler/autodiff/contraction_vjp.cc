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

// Axis `from` is (group, rest); the group becomes the outer part of axis `to`: [.., C, G*R] becomes [.., G*C, R].
Value MoveGroups(CoreBuilder& b, Value x, int64_t from, int64_t to, int64_t groups) {
  if (groups == 1) return x;
  Dims dims = core::DimsOf(x), split, joined = dims;
  joined[to] = dims[to] * groups;
  joined[from] = core::FloorDiv(dims[from], groups);
  Axes permutation;
  for (int64_t axis = 0; axis < static_cast<int64_t>(dims.size()); ++axis) {
    const int64_t place = axis > from ? axis + 1 : axis;  // in `split`
    if (axis == from) {
      split.push_back(b.Dim(groups));
      split.push_back(joined[from]);
      permutation.push_back(from + 1);
    } else {
      split.push_back(dims[axis]);
      if (axis == to) permutation.push_back(from);
      permutation.push_back(place);
    }
  }
  return b.Reshape(b.Transpose(b.Reshape(x, split), permutation), joined);
}

// The kernel that carries gradients back to the input: reversed, and with its feature dimensions exchanged within each
// group: [.., C/G, O] becomes [.., C, O/G], its input features being the ones that come second.
Value KernelToInput(CoreBuilder& b, core::ConvolutionOp op) {
  core::ConvDimensionsAttr n = op.getDimensionNumbers();
  return MoveGroups(b, b.Reverse(op.getRhs(), n.getKernelSpatial()), n.getKernelOutputFeature(),
                    n.getKernelInputFeature(), static_cast<int64_t>(op.getFeatureGroupCount()));
}

// The input with its groups moved from the features to the batch: [N, .., G*C] becomes [G*N, .., C], as the features
// of a convolution in which batch and features have changed places.
Value InputToKernel(CoreBuilder& b, core::ConvolutionOp op) {
  core::ConvDimensionsAttr n = op.getDimensionNumbers();
  return MoveGroups(b, op.getLhs(), n.getInputFeature(), n.getInputBatch(),
                    static_cast<int64_t>(op.getFeatureGroupCount()));
}

Grads ConvolutionVjp(CoreBuilder& b, core::ConvolutionOp op, Value g) {
  core::ConvDimensionsAttr n = op.getDimensionNumbers();
  const size_t spatial = n.getInputSpatial().size();
  Dims in = core::DimsOf(op.getLhs()), kernel = core::DimsOf(op.getRhs()), out = core::DimsOf(op.getResult());
  CoreBuilder::Conv to_input, to_kernel;
  to_input.feature_group_count = to_kernel.feature_group_count = static_cast<int64_t>(op.getFeatureGroupCount());
  for (size_t i = 0; i < spatial; ++i) {
    const int64_t stride = op.getWindowStrides()[i], dilation = op.getRhsDilation()[i], spacing = op.getLhsDilation()[i];
    DimExpr low = op.getPaddingLow().getDims()[i];
    DimExpr reach = (kernel[n.getKernelSpatial()[i]] - 1) * dilation;  // of the window, minus one
    DimExpr spread = (out[n.getOutputSpatial()[i]] - 1) * stride;      // of the outputs, minus one
    DimExpr size = (in[n.getInputSpatial()[i]] - 1) * spacing + 1;     // of the spaced input
    // Full correlation of the spread gradient with the reversed kernel, cropped to the input.
    to_input.strides.push_back(spacing);
    to_input.lhs_dilation.push_back(stride);
    to_input.rhs_dilation.push_back(dilation);
    to_input.padding_low.push_back(reach - low);
    to_input.padding_high.push_back(size - 1 - spread + low);
    // The input correlated with the spread gradient; batch and features change places.
    to_kernel.strides.push_back(dilation);
    to_kernel.lhs_dilation.push_back(spacing);
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
  return {b.Convolution(g, KernelToInput(b, op), to_input), b.Convolution(InputToKernel(b, op), g, to_kernel)};
}

}  // namespace

bool ContractionVjp(CoreBuilder& b, mlir::Operation* op, Value g, Grads& operands) {
  if (auto dot = llvm::dyn_cast<core::DotGeneralOp>(op)) return operands = DotVjp(b, dot, g), true;
  if (auto conv = llvm::dyn_cast<core::ConvolutionOp>(op)) return operands = ConvolutionVjp(b, conv, g), true;
  return false;
}

}  // namespace stator::compiler
