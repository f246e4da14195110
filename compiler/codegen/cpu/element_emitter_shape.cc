// Ops that move elements: they change the positions and go on.

#include "absl/strings/str_cat.h"
#include "compiler/codegen/cpu/element_emitter.h"
#include "compiler/codegen/cpu/location_text.h"

namespace stator::compiler {
namespace {

using core::DimExpr;
using core::Dims;
using mlir::Value;

bool ProvablyAtMostZero(DimExpr e) { return core::ProvablyLessEqual(e, e.context().Constant(0)); }

}  // namespace

Value ElementEmitter::EmitBroadcast(core::BroadcastInDimOp op, IndexSet set) {
  const Dims from = core::DimsOf(op.getOperand());
  const Dims to = core::DimsOf(op.getResult());
  llvm::SmallVector<int64_t> source;
  for (auto [size, dim] : llvm::zip(from, op.getBroadcastDimensions())) {
    // What is 1 on both sides keeps its place: a group of dimensions stays whole.
    source.push_back(size.IsConstant(1) && !to[dim].IsConstant(1) ? -1 : dim);
  }
  return Emit(op.getOperand(), sets_.Select(set, source, from));
}

Value ElementEmitter::EmitTranspose(core::TransposeOp op, IndexSet set) {
  const Dims from = core::DimsOf(op.getOperand());
  llvm::SmallVector<int64_t> source(from.size());
  for (auto [i, dim] : llvm::enumerate(op.getPermutation())) source[dim] = static_cast<int64_t>(i);
  return Emit(op.getOperand(), sets_.Select(set, source, from));
}

Value ElementEmitter::EmitSlice(core::SliceOp op, IndexSet set) {
  const Dims from = core::DimsOf(op.getOperand());
  const Dims to = core::DimsOf(op.getResult());
  llvm::SmallVector<IndexSets::Change> changes;
  for (int i = 0; i < static_cast<int>(from.size()); ++i) {
    const DimExpr start = op.getStartIndices().getDims()[i];
    const int64_t stride = op.getStrides()[i];
    if (from[i] == to[i] && start.IsConstant(0) && stride == 1) continue;
    LaneIndex index = math_.Add(math_.Mul(sets_.Dim(set, i), stride), math_.Dim(start));
    changes.push_back({i, index});
  }
  return Emit(op.getOperand(), sets_.Replace(set, changes, from));
}

Int ElementEmitter::ClampedStart(Value start, DimExpr size, DimExpr block) {
  Value element = Emit(start, sets_.Of({}, {}, 1));
  Int position = ToInt64(element, core::ElementTypeOf(start));
  return math_.Max(math_.Min(position, math_.Dim(size - block)), 0);
}

Value ElementEmitter::EmitDynamicSlice(core::DynamicSliceOp op, IndexSet set) {
  const Dims from = core::DimsOf(op.getOperand());
  const Dims to = core::DimsOf(op.getResult());
  llvm::SmallVector<IndexSets::Change> changes;
  for (int i = 0; i < static_cast<int>(from.size()); ++i) {
    if (from[i] == to[i]) continue;
    Int start = ClampedStart(op.getStartIndices()[i], from[i], to[i]);
    changes.push_back({i, math_.Add(sets_.Dim(set, i), start)});
  }
  return Emit(op.getOperand(), sets_.Replace(set, changes, from));
}

Value ElementEmitter::EmitDynamicUpdateSlice(core::DynamicUpdateSliceOp op, IndexSet set) {
  const Dims size = core::DimsOf(op.getResult());
  const Dims block = core::DimsOf(op.getUpdate());
  Pred inside{true, nullptr};
  llvm::SmallVector<IndexSets::Change> changes;
  for (int i = 0; i < static_cast<int>(size.size()); ++i) {
    if (size[i] == block[i]) continue;
    Int start = ClampedStart(op.getStartIndices()[i], size[i], block[i]);
    LaneIndex position = math_.Sub(sets_.Dim(set, i), start);
    inside = math_.And(inside, math_.LessOrEqual(0, position));
    inside = math_.And(inside, math_.Less(position, math_.Dim(block[i])));
    changes.push_back({i, position});
  }
  return If(
      inside, VectorOf(core::ElementTypeOf(op.getResult()), set->lanes),
      [&] { return Emit(op.getUpdate(), sets_.Replace(set, changes, block)); },
      [&] { return Emit(op.getOperand(), sets_.Replace(set, {}, size)); });
}

Value ElementEmitter::EmitPad(core::PadOp op, IndexSet set) {
  const Dims from = core::DimsOf(op.getOperand());
  Pred inside{true, nullptr};
  llvm::SmallVector<IndexSets::Change> changes;
  for (int i = 0; i < static_cast<int>(from.size()); ++i) {
    const DimExpr low = op.getEdgePaddingLow().getDims()[i];
    const DimExpr high = op.getEdgePaddingHigh().getDims()[i];
    const int64_t interior = op.getInteriorPadding()[i];
    if (low.IsConstant(0) && high.IsConstant(0) && interior == 0) continue;
    LaneIndex position = math_.Sub(sets_.Dim(set, i), math_.Dim(low));
    if (!ProvablyAtMostZero(low)) {
      inside = math_.And(inside, math_.LessOrEqual(0, position));
      if (interior != 0) position = math_.Max(position, 0);
    }
    if (interior != 0) {
      inside = math_.And(inside, math_.Equal(math_.Rem(position, interior + 1), 0));
      position = math_.Div(position, interior + 1);
    }
    if (!ProvablyAtMostZero(high)) {
      inside = math_.And(inside, math_.Less(position, math_.Dim(from[i])));
    }
    changes.push_back({i, position});
  }
  IndexSet nowhere = sets_.Of({}, {}, 1);
  return If(
      inside, VectorOf(core::ElementTypeOf(op.getResult()), set->lanes),
      [&] { return Emit(op.getOperand(), sets_.Replace(set, changes, from)); },
      [&] { return arith_.Splat(Emit(op.getPaddingValue(), nowhere), set->lanes); });
}

Value ElementEmitter::EmitConcatenate(core::ConcatenateOp op, IndexSet set) {
  const int dim = static_cast<int>(op.getDimension());
  const LaneIndex position = sets_.Dim(set, dim);
  const mlir::Type type = VectorOf(core::ElementTypeOf(op.getResult()), set->lanes);
  // Where each input begins.
  llvm::SmallVector<DimExpr> begins;
  DimExpr end = kernel_.dims().Constant(0);
  for (Value input : op.getInputs()) {
    begins.push_back(end);
    end = end + core::DimsOf(input)[dim];
  }
  // Before the begin of input i + 1: inputs 0 … i.
  std::function<Value(size_t)> emit = [&](size_t last) -> Value {
    Value input = op.getInputs()[last];
    auto from_input = [&] {
      const LaneIndex moved = math_.Sub(position, math_.Dim(begins[last]));
      return Emit(input, sets_.Replace(set, {{dim, moved}}, core::DimsOf(input)));
    };
    if (last == 0) return from_input();
    return If(
        math_.Less(position, math_.Dim(begins[last])), type, [&] { return emit(last - 1); },
        from_input);
  };
  return emit(op.getInputs().size() - 1);
}

Value ElementEmitter::EmitReverse(core::ReverseOp op, IndexSet set) {
  const Dims size = core::DimsOf(op.getResult());
  llvm::SmallVector<IndexSets::Change> changes;
  for (int64_t dim : op.getDimensions()) {
    const int i = static_cast<int>(dim);
    changes.push_back({i, math_.Sub(LaneIndex(math_.Dim(size[i] - 1)), sets_.Dim(set, i))});
  }
  return Emit(op.getOperand(), sets_.Replace(set, changes, size));
}

// operand [B, A, n, C], indices [B, I], result [B, A, I, C].
Value ElementEmitter::EmitGather(core::GatherOp op, IndexSet set) {
  const Dims from = core::DimsOf(op.getOperand());
  const Dims index_dims = core::DimsOf(op.getIndices());
  const int64_t axis = op.getAxis(), batch = op.getBatchDims();
  const int64_t indexed = static_cast<int64_t>(index_dims.size()) - batch;  // rank of I
  llvm::SmallVector<int64_t> of_indices, of_operand;
  for (int64_t i = 0; i < batch; ++i) of_indices.push_back(i);
  for (int64_t i = 0; i < indexed; ++i) of_indices.push_back(axis + i);
  for (int64_t i = 0; i < static_cast<int64_t>(from.size()); ++i) {
    of_operand.push_back(i < axis ? i : i == axis ? -1 : i - 1 + indexed);
  }
  const mlir::Type element = core::ElementTypeOf(op.getResult());
  auto gather = [&] {
    Value chosen = Emit(op.getIndices(), sets_.Select(set, of_indices, index_dims));
    LaneIndex position = ToIndex(chosen, core::ElementTypeOf(op.getIndices()));
    position = math_.Max(math_.Min(position, math_.Dim(from[axis] - 1)), 0);
    IndexSet others = sets_.Select(set, of_operand, from);
    return Emit(op.getOperand(), sets_.Replace(others, {{static_cast<int>(axis), position}}, from));
  };
  if (core::ProvablyPositive(from[axis])) return gather();
  return If(math_.Less(LaneIndex(0), math_.Dim(from[axis])), VectorOf(element, set->lanes), gather,
            [&] { return Zero(element, set->lanes); });
}

}  // namespace stator::compiler
