#include "compiler/codegen/cpu/cumulative_kernel.h"

#include "compiler/codegen/cpu/loop_kernel.h"
#include "compiler/codegen/cpu/reduce_state.h"

namespace stator::compiler {

absl::Status EmitCumulativePhase(FusionKernel* kernel, core::CumulativeOp op,
                                 const KernelBuffer& buffer) {
  using core::DimExpr;
  using core::Dims;
  const Dims dims = core::DimsOf(op.getResult());
  const size_t dim = op.getDimension();
  const Dims outer(dims.begin(), dims.begin() + dim), inner(dims.begin() + dim + 1, dims.end());
  const DimExpr columns = core::Product(kernel->dims(), inner);
  const mlir::Type element = core::ElementTypeOf(op.getResult());
  int lanes = NaturalLanes(*kernel, {op.getOperand()});
  if (columns.IsConstant(1)) lanes = 1;
  const DimExpr tiles = core::CeilDiv(columns, lanes);
  ElementEmitter e(kernel, core::Product(kernel->dims(), outer) * tiles);
  ReduceState state(&e, op.getKind(), element, element);
  IntMath& math = e.math();
  e.phase().ForEachTile([&](mlir::Value tile) {
    Int row = Int(tile), from = 0;
    if (!tiles.IsConstant(1)) {
      row = math.Div(Int(tile), math.PositiveDim(tiles));
      from = math.Mul(math.Rem(Int(tile), math.PositiveDim(tiles)), lanes);
    }
    const Int to = math.Min(math.Add(from, lanes), math.Dim(columns));
    VectorLoop(&e, from, to, lanes, [&](LaneIndex column) {
      const Int count = math.Dim(dims[dim]);
      e.For(0, count, 1, false, state.Identity(lanes),
            [&](Int step, const ReduceState::Values& before) {
              const Int i = op.getReverse() ? math.Sub(math.Sub(count, 1), step) : step;
              std::vector<IndexGroup> groups;
              if (!outer.empty()) groups.push_back({outer, row});
              groups.push_back({Dims{dims[dim]}, i});
              if (!inner.empty()) groups.push_back({inner, column});
              IndexSet set = e.sets().Make(std::move(groups), lanes);
              ReduceState::Values after =
                  state.Combine(before, state.Of(e.Emit(op.getOperand(), set), 0, lanes));
              e.Store(buffer, set, state.Finish(op.getExclusive() ? before : after));
              return after;
            });
    });
  });
  return e.status();
}

}  // namespace stator::compiler
