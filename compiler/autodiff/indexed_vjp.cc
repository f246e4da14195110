// Derivatives of movement whose places are computed: gather and scatter, dynamic slices, compact, sort and top_k.

#include "compiler/autodiff/vjp.h"
#include "llvm/ADT/TypeSwitch.h"

namespace stator::compiler {
namespace {

using core::CoreBuilder;
using core::DimExpr;
using core::Dims;
using core::ScatterKind;
using mlir::Value;

// Gather clamps an index, scatter drops it: the gradient goes to the element that was read.
Value GatherVjp(CoreBuilder& b, core::GatherOp op, Value g) {
  const int64_t axis = static_cast<int64_t>(op.getAxis());
  mlir::Type index = core::ElementTypeOf(op.getIndices());
  Value last = b.DimScalar(core::DimsOf(op.getOperand())[axis] - 1, index);
  Value indices = b.Clamp(b.ScalarInt(index, 0), op.getIndices(), last);
  return b.Scatter(ScatterKind::kAdd, b.SplatLike(op.getOperand(), 0), indices, g, axis,
                   static_cast<int64_t>(op.getBatchDims()));
}

// Whether an index takes part, at the shape of the updates.
Value SpreadOverUpdates(CoreBuilder& b, core::ScatterOp op, Value per_index) {
  const int64_t axis = static_cast<int64_t>(op.getAxis()), batch = static_cast<int64_t>(op.getBatchDims());
  llvm::SmallVector<int64_t> places;
  for (int64_t i = 0; i < core::RankOf(op.getIndices()); ++i) places.push_back(i < batch ? i : axis + i - batch);
  return b.BroadcastInDim(per_index, places, core::DimsOf(op.getUpdates()));
}

Value IsInside(CoreBuilder& b, core::ScatterOp op) {
  mlir::Type index = core::ElementTypeOf(op.getIndices());
  Value size = b.DimScalar(core::DimsOf(op.getOperand())[op.getAxis()], index);
  return b.And(b.Ge(op.getIndices(), b.ScalarInt(index, 0)), b.Lt(op.getIndices(), size));
}

// Of several updates of one slice the last one stays: each index leaves its number, and those that find theirs won.
Value IsLast(CoreBuilder& b, core::ScatterOp op) {
  const int64_t batch = static_cast<int64_t>(op.getBatchDims());
  Dims index_dims = core::DimsOf(op.getIndices()), owner_dims;
  for (int64_t i = 0; i < batch; ++i) owner_dims.push_back(index_dims[i]);
  owner_dims.push_back(core::DimsOf(op.getOperand())[op.getAxis()]);
  mlir::Type i64 = b.builder().getI64Type();
  Value numbers = b.Reshape(b.Iota(i64, {core::Product(b.dims(), index_dims)}, 0), index_dims);
  Value owners = b.Scatter(ScatterKind::kAssign, b.Splat(i64, owner_dims, -1), op.getIndices(), numbers, batch, batch);
  return b.Eq(b.Gather(owners, op.getIndices(), batch, batch), numbers);
}

bool ScatterVjp(CoreBuilder& b, core::ScatterOp op, Value g, Grads& operands) {
  const bool is_assign = op.getKind() == ScatterKind::kAssign;
  if (!is_assign && op.getKind() != ScatterKind::kAdd) return false;
  const int64_t axis = static_cast<int64_t>(op.getAxis()), batch = static_cast<int64_t>(op.getBatchDims());
  Value to_operand = g, takes_part = IsInside(b, op);
  if (is_assign) {
    to_operand = b.Scatter(ScatterKind::kAssign, g, op.getIndices(), b.SplatLike(op.getUpdates(), 0), axis, batch);
    takes_part = b.And(takes_part, IsLast(b, op));
  }
  Value to_updates = AsType(b, b.Gather(g, op.getIndices(), axis, batch), op.getUpdates().getType());
  to_updates = b.Select(SpreadOverUpdates(b, op, takes_part), to_updates, b.SplatLike(op.getUpdates(), 0));
  operands = {to_operand, Value(), to_updates};
  return true;
}

// Slice i of the operand is result slice number-of-true-before(i), if its mask is set.
Value CompactVjp(CoreBuilder& b, core::CompactOp op, Value g) {
  Value ones = b.Convert(op.getMask(), b.builder().getI64Type());
  Value places = b.Cumulative(core::ReduceKind::kAdd, ones, 0, /*exclusive=*/true, /*reverse=*/false);
  Value spread = b.Gather(g, places, 0, 0);
  Value mask = b.BroadcastInDim(op.getMask(), {0}, core::DimsOf(op.getOperand()));
  return b.Select(mask, AsType(b, spread, op.getOperand().getType()), b.SplatLike(op.getOperand(), 0));
}

// Moves `dim` to the end, or back.
Value MoveLast(CoreBuilder& b, Value x, int64_t dim, bool back) {
  const int64_t rank = core::RankOf(x);
  llvm::SmallVector<int64_t> permutation;
  for (int64_t i = 0; i < rank; ++i) {
    if (i != dim) permutation.push_back(i);
  }
  permutation.push_back(dim);
  if (!back) return b.Transpose(x, permutation);
  llvm::SmallVector<int64_t> inverse(permutation.size());
  for (size_t i = 0; i < permutation.size(); ++i) inverse[permutation[i]] = static_cast<int64_t>(i);
  return b.Transpose(x, inverse);
}

}  // namespace

bool IndexedVjp(CoreBuilder& b, mlir::Operation* op, Value g, Grads& operands) {
  return llvm::TypeSwitch<mlir::Operation*, bool>(op)
      .Case([&](core::GatherOp gather) { return operands = {GatherVjp(b, gather, g), Value()}, true; })
      .Case([&](core::ScatterOp scatter) { return ScatterVjp(b, scatter, g, operands); })
      .Case([&](core::CompactOp compact) { return operands = {CompactVjp(b, compact, g), Value()}, true; })
      .Case([&](core::DynamicSliceOp slice) {
        operands.assign(op->getNumOperands(), Value());
        Grads starts(slice.getStartIndices());
        operands[0] = b.DynamicUpdateSlice(b.SplatLike(slice.getOperand(), 0), g, starts);
        return true;
      })
      .Case([&](core::DynamicUpdateSliceOp update) {
        operands.assign(op->getNumOperands(), Value());
        Grads starts(update.getStartIndices());
        operands[0] = b.DynamicUpdateSlice(g, b.SplatLike(update.getUpdate(), 0), starts);
        operands[1] = b.DynamicSlice(g, starts, core::DimsOf(update.getUpdate()));
        return true;
      })
      .Default([](mlir::Operation*) { return false; });
}

bool SortVjp(CoreBuilder& b, mlir::Operation* op, const Grads& grads, Grads& operands) {
  operands.assign(op->getNumOperands(), Value());
  if (auto top_k = llvm::dyn_cast<core::TopKOp>(op)) {
    const int64_t last = core::RankOf(top_k.getOperand()) - 1;
    if (!grads[0]) return true;
    operands[0] = b.Scatter(ScatterKind::kAdd, b.SplatLike(top_k.getOperand(), 0), top_k.getIndices(), grads[0], last, last);
    return true;
  }
  auto sort = llvm::dyn_cast<core::SortOp>(op);
  if (!sort) return false;
  // Where each element came from: the same sort (it is stable) of the keys with their positions.
  const int64_t dim = static_cast<int64_t>(sort.getDimension());
  Value keys = sort.getInputs()[0];
  Value positions = b.Iota(b.builder().getI64Type(), core::DimsOf(keys), dim);
  auto again = b.builder().create<core::SortOp>(b.loc(), mlir::TypeRange{keys.getType(), positions.getType()},
                                                mlir::ValueRange{keys, positions}, sort.getDimensionAttr(),
                                                sort.getDescendingAttr());
  const int64_t last = core::RankOf(keys) - 1;
  Value from = MoveLast(b, again.getResult(1), dim, /*back=*/false);
  for (auto [i, grad] : llvm::enumerate(grads)) {
    if (!grad) continue;
    Value moved = MoveLast(b, grad, dim, /*back=*/false);
    operands[i] = MoveLast(b, b.Scatter(ScatterKind::kAdd, b.SplatLike(moved, 0), from, moved, last, last), dim, /*back=*/true);
  }
  return true;
}

}  // namespace stator::compiler
