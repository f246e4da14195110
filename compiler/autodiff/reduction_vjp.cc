// Derivatives of reductions and windows.

#include "compiler/autodiff/vjp.h"

namespace stator::compiler {
namespace {

using core::CoreBuilder;
using core::DimExpr;
using core::Dims;
using mlir::Value;

Value ReduceVjp(CoreBuilder& b, core::ReduceOp op, Value g, bool& known) {
  Value x = op.getOperand();
  Dims dims = core::DimsOf(x);
  llvm::SmallVector<int64_t> kept;
  for (int64_t i = 0; i < static_cast<int64_t>(dims.size()); ++i) {
    if (!llvm::is_contained(op.getDimensions(), i)) kept.push_back(i);
  }
  auto spread = [&](Value v) { return b.BroadcastInDim(v, kept, dims); };
  known = true;
  switch (op.getKind()) {
    case core::ReduceKind::kAdd:
      return spread(g);
    case core::ReduceKind::kMul:
      return b.Div(spread(b.Mul(g, op.getResult())), x);
    case core::ReduceKind::kMax:
    case core::ReduceKind::kMin: {
      // Ties share the gradient, as in TensorFlow.
      Value is_extreme = b.Convert(b.Eq(x, spread(op.getResult())), core::ElementTypeOf(x));
      Value count = b.ReduceAdd(is_extreme, op.getDimensions());
      return b.Mul(is_extreme, spread(b.Div(g, count)));
    }
    case core::ReduceKind::kArgMax:
    case core::ReduceKind::kArgMin:
      return {};
    default:
      known = false;
      return {};
  }
}

CoreBuilder::Window WindowOf(llvm::ArrayRef<int64_t> sizes, llvm::ArrayRef<int64_t> strides, core::DimsAttr low,
                             core::DimsAttr high) {
  CoreBuilder::Window window;
  window.sizes.assign(sizes.begin(), sizes.end());
  window.strides.assign(strides.begin(), strides.end());
  window.padding_low = Dims(low.getDims());
  window.padding_high = Dims(high.getDims());
  return window;
}

// Each input element gets the sum of the gradients of the windows that cover it.
Value SumWindowVjp(CoreBuilder& b, core::ReduceWindowOp op, Value g) {
  Dims in = core::DimsOf(op.getOperand()), out = core::DimsOf(op.getResult());
  Dims low, high, zeros(in.size(), b.Dim(0));
  llvm::SmallVector<int64_t> interior, ones(in.size(), 1);
  for (size_t i = 0; i < in.size(); ++i) {
    const int64_t stride = op.getWindowStrides()[i];
    DimExpr pad = op.getPaddingLow().getDims()[i];
    low.push_back(b.Dim(op.getWindowDimensions()[i] - 1) - pad);
    high.push_back(in[i] - 1 - (out[i] - 1) * stride + pad);
    interior.push_back(stride - 1);
  }
  Value spread = b.Pad(g, b.Scalar(core::ElementTypeOf(g), 0), low, high, interior);
  CoreBuilder::Window window;
  window.sizes.assign(op.getWindowDimensions().begin(), op.getWindowDimensions().end());
  window.strides = ones;
  window.padding_low = window.padding_high = zeros;
  Value sum = b.ReduceWindow(core::ReduceKind::kAdd, spread, window);
  if (sum && sum.getType() != op.getOperand().getType()) {
    sum = b.builder().create<core::AssumeDimsOp>(b.loc(), op.getOperand().getType(), sum);
  }
  return sum;
}

}  // namespace

bool ReductionVjp(CoreBuilder& b, mlir::Operation* op, Value g, Grads& operands) {
  bool known = false;
  if (auto reduce = llvm::dyn_cast<core::ReduceOp>(op)) {
    operands = {ReduceVjp(b, reduce, g, known)};
    return known;
  }
  if (auto window = llvm::dyn_cast<core::ReduceWindowOp>(op)) {
    if (llvm::any_of(window.getWindowDilations(), [](int64_t d) { return d != 1; })) return false;
    if (window.getKind() == core::ReduceKind::kAdd) return operands = {SumWindowVjp(b, window, g)}, true;
    if (window.getKind() != core::ReduceKind::kMax) return false;
    operands = {b.SelectAndScatter(window.getOperand(), g,
                                   WindowOf(window.getWindowDimensions(), window.getWindowStrides(),
                                            window.getPaddingLow(), window.getPaddingHigh()))};
    return true;
  }
  if (auto cumulative = llvm::dyn_cast<core::CumulativeOp>(op)) {
    if (cumulative.getKind() != core::ReduceKind::kAdd) return false;
    operands = {b.Cumulative(core::ReduceKind::kAdd, g, static_cast<int64_t>(cumulative.getDimension()),
                             cumulative.getExclusive(), !cumulative.getReverse())};
    return true;
  }
  return false;
}

}  // namespace stator::compiler
