#include "compiler/codegen/cpu/sort_kernel.h"

#include <optional>

#include "compiler/codegen/cpu/element_emitter.h"
#include "compiler/codegen/cpu/loop_kernel.h"
#include "compiler/codegen/cpu/sort_records.h"
#include "graph/status_macros.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

namespace stator::compiler {
namespace {

namespace arith = mlir::arith;
using core::DimExpr;
using core::Dims;
using mlir::Value;
using Predicate = arith::CmpIPredicate;
using Values = ElementEmitter::Values;

// Up to so many elements of a row are chosen by keeping a sorted list; more by sorting the row.
constexpr int64_t kMaxSelected = 64;

// How often runs of length 1 have to be merged in pairs to become one of n: ceil(log2(n)).
Int Levels(ElementEmitter* e, Int n) {
  IntMath& math = e->math();
  if (n.IsConstant()) {
    int64_t levels = 0;
    while (int64_t{1} << levels < n.constant) ++levels;
    return levels;
  }
  Value below = math.Get(math.Sub(math.Max(n, 1), 1));
  return math.Sub(64, Int(e->builder().create<mlir::math::CountLeadingZerosOp>(e->loc(), below)));
}

// Bottom-up merge sort of each row, between two copies of its records.
class SortPhase {
 public:
  SortPhase(FusionKernel* kernel, Value keys, const SortRecords& records, DimExpr count)
      : kernel_(*kernel), keys_(keys), records_(records), count_(count) {}

  absl::Status Emit() {
    ElementEmitter emitter(&kernel_, records_.rows());
    e_ = &emitter;
    n_ = emitter.math().Dim(count_);
    emitter.phase().ForEachTile([&](Value row) { SortRow(Int(row)); });
    return emitter.status();
  }

 private:
  void SortRow(Int row) {
    IntMath& math = e_->math();
    const Int levels = Levels(e_, n_);
    // The last merge fills copy 0.
    const Int first = math.Rem(levels, 2);
    const int lanes = kernel_.target().Lanes(64);
    e_->When(math.Less(LaneIndex(0), n_), [&] {
      VectorLoop(e_, 0, n_, lanes, [&](LaneIndex index) {
        Value elements = e_->Emit(keys_, records_.RowSet(e_, row, index, lanes));
        records_.StoreRun(e_, row, first, index,
                          records_.Make(e_, records_.Keys(e_, elements), math.Vector(index, lanes)));
      });
    });
    const Int base = math.Mul(row, math.Mul(n_, 2));
    const Int from = math.Add(base, math.Mul(first, n_));
    const Int to = math.Add(base, math.Mul(math.Sub(1, first), n_));
    e_->For(0, levels, 1, false, {math.Get(from), math.Get(to)},
            [&](Int level, const Values& copies) {
              MergePairs(level, copies[0], copies[1]);
              return Values{copies[1], copies[0]};
            });
  }

  void MergePairs(Int level, Value from, Value to) {
    IntMath& math = e_->math();
    const Int width(
        e_->builder().create<arith::ShLIOp>(e_->loc(), math.Get(Int(1)), math.Get(level)));
    e_->For(0, n_, math.Mul(width, 2), true, [&](Int low) {
      const Int middle = math.Min(math.Add(low, width), n_);
      const Int high = math.Min(math.Add(middle, width), n_);
      e_->For(low, high, 1, true, {math.Get(low), math.Get(middle)},
              [&](Int out, const Values& next) {
                return MergeOne(Int(from), Int(to), out, middle, high, next);
              });
    });
  }

  // Without branches: both candidates are loaded, from a valid place at least.
  Values MergeOne(Int from, Int to, Int out, Int middle, Int high, const Values& next) {
    IntMath& math = e_->math();
    mlir::OpBuilder& b = e_->builder();
    const Int last = math.Sub(high, 1), left(next[0]), right(next[1]);
    const SortRecord x = records_.Load(e_, math.Add(from, math.Min(left, last)));
    const SortRecord y = records_.Load(e_, math.Add(from, math.Min(right, last)));
    Value less = records_.Less(e_, y, x);
    Value left_empty = math.Get(math.LessOrEqual(middle, left));
    Value right_left = math.Get(math.Less(right, high));
    Value take_right = b.create<arith::AndIOp>(
        e_->loc(), right_left, b.create<arith::OrIOp>(e_->loc(), left_empty, less));
    records_.Store(e_, math.Add(to, out), SortRecords::Select(e_, take_right, y, x));
    Value step = b.create<arith::ExtUIOp>(e_->loc(), b.getI64Type(), take_right);
    Value new_right = b.create<arith::AddIOp>(e_->loc(), next[1], step);
    Value other = b.create<arith::SubIOp>(e_->loc(), math.Get(Int(1)), step);
    return {b.create<arith::AddIOp>(e_->loc(), next[0], other), new_right};
  }

  FusionKernel& kernel_;
  Value keys_;
  const SortRecords& records_;
  DimExpr count_;
  ElementEmitter* e_ = nullptr;
  Int n_;
};

// Each row's first k records, kept in order while the row is read once.
class SelectPhase {
 public:
  SelectPhase(FusionKernel* kernel, Value keys, const SortRecords& records, DimExpr count,
              int64_t selected)
      : kernel_(*kernel), keys_(keys), records_(records), count_(count), selected_(selected) {}

  absl::Status Emit() {
    ElementEmitter emitter(&kernel_, records_.rows());
    e_ = &emitter;
    lanes_ = NaturalLanes(kernel_, {keys_});
    emitter.phase().ForEachTile([&](Value row) { SelectRow(Int(row)); });
    return emitter.status();
  }

 private:
  void SelectRow(Int row) {
    IntMath& math = e_->math();
    const Int n = math.Dim(count_);
    const Int base = math.Mul(row, selected_);
    e_->For(0, selected_, 1, true, [&](Int i) {
      records_.Store(e_, math.Add(base, i), records_.Last(e_));
    });
    e_->When(math.Less(LaneIndex(0), n), [&] {
      VectorLoop(e_, 0, n, lanes_, [&](LaneIndex index) {
        Value keys = records_.Keys(e_, e_->Emit(keys_, records_.RowSet(e_, row, index, lanes_)));
        const SortRecord worst = records_.Load(e_, math.Add(base, selected_ - 1));
        e_->When(AnyUpTo(keys, records_.KeyOf(e_, worst)), [&] {
          const Int end = math.Min(math.Add(index.base, lanes_), n);
          e_->For(index.base, end, 1, true, [&](Int i) { Insert(row, base, i); });
        });
      });
    });
  }

  Pred AnyUpTo(Value keys, Value bound) {
    mlir::OpBuilder& b = e_->builder();
    Value some = b.create<arith::CmpIOp>(e_->loc(), Predicate::ule, keys,
                                         e_->arith().Splat(bound, lanes_));
    if (lanes_ > 1) {
      some = b.create<mlir::vector::ReductionOp>(e_->loc(), mlir::vector::CombiningKind::OR, some);
    }
    return {std::nullopt, some};
  }

  // The new record moves everything behind its place by one; the last one falls off.
  void Insert(Int row, Int base, Int i) {
    IntMath& math = e_->math();
    Value key = records_.Keys(e_, e_->Emit(keys_, records_.RowSet(e_, row, i, 1)));
    const SortRecord record = records_.Make(e_, key, math.Get(i));
    Values state{record.word};
    if (record.position != nullptr) state.push_back(record.position);
    e_->For(0, selected_, 1, true, state, [&](Int place, const Values& carried) {
      const SortRecord moving{carried[0], carried.size() > 1 ? carried[1] : nullptr};
      const Int number = math.Add(base, place);
      const SortRecord present = records_.Load(e_, number);
      Value less = records_.Less(e_, moving, present);
      records_.Store(e_, number, SortRecords::Select(e_, less, moving, present));
      const SortRecord rest = SortRecords::Select(e_, less, present, moving);
      Values next{rest.word};
      if (rest.position != nullptr) next.push_back(rest.position);
      return next;
    });
  }

  FusionKernel& kernel_;
  Value keys_;
  const SortRecords& records_;
  DimExpr count_;
  int64_t selected_;
  ElementEmitter* e_ = nullptr;
  int lanes_ = 1;
};

// A loop over results in which `axis` is on its own.
LoopWork WorkAlong(llvm::ArrayRef<DimExpr> dims, int64_t axis) {
  LoopWork work;
  work.dims = Dims(dims);
  work.joinable.assign(dims.size() - 1, true);
  if (axis > 0) work.joinable[axis - 1] = false;
  if (axis + 1 < static_cast<int64_t>(dims.size())) work.joinable[axis] = false;
  return work;
}

}  // namespace

absl::Status EmitSort(FusionKernel* kernel, core::SortOp op) {
  const Value keys = op.getInputs()[0];
  const int64_t axis = static_cast<int64_t>(op.getDimension());
  const Dims dims = core::DimsOf(keys);
  const SortRecords records(kernel, core::ElementTypeOf(keys), dims, axis, op.getDescending(),
                            /*copies=*/2, dims[axis]);
  STATOR_RETURN_IF_ERROR(SortPhase(kernel, keys, records, dims[axis]).Emit());
  std::vector<KernelBuffer> results;
  for (Value result : op.getResults()) results.push_back(kernel->Materialize(result));
  LoopWork work = WorkAlong(dims, axis);
  for (Value input : op.getInputs()) work.elements.push_back(input);
  work.body = [&](ElementEmitter* e, IndexSet set) {
    const LaneIndex position = records.Positions(e, set);
    IndexSet from = e->sets().Replace(set, {{static_cast<int>(axis), position}}, dims);
    for (size_t i = 0; i < results.size(); ++i) {
      e->Store(results[i], set, e->Emit(op.getInputs()[i], from));
    }
  };
  STATOR_RETURN_IF_ERROR(EmitLoopPhase(kernel, work));
  for (size_t i = 0; i < results.size(); ++i) kernel->SetBuffer(op.getResults()[i], results[i]);
  return absl::OkStatus();
}

absl::Status EmitTopK(FusionKernel* kernel, core::TopKOp op) {
  const Dims from = core::DimsOf(op.getOperand()), to = core::DimsOf(op.getValues());
  const int64_t axis = static_cast<int64_t>(from.size()) - 1;
  const std::optional<int64_t> selected = to.back().AsConstant();
  const bool select = selected && *selected <= kMaxSelected;
  const KernelBuffer values = kernel->Materialize(op.getValues());
  const KernelBuffer indices = kernel->Materialize(op.getIndices());
  if (!selected || *selected > 0) {
    const SortRecords records(kernel, core::ElementTypeOf(op.getOperand()), from, axis,
                              /*descending=*/true, select ? 1 : 2, select ? to.back() : from.back());
    STATOR_RETURN_IF_ERROR(
        select ? SelectPhase(kernel, op.getOperand(), records, from.back(), *selected).Emit()
               : SortPhase(kernel, op.getOperand(), records, from.back()).Emit());
    LoopWork work = WorkAlong(to, axis);
    work.elements = {op.getOperand()};
    work.body = [&](ElementEmitter* e, IndexSet set) {
      const LaneIndex position = records.Positions(e, set);
      IndexSet at = e->sets().Replace(set, {{static_cast<int>(axis), position}}, from);
      e->Store(values, set, e->Emit(op.getOperand(), at));
      Value wide = set->lanes == 1 ? e->math().Get(position.base) : position.vector;
      mlir::Type i64 = mlir::IntegerType::get(op.getContext(), 64);
      e->Store(indices, set, e->arith().Convert(wide, i64, indices.element));
    };
    STATOR_RETURN_IF_ERROR(EmitLoopPhase(kernel, work));
  }
  kernel->SetBuffer(op.getValues(), values);
  kernel->SetBuffer(op.getIndices(), indices);
  return absl::OkStatus();
}

}  // namespace stator::compiler
