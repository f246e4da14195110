#include <algorithm>

#include "compiler/codegen/cpu/iteration_space.h"
#include "compiler/codegen/cpu/reduce_kernel.h"
#include "compiler/codegen/cpu/reduce_loops.h"
#include "llvm/ADT/DenseSet.h"

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

// A few instructions: computing it again costs no more than loading it.
bool IsCheap(mlir::Operation* op) {
  if (!op->hasTrait<core::ElementwiseOp>()) return !mlir::isa<core::ReduceWindowOp>(op);
  return mlir::isa<core::AbsOp, core::NegateOp, core::SignOp, core::AddOp, core::SubtractOp,
                   core::MulOp, core::DivOp, core::MaxOp, core::MinOp, core::AndOp, core::OrOp,
                   core::XorOp, core::NotOp, core::CompareOp, core::SelectOp, core::ClampOp,
                   core::ConvertOp, core::BitcastConvertOp, core::IsFiniteOp, core::SqrtOp,
                   core::FloorOp, core::CeilOp>(op);
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
    ChooseKept();
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
      for (const KeptValue& value : values_) {
        if (value.pass == i) Keep(value, kept, length);
      }
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

  // A value that several passes over the row use is computed once, before the first of them, into
  // the memory of a result, which is written last.
  struct KeptValue {
    Value value;
    size_t pass = 0;
    KernelBuffer buffer;
  };

  // Marks what a pass computes at full positions.
  void Collect(Value value, size_t pass, llvm::DenseSet<Value>* seen) {
    mlir::Operation* op = value.getDefiningOp();
    if (op == nullptr || kernel_.BufferOf(value) != nullptr || mlir::isa<core::ReduceOp>(op))
      return;
    if (!seen->insert(value).second) return;
    passes_[value].push_back(pass);
    for (Value operand : op->getOperands()) Collect(operand, pass, seen);
  }

  void ChooseKept() {
    for (size_t i = 0; i <= group_.reductions.size(); ++i) {
      llvm::DenseSet<Value> seen;
      if (i < group_.reductions.size()) {
        core::ReduceOp op = group_.reductions[i];
        Collect(op.getOperand(), i, &seen);
      } else {
        for (const LoopOutput& output : full_) Collect(output.value, i, &seen);
      }
    }
    // A result in an operand's memory is not free before the end.
    std::vector<bool> used(full_.size(), false);
    const int operands = static_cast<int>(kernel_.fusion()->getNumOperands());
    for (auto [operand, result] : InPlacePairs(kernel_.fusion())) {
      for (size_t i = 0; i < full_.size(); ++i) {
        if (full_[i].buffer.number == operands + result) used[i] = true;
      }
    }
    for (mlir::Operation& op : llvm::reverse(kernel_.body())) {
      if (op.getNumResults() != 1 || IsCheap(&op)) continue;
      Value value = op.getResult(0);
      if (passes_[value].size() < 2 || core::DimsOf(value) != group_.full) continue;
      for (size_t i = 0; i < full_.size(); ++i) {
        if (used[i] || full_[i].buffer.element != core::ElementTypeOf(value)) continue;
        used[i] = true;
        values_.push_back({value, passes_[value].front(), full_[i].buffer});
        break;
      }
    }
    // In the order of their definitions.
    std::reverse(values_.begin(), values_.end());
  }

  void Keep(const KeptValue& kept_value, const std::vector<IndexGroup>& kept, DimExpr length) {
    const int lanes = NaturalLanes(kernel_, {kept_value.value});
    const Int count = emitter_->math().Dim(length);
    emitter_->When(emitter_->math().Less(LaneIndex(0), count), [&] {
      VectorLoop(emitter_, 0, count, lanes, [&](LaneIndex index) {
        std::vector<IndexGroup> groups = kept;
        groups.push_back({group_.row, index});
        EmitOutputs(emitter_, {{kept_value.value, kept_value.buffer}},
                    emitter_->sets().Make(std::move(groups), lanes));
      });
    });
    kernel_.SetBuffer(kept_value.value, kept_value.buffer);
  }

  FusionKernel& kernel_;
  const RowGroup& group_;
  std::vector<LoopOutput> full_, rows_;
  llvm::DenseMap<Value, std::vector<size_t>> passes_;
  std::vector<KeptValue> values_;
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
