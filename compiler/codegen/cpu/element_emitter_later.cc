#include "compiler/codegen/cpu/element_emitter.h"
#include "compiler/codegen/cpu/location_text.h"

namespace stator::compiler {

using mlir::Value;

Value ElementEmitter::EmitRngBits(core::RngBitsOp op, IndexSet set) {
  return Fail(NotLowered(op, "inside a loop"), core::ElementTypeOf(op.getResult()), set->lanes);
}
Value ElementEmitter::EmitReduce(core::ReduceOp op, IndexSet set) {
  auto found = reduced_.find(op.getResult());
  if (found != reduced_.end()) {
    const LaneIndex position = sets_.Linear(set);
    if (position.IsUniform() && position.base == found->second.first) return found->second.second;
  }
  return Fail(NotLowered(op, "inside a loop"), core::ElementTypeOf(op.getResult()), set->lanes);
}
Value ElementEmitter::EmitReduceWindow(core::ReduceWindowOp op, IndexSet set) {
  return Fail(NotLowered(op, "inside a loop"), core::ElementTypeOf(op.getResult()), set->lanes);
}
Value ElementEmitter::EmitSelectAndScatter(core::SelectAndScatterOp op, IndexSet set) {
  return Fail(NotLowered(op, "inside a loop"), core::ElementTypeOf(op.getResult()), set->lanes);
}
Value ElementEmitter::EmitCumulative(core::CumulativeOp op, IndexSet set) {
  return Fail(NotLowered(op, "inside a loop"), core::ElementTypeOf(op.getResult()), set->lanes);
}

}  // namespace stator::compiler
