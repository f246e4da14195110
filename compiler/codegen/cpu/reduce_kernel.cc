#include "compiler/codegen/cpu/reduce_kernel.h"

#include <algorithm>

#include "compiler/codegen/cpu/iteration_space.h"
#include "compiler/codegen/cpu/location_text.h"
#include "compiler/codegen/cpu/reduce_loops.h"

namespace stator::compiler {
namespace {

using core::DimExpr;
using core::Dims;
using mlir::Value;

// Elements of one tile when tiles are whole sums.
constexpr int64_t kTileElements = 8192;
// Vectors side by side in a sequential sum: the latency of an addition, hidden.
constexpr int kColumnVectors = 8;
// With fewer sums than this there are not enough for all threads: blocks are tiles as well.
constexpr int64_t kFewSums = 128;

// Phases of one reduction: from the operand, or from the blocks' states.
class ReducePhases {
 public:
  ReducePhases(FusionKernel* kernel, core::ReduceOp op, const KernelBuffer& buffer)
      : kernel_(*kernel), op_(op), buffer_(buffer), shape_(op) {
    // Kept dimensions at the end of the operand that every access treats as one: the columns.
    const std::vector<bool> joinable = JoinableDims(
        {op.getOperand()}, [&](Value value) { return kernel->BufferOf(value) != nullptr; });
    size_t columns = 0;
    const size_t rank = shape_.operand.size(), kept = shape_.kept.size();
    while (columns < kept &&
           shape_.source[rank - 1 - columns] == static_cast<int64_t>(kept - 1 - columns) &&
           (columns == 0 || joinable[rank - 1 - columns])) {
      ++columns;
    }
    outer_.assign(shape_.kept.begin(), shape_.kept.end() - columns);
    columns_.assign(shape_.kept.end() - columns, shape_.kept.end());
  }

  absl::Status Emit() { return shape_.order.lanes > 1 ? EmitLanes() : EmitSequence(); }

 private:
  DimExpr Size(const Dims& dims) { return core::Product(kernel_.dims(), dims); }
  std::vector<IndexGroup> Kept(Int position) {
    std::vector<IndexGroup> kept;
    if (!shape_.kept.empty()) kept.push_back({shape_.kept, position});
    return kept;
  }
  std::vector<IndexGroup> Kept(Int outer, const LaneIndex& column) {
    std::vector<IndexGroup> kept;
    if (!outer_.empty()) kept.push_back({outer_, outer});
    if (!columns_.empty()) kept.push_back({columns_, column});
    return kept;
  }

  // The states of blocks, [sums, blocks] or [outer, blocks, columns].
  void AddPartials(llvm::ArrayRef<DimExpr> dims, const ReduceState& state) {
    for (int i = 0; i < state.components(); ++i) {
      partials_.push_back(kernel_.AddWorkspace(dims, state.Component(i)));
    }
  }
  void StorePartial(ElementEmitter* e, IndexSet set, const ReduceState::Values& state) {
    for (size_t i = 0; i < partials_.size(); ++i) e->Store(partials_[i], set, state[i]);
  }
  ReduceState::Values LoadPartial(ElementEmitter* e, IndexSet set) {
    ReduceState::Values state;
    for (const KernelBuffer& partial : partials_) state.push_back(e->Load(partial, set));
    return state;
  }

  absl::Status EmitLanes() {
    const DimExpr sums = Size(shape_.kept);
    const std::optional<int64_t> known = sums.AsConstant();
    if (shape_.OneBlock() || !known || *known > kFewSums) return EmitWholeSums(sums);
    const absl::Status status = EmitLaneBlocks(sums);
    if (!status.ok()) return status;
    return EmitLaneTree(sums);
  }

  absl::Status EmitWholeSums(DimExpr sums) {
    const std::optional<int64_t> known = shape_.count.AsConstant();
    const int64_t per_tile =
        known ? std::max<int64_t>(1, kTileElements / std::max<int64_t>(1, *known)) : 1;
    ElementEmitter e(&kernel_, core::CeilDiv(sums, per_tile));
    ReduceLoops loops(&e, op_);
    auto emit = [&](Int sum) {
      const std::vector<IndexGroup> kept = Kept(sum);
      e.Store(buffer_, e.sets().Make(kept, 1), loops.state().Finish(loops.AllBlocks(kept)));
    };
    e.phase().ForEachTile([&](Value tile) {
      if (per_tile == 1) return emit(Int(tile));
      const Int from = e.math().Mul(Int(tile), per_tile);
      e.For(from, e.math().Min(e.math().Add(from, per_tile), e.math().Dim(sums)), 1, true, emit);
    });
    return e.status();
  }

  absl::Status EmitLaneBlocks(DimExpr sums) {
    const DimExpr blocks = shape_.Blocks();
    ElementEmitter e(&kernel_, sums * blocks);
    ReduceLoops loops(&e, op_);
    AddPartials({sums, blocks}, loops.state());
    IntMath& math = e.math();
    e.phase().ForEachTile([&](Value tile) {
      Int sum = 0, block = Int(tile);
      if (!sums.IsConstant(1)) {
        sum = math.Div(Int(tile), math.PositiveDim(blocks));
        block = math.Rem(Int(tile), math.PositiveDim(blocks));
      }
      const Int from = math.Mul(block, shape_.order.block);
      const Int to = math.Min(math.Add(from, shape_.order.block), math.Dim(shape_.count));
      const ReduceState::Values state = loops.Block(Kept(sum), from, to);
      StorePartial(&e, e.sets().Of({sums, blocks}, {sum, block}, 1), state);
    });
    return e.status();
  }

  absl::Status EmitLaneTree(DimExpr sums) {
    const DimExpr blocks = shape_.Blocks();
    ElementEmitter e(&kernel_, sums);
    ReduceLoops loops(&e, op_);
    e.phase().ForEachTile([&](Value tile) {
      const ReduceState::Values state = loops.Tree(e.math().Dim(blocks), 1, [&](Int block) {
        return LoadPartial(&e, e.sets().Of({sums, blocks}, {Int(tile), block}, 1));
      });
      e.Store(buffer_, e.sets().Make(Kept(Int(tile)), 1), loops.state().Finish(state));
    });
    return e.status();
  }

  // Positions of a tile in a grid of outer × blocks × tiles of columns.
  struct Place {
    Int outer = 0, block = 0, from = 0, to = 0;  // columns [from, to)
  };
  Place PlaceOf(IntMath& math, Int tile, DimExpr blocks, int64_t columns_per_tile) {
    const DimExpr columns = Size(columns_);
    const DimExpr tiles = core::CeilDiv(columns, columns_per_tile);
    Place place;
    Int rest = tile, column_tile = 0;
    if (!tiles.IsConstant(1)) {
      column_tile = math.Rem(rest, math.PositiveDim(tiles));
      rest = math.Div(rest, math.PositiveDim(tiles));
    }
    if (!blocks.IsConstant(1)) {
      place.block = outer_.empty() ? rest : math.Rem(rest, math.PositiveDim(blocks));
      rest = math.Div(rest, math.PositiveDim(blocks));
    }
    if (!outer_.empty()) place.outer = rest;
    place.from = math.Mul(column_tile, columns_per_tile);
    place.to = tiles.IsConstant(1)
                   ? math.Dim(columns)
                   : math.Min(math.Add(place.from, columns_per_tile), math.Dim(columns));
    return place;
  }

  absl::Status EmitSequence() {
    const bool one = shape_.OneBlock();
    const absl::Status status = EmitSequenceBlocks(one);
    if (one || !status.ok()) return status;
    return EmitSequenceTree();
  }

  absl::Status EmitSequenceBlocks(bool one) {
    const DimExpr outer = Size(outer_), columns = Size(columns_);
    const DimExpr blocks = one ? kernel_.dims().Constant(1) : shape_.Blocks();
    const int lanes = NaturalLanes(kernel_, {op_.getOperand()});
    const int64_t per_tile = int64_t{lanes} * kColumnVectors;
    ElementEmitter e(&kernel_, outer * blocks * core::CeilDiv(columns, per_tile));
    ReduceLoops loops(&e, op_);
    if (!one) AddPartials({outer, blocks, columns}, loops.state());
    IntMath& math = e.math();
    e.phase().ForEachTile([&](Value tile) {
      const Place place = PlaceOf(math, Int(tile), blocks, per_tile);
      const Int count = math.Dim(shape_.count);
      const Int from = math.Mul(place.block, shape_.order.block);
      const Int to = one ? count : math.Min(math.Add(from, shape_.order.block), count);
      auto store = [&](const LaneIndex& column, const ReduceState::Values& state) {
        if (one) {
          IndexSet set = e.sets().Make(Kept(place.outer, column), lanes);
          return e.Store(buffer_, set, loops.state().Finish(state));
        }
        StorePartial(
            &e, e.sets().Of({outer, blocks, columns}, {place.outer, place.block, column}, lanes),
            state);
      };
      auto sum = [&](const std::vector<LaneIndex>& vectors) {
        std::vector<ReduceLoops::Kept> kept;
        for (const LaneIndex& column : vectors) kept.push_back(Kept(place.outer, column));
        const std::vector<ReduceState::Values> states = loops.Sequence(kept, lanes, from, to);
        for (size_t i = 0; i < vectors.size(); ++i) store(vectors[i], states[i]);
      };
      const Int width = math.Sub(place.to, place.from);
      auto side_by_side = [&](int64_t count) {
        std::vector<LaneIndex> vectors;
        for (int i = 0; i < count; ++i) {
          vectors.push_back(LaneIndex(math.Add(place.from, i * lanes), 1, lanes));
        }
        sum(vectors);
      };
      if (width.IsConstant()) {
        const int64_t whole = width.constant / lanes, rest = width.constant % lanes;
        if (whole > 0) side_by_side(whole);
        if (rest == 0) return;
        e.WithFirstLanes(rest, lanes,
                         [&] { sum({LaneIndex(math.Add(place.from, whole * lanes), 1, lanes)}); });
        return;
      }
      const Pred full = math.LessOrEqual(per_tile, LaneIndex(width));
      e.When(full, [&] { side_by_side(kColumnVectors); });
      e.When(math.Not(full), [&] {
        VectorLoop(&e, place.from, place.to, lanes, [&](LaneIndex column) { sum({column}); });
      });
    });
    return e.status();
  }

  absl::Status EmitSequenceTree() {
    const DimExpr outer = Size(outer_), blocks = shape_.Blocks(), columns = Size(columns_);
    const int lanes = NaturalLanes(kernel_, {op_.getOperand()});
    const int64_t per_tile = 1024;
    ElementEmitter e(&kernel_, outer * core::CeilDiv(columns, per_tile));
    ReduceLoops loops(&e, op_);
    IntMath& math = e.math();
    e.phase().ForEachTile([&](Value tile) {
      const Place place = PlaceOf(math, Int(tile), kernel_.dims().Constant(1), per_tile);
      VectorLoop(&e, place.from, place.to, lanes, [&](LaneIndex column) {
        const ReduceState::Values state = loops.Tree(math.Dim(blocks), lanes, [&](Int block) {
          return LoadPartial(
              &e, e.sets().Of({outer, blocks, columns}, {place.outer, block, column}, lanes));
        });
        e.Store(buffer_, e.sets().Make(Kept(place.outer, column), lanes),
                loops.state().Finish(state));
      });
    });
    return e.status();
  }

  FusionKernel& kernel_;
  core::ReduceOp op_;
  const KernelBuffer& buffer_;
  ReduceShape shape_;
  Dims outer_, columns_;
  std::vector<KernelBuffer> partials_;
};

}  // namespace

absl::Status EmitReducePhases(FusionKernel* kernel, core::ReduceOp op, const KernelBuffer& buffer) {
  return ReducePhases(kernel, op, buffer).Emit();
}

}  // namespace stator::compiler
