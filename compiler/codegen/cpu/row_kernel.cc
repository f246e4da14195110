#include <algorithm>

#include "compiler/codegen/cpu/location_text.h"
#include "compiler/codegen/cpu/reduce_kernel.h"
#include "compiler/codegen/cpu/reduce_loops.h"

namespace stator::compiler {
namespace {

using core::DimExpr;
using core::Dims;
using mlir::Value;

// Elements of one tile.
constexpr int64_t kTileElements = 8192;

bool ReducesTrailing(const ReduceShape& shape) {
  for (size_t i = 0; i < shape.source.size(); ++i) {
    if (shape.source[i] != static_cast<int64_t>(i)) return false;
  }
  return shape.order.lanes > 1;
}

class RowPhase {
 public:
  RowPhase(FusionKernel* kernel, const RowGroup& group) : kernel_(*kernel), group_(group) {
    for (unsigned i = 0; i < kernel->fusion()->getNumResults(); ++i) {
      LoopOutput output{kernel->Returned(static_cast<int>(i)), kernel->Result(static_cast<int>(i))};
      (output.buffer.dims == group.full ? full_ : rows_).push_back(output);
    }
  }

  absl::Status Emit() {
    core::DimContext& dims = kernel_.dims();
    const DimExpr rows = core::Product(dims, group_.rows), length = core::Product(dims, group_.row);
    int64_t rows_per_tile = 1;
    if (std::optional<int64_t> known = length.AsConstant()) {
      rows_per_tile = std::max<int64_t>(1, kTileElements / std::max<int64_t>(1, *known));
    }
    ElementEmitter emitter(&kernel_, core::CeilDiv(rows, rows_per_tile));
    emitter_ = &emitter;
    std::vector<ReduceLoops> loops;
    for (core::ReduceOp op : group_.reductions) loops.emplace_back(&emitter, op);
    IntMath& math = emitter.math();
    emitter.phase().ForEachTile([&](Value tile) {
      if (rows_per_tile == 1) return EmitRow(&loops, Int(tile), length);
      const Int from = math.Mul(Int(tile), rows_per_tile);
      emitter.For(from, math.Min(math.Add(from, rows_per_tile), math.Dim(rows)), 1, true,
                  [&](Int row) { EmitRow(&loops, row, length); });
    });
    return emitter.status();
  }

 private:
  void EmitRow(std::vector<ReduceLoops>* loops, Int row, DimExpr length) {
    IntMath& math = emitter_->math();
    IndexSets& sets = emitter_->sets();
    std::vector<IndexGroup> kept;
    if (!group_.rows.empty()) kept.push_back({group_.rows, row});
    IndexSet here = sets.Make(kept, 1);
    for (size_t i = 0; i < loops->size(); ++i) {
      ReduceLoops& loop = (*loops)[i];
      core::ReduceOp op = group_.reductions[i];
      Value element = loop.state().Finish(loop.AllBlocks(kept));
      emitter_->DefineReduced(op.getResult(), sets.Linear(here).base, element);
    }
    for (const LoopOutput& output : rows_) {
      IndexSet set = sets.Reshape(here, output.buffer.dims);
      emitter_->Store(output.buffer, set, emitter_->Emit(output.value, set));
    }
    if (full_.empty()) return;
    std::vector<Value> values;
    for (const LoopOutput& output : full_) values.push_back(output.value);
    const int lanes = NaturalLanes(kernel_, values);
    const Int count = math.Dim(length);
    emitter_->When(math.Less(LaneIndex(0), count), [&] {
      VectorLoop(emitter_, 0, count, lanes, [&](LaneIndex index) {
        std::vector<IndexGroup> groups = kept;
        groups.push_back({group_.row, index});
        EmitOutputs(emitter_, full_, sets.Make(std::move(groups), lanes));
      });
    });
  }

  FusionKernel& kernel_;
  const RowGroup& group_;
  std::vector<LoopOutput> full_, rows_;
  ElementEmitter* emitter_ = nullptr;
};

}  // namespace

bool FindRowGroup(FusionKernel* kernel, RowGroup* group) {
  for (mlir::Operation& op : kernel->body()) {
    auto reduce = mlir::dyn_cast<core::ReduceOp>(op);
    if (!reduce) continue;
    const ReduceShape shape(reduce);
    if (!ReducesTrailing(shape)) return false;
    if (group->reductions.empty()) {
      group->rows = shape.kept;
      group->row = shape.reduced;
      group->full = shape.operand;
    } else if (shape.kept != group->rows || shape.operand != group->full) {
      return false;
    }
    group->reductions.push_back(reduce);
  }
  if (group->reductions.empty()) return false;
  const DimExpr rows = core::Product(kernel->dims(), group->rows);
  for (unsigned i = 0; i < kernel->fusion()->getNumResults(); ++i) {
    const Dims dims = kernel->Result(static_cast<int>(i)).dims;
    if (dims != group->full && core::Product(kernel->dims(), dims) != rows) return false;
  }
  return true;
}

absl::Status EmitRowPhase(FusionKernel* kernel, const RowGroup& group) {
  return RowPhase(kernel, group).Emit();
}

}  // namespace stator::compiler
