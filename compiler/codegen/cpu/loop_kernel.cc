#include "compiler/codegen/cpu/loop_kernel.h"

#include <algorithm>

#include "compiler/codegen/cpu/iteration_space.h"

namespace stator::compiler {
namespace {

using core::DimExpr;
using core::Dims;
using mlir::Value;

// Elements of one tile: enough to hide what a tile costs, few enough to balance threads.
constexpr int64_t kTileElements = 8192;

// The loop over one tile, split into rows (all dimensions but the innermost group) and runs.
class LoopPhase {
 public:
  LoopPhase(FusionKernel* kernel, const LoopWork& work)
      : kernel_(*kernel), work_(work), groups_(CollapsedDims(work.dims, work.joinable)) {
    // The innermost group of more than one element is the run.
    while (!groups_.empty() && Size(groups_.back()).IsConstant(1)) {
      unit_.insert(unit_.begin(), groups_.back().begin(), groups_.back().end());
      groups_.pop_back();
    }
    if (!groups_.empty()) {
      run_ = groups_.back();
      groups_.pop_back();
    }
    for (const Dims& group : groups_) rows_.append(group.begin(), group.end());
    run_.append(unit_.begin(), unit_.end());
  }

  absl::Status Emit() {
    const DimExpr length = Size(run_), rows = Size(rows_);
    const std::optional<int64_t> known = length.AsConstant();
    DimExpr grid = kernel_.dims().Constant(1);
    int64_t rows_per_tile = 1;
    const bool whole_rows = known && *known <= kTileElements;
    if (whole_rows) {
      rows_per_tile = std::max<int64_t>(1, kTileElements / std::max<int64_t>(1, *known));
      grid = core::CeilDiv(rows, rows_per_tile);
    } else {
      grid = rows * core::CeilDiv(length, kTileElements);
    }
    // Nothing to do when there is no element.
    if (known == 0 || rows.IsConstant(0)) grid = kernel_.dims().Constant(0);
    ElementEmitter emitter(&kernel_, grid);
    emitter_ = &emitter;
    lanes_ = NaturalLanes(kernel_, work_.elements);
    // A run shorter than half a vector goes element by element.
    if (known && *known * 2 < lanes_) lanes_ = 1;
    emitter.phase().ForEachTile([&](Value tile) {
      if (whole_rows) {
        EmitRows(Int(tile), rows, rows_per_tile, *known);
      } else {
        EmitChunk(Int(tile), length);
      }
    });
    return emitter.status();
  }

 private:
  DimExpr Size(const Dims& dims) { return core::Product(kernel_.dims(), dims); }

  void EmitRows(Int tile, DimExpr rows, int64_t rows_per_tile, int64_t length) {
    IntMath& math = emitter_->math();
    if (rows.IsConstant(1)) return EmitRun(0, 0, length);
    Int from = math.Mul(tile, rows_per_tile);
    Int to = math.Min(math.Add(from, rows_per_tile), math.Dim(rows));
    if (rows_per_tile == 1) return EmitRun(from, 0, length);
    emitter_->For(from, to, 1, true, [&](Int row) { EmitRun(row, 0, length); });
  }

  void EmitChunk(Int tile, DimExpr length) {
    IntMath& math = emitter_->math();
    Int row = 0, chunk = tile;
    if (!rows_.empty()) {
      Int chunks = math.PositiveDim(core::CeilDiv(length, kTileElements));
      row = math.Div(tile, chunks);
      chunk = math.Rem(tile, chunks);
    }
    Int from = math.Mul(chunk, kTileElements);
    EmitRun(row, from, math.Min(math.Add(from, kTileElements), math.Dim(length)));
  }

  void EmitRun(Int row, Int from, Int to) {
    VectorLoop(emitter_, from, to, lanes_, [&](LaneIndex index) {
      std::vector<IndexGroup> groups;
      if (!rows_.empty()) groups.push_back({rows_, row});
      if (!run_.empty()) groups.push_back({run_, index});
      work_.body(emitter_, emitter_->sets().Make(std::move(groups), lanes_));
    });
  }

  FusionKernel& kernel_;
  const LoopWork& work_;
  std::vector<Dims> groups_;
  Dims rows_, run_, unit_;
  ElementEmitter* emitter_ = nullptr;
  int lanes_ = 1;
};

}  // namespace

void VectorLoop(ElementEmitter* emitter, Int from, Int to, int lanes,
                const std::function<void(LaneIndex)>& body) {
  IntMath& math = emitter->math();
  auto at = [&](Int position) {
    return lanes == 1 ? LaneIndex(position) : LaneIndex(position, 1, lanes);
  };
  const Int count = math.Sub(to, from);
  if (count.Is(lanes)) return body(at(from));
  const Int whole = lanes == 1 ? count : math.AlignDown(count, lanes);
  const Int whole_end = math.Add(from, whole);
  if (!whole.Is(0)) {
    emitter->For(from, whole_end, lanes, true, [&](Int position) { body(at(position)); });
  }
  const Int rest = math.Sub(count, whole);
  if (rest.Is(0)) return;
  emitter->When(math.Less(LaneIndex(0), rest), [&] {
    emitter->WithFirstLanes(rest, lanes, [&] { body(at(whole_end)); });
  });
}

void EmitOutputs(ElementEmitter* emitter, const std::vector<LoopOutput>& outputs, IndexSet set) {
  std::vector<Value> elements;
  for (const LoopOutput& output : outputs) elements.push_back(emitter->Emit(output.value, set));
  for (size_t i = 0; i < outputs.size(); ++i) {
    emitter->Store(outputs[i].buffer, set, elements[i]);
  }
}

absl::Status EmitLoopPhase(FusionKernel* kernel, const std::vector<LoopOutput>& outputs) {
  LoopWork work;
  work.dims = outputs.front().buffer.dims;
  for (const LoopOutput& output : outputs) work.elements.push_back(output.value);
  work.joinable = JoinableDims(
      work.elements, [&](Value value) { return kernel->BufferOf(value) != nullptr; });
  work.body = [&](ElementEmitter* emitter, IndexSet set) { EmitOutputs(emitter, outputs, set); };
  return EmitLoopPhase(kernel, work);
}

absl::Status EmitLoopPhase(FusionKernel* kernel, const LoopWork& work) {
  return LoopPhase(kernel, work).Emit();
}

}  // namespace stator::compiler
