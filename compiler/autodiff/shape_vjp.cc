// Derivatives of data movement: the transposed movement.

#include "compiler/autodiff/vjp.h"
#include "llvm/ADT/TypeSwitch.h"

namespace stator::compiler {
namespace {

using core::CoreBuilder;
using core::DimExpr;
using core::Dims;
using mlir::Value;

// Sums over what the broadcast repeated.
Value BroadcastVjp(CoreBuilder& b, core::BroadcastInDimOp op, Value g) {
  Dims from = core::DimsOf(op.getOperand()), to = core::DimsOf(op.getResult());
  llvm::ArrayRef<int64_t> axes = op.getBroadcastDimensions();
  llvm::SmallVector<int64_t> reduced;
  for (size_t i = 0; i < to.size(); ++i) {
    auto* it = llvm::find(axes, static_cast<int64_t>(i));
    const bool kept = it != axes.end() && from[it - axes.begin()] == to[i];
    if (!kept) reduced.push_back(static_cast<int64_t>(i));
  }
  Value sum = reduced.empty() ? g : b.ReduceAdd(g, reduced);
  // broadcast_dimensions may permute.
  llvm::SmallVector<int64_t> kept_axes;
  for (size_t i = 0; i < axes.size(); ++i) {
    if (!llvm::is_contained(reduced, axes[i])) kept_axes.push_back(axes[i]);
  }
  llvm::SmallVector<int64_t> sorted(kept_axes), permutation;
  llvm::sort(sorted);
  for (int64_t axis : kept_axes) permutation.push_back(llvm::find(sorted, axis) - sorted.begin());
  return b.Reshape(b.Transpose(sum, permutation), from);
}

Value SliceVjp(CoreBuilder& b, core::SliceOp op, Value g) {
  Dims from = core::DimsOf(op.getOperand()), to = core::DimsOf(op.getResult()), high;
  llvm::SmallVector<int64_t> interior;
  for (size_t i = 0; i < from.size(); ++i) {
    const int64_t stride = op.getStrides()[i];
    DimExpr start = op.getStartIndices().getDims()[i];
    DimExpr covered = stride == 1 ? to[i] : core::Max(to[i] - 1, 0) * stride + core::Min(to[i], 1);
    interior.push_back(stride - 1);
    high.push_back(from[i] - start - covered);
  }
  return b.Pad(g, b.Scalar(core::ElementTypeOf(g), 0), op.getStartIndices().getDims(), high, interior);
}

// The operand's elements lie in the result at low + i * (interior + 1); the rest is padding.
Grads PadVjp(CoreBuilder& b, core::PadOp op, Value g) {
  Dims from = core::DimsOf(op.getOperand()), start, limit;
  Dims negative_low, negative_high;
  llvm::SmallVector<int64_t> strides, no_interior(from.size(), 0);
  bool crops = false;
  for (size_t i = 0; i < from.size(); ++i) {
    DimExpr low = op.getEdgePaddingLow().getDims()[i], high = op.getEdgePaddingHigh().getDims()[i];
    // Where the padding removed elements, zeros come back first.
    DimExpr add_low = core::Max(-low, 0), add_high = core::Max(-high, 0);
    crops |= !add_low.IsConstant(0) || !add_high.IsConstant(0);
    negative_low.push_back(add_low);
    negative_high.push_back(add_high);
    const int64_t stride = op.getInteriorPadding()[i] + 1;
    DimExpr first = core::Max(low, 0);
    start.push_back(first);
    limit.push_back(stride == 1 ? first + from[i] : first + core::Max(from[i] - 1, 0) * stride + core::Min(from[i], 1));
    strides.push_back(stride);
  }
  Value whole = crops ? b.Pad(g, b.Scalar(core::ElementTypeOf(g), 0), negative_low, negative_high, no_interior) : g;
  Value operand = b.Slice(whole, start, limit, strides);
  llvm::SmallVector<int64_t> all = AxisRange(static_cast<int64_t>(from.size()));
  // What the operand did not take belongs to the padding value; usually a constant, then this is dead.
  Value padding = op.getPaddingValue().getDefiningOp<core::ConstantOp>()
                      ? Value()
                      : b.Sub(b.ReduceAdd(g, all), b.ReduceAdd(operand, all));
  return {operand, padding};
}

Grads ConcatenateVjp(CoreBuilder& b, core::ConcatenateOp op, Value g) {
  Grads grads;
  const int64_t dim = static_cast<int64_t>(op.getDimension());
  DimExpr start = b.Dim(0);
  for (Value input : op.getInputs()) {
    DimExpr limit = start + core::DimsOf(input)[dim];
    grads.push_back(b.SliceDim(g, dim, start, limit));
    start = limit;
  }
  return grads;
}

}  // namespace

Value AsType(CoreBuilder& b, Value value, mlir::Type type) {
  if (!value || value.getType() == type) return value;
  return b.builder().createOrFold<core::AssumeDimsOp>(b.loc(), type, value);
}

llvm::SmallVector<int64_t> AxisRange(int64_t count) {
  llvm::SmallVector<int64_t> axes;
  for (int64_t i = 0; i < count; ++i) axes.push_back(i);
  return axes;
}

bool ShapeVjp(CoreBuilder& b, mlir::Operation* op, Value g, Grads& operands) {
  return llvm::TypeSwitch<mlir::Operation*, bool>(op)
      .Case([&](core::BroadcastInDimOp broadcast) { return operands = {BroadcastVjp(b, broadcast, g)}, true; })
      .Case([&](core::ReshapeOp reshape) {
        // Known to hold as many elements; no guard needed.
        operands = {b.builder().createOrFold<core::ReshapeOp>(b.loc(), reshape.getOperand().getType(), g)};
        return true;
      })
      .Case([&](core::AssumeDimsOp assume) {
        operands = {b.builder().createOrFold<core::AssumeDimsOp>(b.loc(), assume.getOperand().getType(), g)};
        return true;
      })
      .Case([&](core::TransposeOp transpose) {
        llvm::SmallVector<int64_t> inverse(transpose.getPermutation().size());
        for (size_t i = 0; i < inverse.size(); ++i) inverse[transpose.getPermutation()[i]] = static_cast<int64_t>(i);
        return operands = {b.Transpose(g, inverse)}, true;
      })
      .Case([&](core::SliceOp slice) { return operands = {SliceVjp(b, slice, g)}, true; })
      .Case([&](core::PadOp pad) { return operands = PadVjp(b, pad, g), true; })
      .Case([&](core::ConcatenateOp concatenate) { return operands = ConcatenateVjp(b, concatenate, g), true; })
      .Case([&](core::ReverseOp reverse) { return operands = {b.Reverse(g, reverse.getDimensions())}, true; })
      .Default([](mlir::Operation*) { return false; });
}

}  // namespace stator::compiler
