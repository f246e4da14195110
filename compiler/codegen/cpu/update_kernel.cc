#include "compiler/codegen/cpu/update_kernel.h"

#include <algorithm>
#include <optional>

#include "compiler/codegen/cpu/element_emitter.h"
#include "compiler/codegen/cpu/iteration_space.h"
#include "compiler/codegen/cpu/location_text.h"
#include "compiler/codegen/cpu/loop_kernel.h"
#include "graph/status_macros.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

namespace stator::compiler {
namespace {

using core::DimExpr;
using core::Dims;
using mlir::Value;

constexpr int64_t kCopyTile = 16384;    // elements
constexpr int64_t kScatterColumn = 256;  // elements: a multiple of every vector, enough tiles

Value Address(ElementEmitter* emitter, int buffer) {
  return emitter->builder().create<mlir::LLVM::PtrToIntOp>(
      emitter->loc(), emitter->builder().getI64Type(), emitter->phase().BufferPointer(buffer));
}

absl::Status EmitCopyUnlessSame(FusionKernel* kernel, Value operand, const KernelBuffer& result) {
  const DimExpr size = core::Product(kernel->dims(), result.dims);
  ElementEmitter emitter(kernel, core::CeilDiv(size, kCopyTile));
  const int lanes = NaturalLanes(*kernel, {operand});
  Pred differ{true, nullptr};
  if (const KernelBuffer* from = kernel->BufferOf(operand)) {
    differ = {std::nullopt, emitter.builder().create<mlir::arith::CmpIOp>(
                                emitter.loc(), mlir::arith::CmpIPredicate::ne,
                                Address(&emitter, from->number), Address(&emitter, result.number))};
  }
  emitter.When(differ, [&] {
    emitter.phase().ForEachTile([&](Value tile) {
      IntMath& math = emitter.math();
      const Int from = math.Mul(Int(tile), kCopyTile);
      const Int to = math.Min(math.Add(from, kCopyTile), math.Dim(size));
      VectorLoop(&emitter, from, to, lanes, [&](LaneIndex index) {
        IndexSet set = emitter.sets().Flat(result.dims, index, lanes);
        emitter.Store(result, set, emitter.Emit(operand, set));
      });
    });
  });
  return emitter.status();
}

// One tile: some columns of the slices at one place of the batch and outer dimensions.
class ScatterPhase {
 public:
  ScatterPhase(FusionKernel* kernel, core::ScatterOp op, KernelBuffer result)
      : kernel_(*kernel), op_(op), result_(std::move(result)), axis_(op.getAxis()) {
    const int64_t batch = op.getBatchDims();
    const Dims index_dims = core::DimsOf(op.getIndices());
    llvm::ArrayRef<DimExpr> dims = result_.dims;
    batch_ = Dims(dims.take_front(batch));
    outer_ = Dims(dims.slice(batch, axis_ - batch));
    column_ = Dims(dims.drop_front(axis_ + 1));
    indices_ = Dims(llvm::ArrayRef<DimExpr>(index_dims).drop_front(batch));
  }

  absl::Status Emit() {
    const DimExpr length = Size(column_), outer = Size(outer_);
    const std::optional<int64_t> known = length.AsConstant();
    const bool whole = known && *known <= kScatterColumn;
    const DimExpr chunks = whole ? kernel_.dims().Constant(*known == 0 ? 0 : 1)
                                 : core::CeilDiv(length, kScatterColumn);
    ElementEmitter emitter(&kernel_, Size(batch_) * outer * chunks);
    emitter_ = &emitter;
    lanes_ = NaturalLanes(kernel_, {op_.getUpdates()});
    if (known && *known * 2 < lanes_) lanes_ = 1;
    emitter.phase().ForEachTile([&](Value tile) {
      IntMath& math = emitter.math();
      const Int chunk_count = whole ? Int(1) : math.PositiveDim(chunks);
      const Int row = math.Div(Int(tile), chunk_count);
      const Int from = whole ? Int(0) : math.Mul(math.Rem(Int(tile), chunk_count), kScatterColumn);
      const Int to = whole ? Int(*known)
                           : math.Min(math.Add(from, kScatterColumn), math.Dim(length));
      const Int outer_count = outer.IsConstant(1) ? Int(1) : math.PositiveDim(outer);
      place_ = math.Div(row, outer_count);
      outer_place_ = outer.IsConstant(1) ? Int(0) : math.Rem(row, outer_count);
      emitter.For(0, math.Dim(Size(indices_)), 1, false, [&](Int i) { EmitUpdate(i, from, to); });
    });
    return emitter.status();
  }

 private:
  DimExpr Size(const Dims& dims) { return core::Product(kernel_.dims(), dims); }

  static void Append(std::vector<IndexGroup>* groups, const Dims& dims, LaneIndex index) {
    if (!dims.empty()) groups->push_back({dims, index});
  }

  void EmitUpdate(Int i, Int from, Int to) {
    IntMath& math = emitter_->math();
    std::vector<IndexGroup> groups;
    Append(&groups, batch_, place_);
    Append(&groups, indices_, i);
    IndexSet at = emitter_->sets().Make(groups, 1);
    const Int target = emitter_->ToInt64(emitter_->Emit(op_.getIndices(), at),
                                         core::ElementTypeOf(op_.getIndices()));
    const Pred inside = math.And(math.LessOrEqual(0, target),
                                 math.Less(target, math.Dim(result_.dims[axis_])));
    emitter_->When(inside, [&] {
      VectorLoop(emitter_, from, to, lanes_,
                 [&](LaneIndex column) { EmitElements(i, target, column); });
    });
  }

  void EmitElements(Int i, Int target, LaneIndex column) {
    std::vector<IndexGroup> update, slot;
    for (std::vector<IndexGroup>* groups : {&update, &slot}) {
      Append(groups, batch_, place_);
      Append(groups, outer_, outer_place_);
    }
    Append(&update, indices_, i);
    slot.push_back({Dims{result_.dims[axis_]}, target});
    Append(&update, column_, column);
    Append(&slot, column_, column);
    IndexSet to = emitter_->sets().Make(slot, lanes_);
    Value change = emitter_->Emit(op_.getUpdates(), emitter_->sets().Make(update, lanes_));
    if (op_.getKind() != core::ScatterKind::kAssign) {
      change = emitter_->arith().Combine(Kind(), result_.element, emitter_->Load(result_, to), change);
    }
    emitter_->Store(result_, to, change);
  }

  core::ReduceKind Kind() {
    switch (op_.getKind()) {
      case core::ScatterKind::kMul: return core::ReduceKind::kMul;
      case core::ScatterKind::kMax: return core::ReduceKind::kMax;
      case core::ScatterKind::kMin: return core::ReduceKind::kMin;
      default: return core::ReduceKind::kAdd;
    }
  }

  FusionKernel& kernel_;
  core::ScatterOp op_;
  KernelBuffer result_;
  int64_t axis_;
  Dims batch_, outer_, column_, indices_;
  ElementEmitter* emitter_ = nullptr;
  int lanes_ = 1;
  Int place_, outer_place_;  // in batch_ and in outer_
};

}  // namespace

absl::Status EmitDynamicUpdateSlice(FusionKernel* kernel, core::DynamicUpdateSliceOp op) {
  const KernelBuffer result = kernel->Materialize(op.getResult());
  STATOR_RETURN_IF_ERROR(EmitCopyUnlessSame(kernel, op.getOperand(), result));
  LoopWork work;
  work.dims = core::DimsOf(op.getUpdate());
  work.elements = {op.getUpdate()};
  work.joinable =
      JoinableDims(work.elements, [&](Value v) { return kernel->BufferOf(v) != nullptr; });
  const size_t rank = work.dims.size();
  for (size_t i = 0; i < rank; ++i) {
    if (work.dims[i] == result.dims[i]) continue;
    if (i > 0) work.joinable[i - 1] = false;
    if (i + 1 < rank) work.joinable[i] = false;
  }
  work.body = [&](ElementEmitter* emitter, IndexSet set) {
    llvm::SmallVector<IndexSets::Change> changes;
    for (int i = 0; i < static_cast<int>(rank); ++i) {
      if (work.dims[i] == result.dims[i]) continue;
      const Int start =
          emitter->ClampedStart(op.getStartIndices()[i], result.dims[i], work.dims[i]);
      changes.push_back({i, emitter->math().Add(emitter->sets().Dim(set, i), start)});
    }
    emitter->Store(result, emitter->sets().Replace(set, changes, result.dims),
                   emitter->Emit(op.getUpdate(), set));
  };
  STATOR_RETURN_IF_ERROR(EmitLoopPhase(kernel, work));
  kernel->SetBuffer(op.getResult(), result);
  return absl::OkStatus();
}

absl::Status EmitScatter(FusionKernel* kernel, core::ScatterOp op) {
  const KernelBuffer result = kernel->Materialize(op.getResult());
  STATOR_RETURN_IF_ERROR(EmitCopyUnlessSame(kernel, op.getOperand(), result));
  STATOR_RETURN_IF_ERROR(ScatterPhase(kernel, op, result).Emit());
  kernel->SetBuffer(op.getResult(), result);
  return absl::OkStatus();
}

}  // namespace stator::compiler
