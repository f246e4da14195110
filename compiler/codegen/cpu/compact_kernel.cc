#include "compiler/codegen/cpu/compact_kernel.h"

#include "compiler/codegen/cpu/element_emitter.h"
#include "compiler/codegen/cpu/loop_kernel.h"
#include "graph/status_macros.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

namespace stator::compiler {
namespace {

namespace arith = mlir::arith;
using core::DimExpr;
using core::Dims;
using mlir::Value;
using Values = ElementEmitter::Values;

constexpr int64_t kBlock = 4096;  // elements of the mask

class CompactPhases {
 public:
  CompactPhases(FusionKernel* kernel, core::CompactOp op)
      : kernel_(*kernel), op_(op), dims_(core::DimsOf(op.getOperand())) {
    blocks_ = core::CeilDiv(dims_[0], kBlock);
    offsets_ = kernel_.AddWorkspace({blocks_}, mlir::IntegerType::get(op.getContext(), 64));
  }

  absl::Status Emit() {
    STATOR_RETURN_IF_ERROR(EmitCounts());
    STATOR_RETURN_IF_ERROR(EmitOffsets());
    return EmitCopies();
  }

 private:
  Value Chosen(ElementEmitter& e, Int i) {
    return e.Emit(op_.getMask(), e.sets().Flat(core::DimsOf(op_.getMask()), i, 1));
  }
  Value Load(ElementEmitter& e, Int block) {
    return e.Load(offsets_, e.sets().Flat(offsets_.dims, block, 1));
  }
  void Store(ElementEmitter& e, Int block, Value value) {
    e.Store(offsets_, e.sets().Flat(offsets_.dims, block, 1), value);
  }
  Value Add(ElementEmitter& e, Value a, Value b) {
    return e.builder().create<arith::AddIOp>(e.loc(), a, b);
  }
  Value AddBit(ElementEmitter& e, Value count, Value bit) {
    return Add(e, count, e.builder().create<arith::ExtUIOp>(e.loc(), count.getType(), bit));
  }
  // The elements of a block, with a number carried along.
  Values ForBlock(ElementEmitter& e, Int block, Value initial,
                  const std::function<Value(Int, Value)>& body) {
    IntMath& math = e.math();
    const Int from = math.Mul(block, kBlock);
    const Int to = math.Min(math.Add(from, kBlock), math.Dim(dims_[0]));
    return e.For(from, to, 1, true, {initial},
                 [&](Int i, const Values& carried) { return Values{body(i, carried[0])}; });
  }

  absl::Status EmitCounts() {
    ElementEmitter e(&kernel_, blocks_);
    e.phase().ForEachTile([&](Value block) {
      Values count = ForBlock(e, Int(block), e.math().Get(0), [&](Int i, Value so_far) {
        return AddBit(e, so_far, Chosen(e, i));
      });
      Store(e, Int(block), count[0]);
    });
    return e.status();
  }

  absl::Status EmitOffsets() {
    ElementEmitter e(&kernel_, kernel_.dims().Constant(1));
    e.phase().ForEachTile([&](Value) {
      e.For(0, e.math().Dim(blocks_), 1, false, {e.math().Get(0)},
            [&](Int block, const Values& sum) {
              Value count = Load(e, block);
              Store(e, block, sum[0]);
              return Values{Add(e, sum[0], count)};
            });
    });
    return e.status();
  }

  absl::Status EmitCopies() {
    const KernelBuffer result = kernel_.Materialize(op_.getResult());
    const Dims slice(llvm::ArrayRef<DimExpr>(dims_).drop_front());
    const DimExpr size = core::Product(kernel_.dims(), slice);
    ElementEmitter e(&kernel_, size.IsConstant(0) ? kernel_.dims().Constant(0) : blocks_);
    int lanes = NaturalLanes(kernel_, {op_.getOperand()});
    const std::optional<int64_t> known = size.AsConstant();
    if (known && *known * 2 < lanes) lanes = 1;
    auto set = [&](DimExpr count, Int row, LaneIndex column) {
      std::vector<IndexGroup> groups{{Dims{count}, row}};
      if (!slice.empty()) groups.push_back({slice, column});
      return e.sets().Make(std::move(groups), lanes);
    };
    e.phase().ForEachTile([&](Value block) {
      IntMath& math = e.math();
      ForBlock(e, Int(block), Load(e, Int(block)), [&](Int i, Value target) {
        Value chosen = Chosen(e, i);
        // The result has room for all of them; the comparison bounds the writes whatever it has.
        const Pred fits = math.Less(Int(target), math.Dim(result.dims[0]));
        const Pred some = math.Less(LaneIndex(0), math.Dim(size));
        e.When(math.And(math.And({std::nullopt, chosen}, fits), some), [&] {
          VectorLoop(&e, 0, math.Dim(size), lanes, [&](LaneIndex column) {
            Value elements = e.Emit(op_.getOperand(), set(dims_[0], i, column));
            e.Store(result, set(result.dims[0], Int(target), column), elements);
          });
        });
        return AddBit(e, target, chosen);
      });
    });
    kernel_.SetBuffer(op_.getResult(), result);
    return e.status();
  }

  FusionKernel& kernel_;
  core::CompactOp op_;
  Dims dims_;
  DimExpr blocks_;
  KernelBuffer offsets_;
};

}  // namespace

absl::Status EmitCompact(FusionKernel* kernel, core::CompactOp op) {
  return CompactPhases(kernel, op).Emit();
}

}  // namespace stator::compiler
