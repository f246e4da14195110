// Derivatives of reductions and windows.

#include "compiler/autodiff/vjp.h"

namespace stator::compiler {
namespace {

using core::CoreBuilder;
using core::DimExpr;
using core::Dims;
using mlir::Value;

// Each element's product of the others: exact also where elements are zero, which a quotient would not be.
Value ProductOfOthers(CoreBuilder& b, Value x, llvm::ArrayRef<int64_t> kept, llvm::SmallVector<int64_t> reduced) {
  llvm::sort(reduced);
  Dims dims = core::DimsOf(x), moved, flat;
  llvm::SmallVector<int64_t> permutation(kept), inverse(dims.size());
  permutation.append(reduced);
  for (size_t i = 0; i < permutation.size(); ++i) {
    moved.push_back(dims[permutation[i]]);
    inverse[permutation[i]] = static_cast<int64_t>(i);
  }
  flat.assign(moved.begin(), moved.begin() + static_cast<ptrdiff_t>(kept.size()));
  flat.push_back(core::Product(b.dims(), llvm::ArrayRef<DimExpr>(moved).drop_front(kept.size())));
  const int64_t last = static_cast<int64_t>(kept.size());
  Value rows = b.Reshape(b.Transpose(x, permutation), flat);
  Value before = b.Cumulative(core::ReduceKind::kMul, rows, last, /*exclusive=*/true, /*reverse=*/false);
  Value after = b.Cumulative(core::ReduceKind::kMul, rows, last, /*exclusive=*/true, /*reverse=*/true);
  return b.Transpose(b.Reshape(b.Mul(before, after), moved), inverse);
}

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
      return b.Mul(spread(g), ProductOfOthers(b, x, kept, llvm::SmallVector<int64_t>(op.getDimensions())));
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
  return b.ReduceWindow(core::ReduceKind::kAdd, spread, window);
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
    const bool is_max = window.getKind() == core::ReduceKind::kMax;
    if (!is_max && window.getKind() != core::ReduceKind::kMin) return false;
    Value x = is_max ? window.getOperand() : b.Neg(window.getOperand());
    operands = {b.SelectAndScatter(x, g,
                                   WindowOf(window.getWindowDimensions(), window.getWindowStrides(),
                                            window.getPaddingLow(), window.getPaddingHigh()))};
    return true;
  }
  if (auto cumulative = llvm::dyn_cast<core::CumulativeOp>(op)) {
    auto sums = [&](Value v) {
      return b.Cumulative(core::ReduceKind::kAdd, v, static_cast<int64_t>(cumulative.getDimension()),
                          cumulative.getExclusive(), !cumulative.getReverse());
    };
    if (cumulative.getKind() == core::ReduceKind::kAdd) return operands = {sums(g)}, true;
    // Every product that an element is in, divided by it: as in TensorFlow, undefined at zero.
    if (cumulative.getKind() == core::ReduceKind::kMul) {
      return operands = {b.Div(sums(b.Mul(g, cumulative.getResult())), cumulative.getOperand())}, true;
    }
    return false;
  }
  return false;
}

}  // namespace stator::compiler
