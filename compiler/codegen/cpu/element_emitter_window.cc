// Ops over sliding windows: each result element gathers what it needs.

#include <algorithm>

#include "compiler/codegen/cpu/element_emitter.h"
#include "compiler/codegen/cpu/location_text.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

namespace stator::compiler {
namespace {

using core::DimExpr;
using core::Dims;
using mlir::Type;
using mlir::Value;
using Values = ElementEmitter::Values;

// Windows of more positions are loops in the code.
constexpr int64_t kMaxUnrolled = 40;

int64_t Positions(llvm::ArrayRef<int64_t> sizes) {
  int64_t count = 1;
  for (int64_t size : sizes) count *= size;
  return count;
}

// body(position, state) for each position of a window in row-major order.
using WindowBody = std::function<Values(llvm::ArrayRef<Int>, const Values&)>;
Values OverWindow(ElementEmitter* e, llvm::ArrayRef<int64_t> sizes, bool unroll, Values state,
                  const WindowBody& body, llvm::SmallVector<Int> position = {}) {
  const size_t dim = position.size();
  if (dim == sizes.size()) return body(position, state);
  position.push_back(0);
  if (unroll || sizes[dim] == 1) {
    for (int64_t i = 0; i < sizes[dim]; ++i) {
      position.back() = i;
      state = OverWindow(e, sizes, unroll, state, body, position);
    }
    return state;
  }
  return e->For(0, sizes[dim], 1, true, state, [&](Int i, const Values& inner) {
    position.back() = i;
    return OverWindow(e, sizes, unroll, inner, body, position);
  });
}

bool ProvablyAtMostZero(DimExpr e) { return core::ProvablyLessEqual(e, e.context().Constant(0)); }
bool ProvablyNotNegative(DimExpr e) { return core::ProvablyLessEqual(e.context().Constant(0), e); }

}  // namespace

Value ElementEmitter::EmitReduceWindow(core::ReduceWindowOp op, IndexSet set) {
  const Type element = core::ElementTypeOf(op.getResult()), sum = AccumulatorType(element);
  const Type type = VectorOf(sum, set->lanes);
  const Dims from = core::DimsOf(op.getOperand());
  llvm::ArrayRef<DimExpr> low = op.getPaddingLow().getDims(), high = op.getPaddingHigh().getDims();
  llvm::ArrayRef<int64_t> sizes = op.getWindowDimensions();
  const bool unroll = Positions(sizes) <= kMaxUnrolled;
  auto step = [&](llvm::ArrayRef<Int> position, const Values& state) -> Values {
    Pred inside{true, nullptr};
    llvm::SmallVector<IndexSets::Change> changes;
    for (int i = 0; i < static_cast<int>(from.size()); ++i) {
      const int64_t stride = op.getWindowStrides()[i];
      if (sizes[i] == 1 && stride == 1 && low[i].IsConstant(0) && high[i].IsConstant(0)) continue;
      LaneIndex at = math_.Mul(sets_.Dim(set, i), stride);
      at = math_.Add(math_.Sub(at, math_.Dim(low[i])),
                     math_.Mul(position[i], op.getWindowDilations()[i]));
      if (!ProvablyAtMostZero(low[i])) inside = math_.And(inside, math_.LessOrEqual(0, at));
      if (!ProvablyAtMostZero(high[i])) {
        inside = math_.And(inside, math_.Less(at, math_.Dim(from[i])));
      }
      changes.push_back({i, at});
    }
    return {If(
        inside, type,
        [&] {
          Value x = Emit(op.getOperand(), sets_.Replace(set, changes, from));
          return arith_.Combine(op.getKind(), sum, state[0], arith_.Convert(x, element, sum));
        },
        [&] { return state[0]; })};
  };
  Values state = OverWindow(this, sizes, unroll, {arith_.Identity(op.getKind(), sum, type)}, step);
  return arith_.Convert(state[0], sum, element);
}

Value ElementEmitter::Beats(Type core_element, Value value, Value best) {
  using core::ComparisonDirection;
  if (mlir::isa<mlir::IntegerType>(core_element)) {
    return arith_.Compare(ComparisonDirection::kGt, core_element, value, best);
  }
  // A NaN beats numbers, nothing beats a NaN.
  Value best_is_number = arith_.Compare(ComparisonDirection::kEq, core_element, best, best);
  Value at_most = arith_.Compare(ComparisonDirection::kLe, core_element, value, best);
  Value above = builder().create<mlir::arith::XOrIOp>(loc(), at_most,
                                                      arith_.IntConstant(at_most.getType(), -1));
  return builder().create<mlir::arith::AndIOp>(loc(), best_is_number, above);
}

// An element collects from the windows that contain it and whose first largest element it is.
Value ElementEmitter::EmitSelectAndScatter(core::SelectAndScatterOp op, IndexSet set) {
  const Type element = core::ElementTypeOf(op.getResult()), sum = AccumulatorType(element);
  const Dims from = core::DimsOf(op.getOperand()), windows = core::DimsOf(op.getSource());
  llvm::ArrayRef<DimExpr> low = op.getPaddingLow().getDims(), high = op.getPaddingHigh().getDims();
  llvm::ArrayRef<int64_t> sizes = op.getWindowDimensions(), strides = op.getWindowStrides();
  const int rank = static_cast<int>(from.size());
  // Along each dimension, how many windows can contain an element.
  llvm::SmallVector<int64_t> candidates;
  for (int i = 0; i < rank; ++i) {
    candidates.push_back((sizes[i] + strides[i] - 1) / strides[i]);
    if (!ProvablyNotNegative(low[i])) {
      return Fail(NotLowered(op, "padding that may be negative"), element, set->lanes);
    }
  }
  const bool unroll_windows = Positions(candidates) <= kMaxUnrolled;
  const bool unroll = Positions(candidates) * Positions(sizes) <= kMaxUnrolled;
  auto trivial = [&](int i) {
    return sizes[i] == 1 && strides[i] == 1 && low[i].IsConstant(0) && high[i].IsConstant(0);
  };
  const Type pred_type = set->lanes == 1
                             ? Type(builder().getI1Type())
                             : mlir::VectorType::get({set->lanes}, builder().getI1Type());
  Value mine = Emit(op.getOperand(), set);
  auto collect = [&](llvm::ArrayRef<Int> candidate, const Values& state) -> Values {
    llvm::SmallVector<LaneIndex> window(rank), own(rank);
    llvm::SmallVector<IndexSets::Change> of_source;
    Pred exists{true, nullptr};
    LaneIndex own_linear = 0;
    for (int i = 0; i < rank; ++i) {
      if (trivial(i)) continue;
      const LaneIndex padded = math_.Add(sets_.Dim(set, i), math_.Dim(low[i]));
      window[i] =
          math_.Add(math_.Div(padded, strides[i]), math_.Sub(candidate[i], candidates[i] - 1));
      own[i] = math_.Sub(padded, math_.Mul(window[i], strides[i]));
      own_linear = math_.Add(math_.Mul(own_linear, sizes[i]), own[i]);
      exists = math_.And(exists, math_.LessOrEqual(0, window[i]));
      exists = math_.And(exists, math_.Less(own[i], sizes[i]));
      exists = math_.And(exists, math_.Less(window[i], math_.Dim(windows[i])));
      of_source.push_back({i, window[i]});
    }
    auto compare = [&](llvm::ArrayRef<Int> position, const Values& wins) -> Values {
      Pred inside{true, nullptr};
      llvm::SmallVector<IndexSets::Change> changes;
      Int linear = 0;
      for (int i = 0; i < rank; ++i) {
        if (trivial(i)) continue;
        LaneIndex at =
            math_.Add(math_.Sub(math_.Mul(window[i], strides[i]), math_.Dim(low[i])), position[i]);
        if (!low[i].IsConstant(0)) inside = math_.And(inside, math_.LessOrEqual(0, at));
        if (!ProvablyAtMostZero(high[i])) {
          inside = math_.And(inside, math_.Less(at, math_.Dim(from[i])));
        }
        linear = math_.Add(math_.Mul(linear, sizes[i]), position[i]);
        changes.push_back({i, at});
      }
      const Pred after =
          math_.LessOrEqual(linear, own_linear);  // then `mine` comes later, or is it
      return {If(
          inside, pred_type,
          [&]() -> Value {
            Value x = Emit(op.getOperand(), sets_.Replace(set, changes, from));
            Value same = set->lanes == 1
                             ? math_.Get(math_.Equal(own_linear, linear))
                             : math_.GetVector(math_.Equal(own_linear, linear), set->lanes);
            Value later = set->lanes == 1 ? math_.Get(after) : math_.GetVector(after, set->lanes);
            Value ahead = Beats(element, mine, x);
            Value behind = Beats(element, x, mine);
            Value not_behind = builder().create<mlir::arith::XOrIOp>(
                loc(), behind, arith_.IntConstant(pred_type, -1));
            Value ok = builder().create<mlir::arith::OrIOp>(
                loc(), arith_.Select(later, ahead, not_behind), same);
            return builder().create<mlir::arith::AndIOp>(loc(), wins[0], ok);
          },
          [&] { return wins[0]; })};
    };
    return {If(
        exists, VectorOf(sum, set->lanes),
        [&] {
          Values wins = {arith_.IntConstant(pred_type, -1)};
          wins = OverWindow(this, sizes, unroll, wins, compare);
          Value value = Emit(op.getSource(), sets_.Replace(set, of_source, windows));
          value = arith_.Convert(value, element, sum);
          Value added = arith_.Combine(core::ReduceKind::kAdd, sum, state[0], value);
          return arith_.Select(wins[0], added, state[0]);
        },
        [&] { return state[0]; })};
  };
  Values state = OverWindow(this, candidates, unroll_windows, {Zero(sum, set->lanes)}, collect);
  return arith_.Convert(state[0], sum, element);
}

}  // namespace stator::compiler
