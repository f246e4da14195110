// What a reduction carries from element to element, as values of a kernel.
#ifndef STATOR_COMPILER_CODEGEN_CPU_REDUCE_STATE_H_
#define STATOR_COMPILER_CODEGEN_CPU_REDUCE_STATE_H_

#include "compiler/codegen/cpu/element_emitter.h"

namespace stator::compiler {

// A state is one value of the accumulator's type, or for argmax and argmin a value and its index.
// States are scalars or vectors; all components have as many lanes.
class ReduceState {
 public:
  using Value = mlir::Value;
  using Values = ElementEmitter::Values;

  ReduceState(ElementEmitter* emitter, core::ReduceKind kind, mlir::Type operand_element,
              mlir::Type result_element);

  int components() const { return is_arg_ ? 2 : 1; }
  // Element types of the core dialect.
  mlir::Type Component(int i) const { return i == 0 ? accumulator_ : result_; }

  Values Identity(int lanes);
  // Of elements of the operand's type at these positions of the reduced dimensions.
  Values Of(Value elements, const LaneIndex& position, int lanes);
  // The same of elements that are converted to the accumulator's type.
  Values OfConverted(Value elements, const LaneIndex& position, int lanes);
  // `a` comes before `b`.
  Values Combine(const Values& a, const Values& b);
  Values Select(Value pred, const Values& a, const Values& b);
  // The result's elements.
  Value Finish(const Values& state);

  // Lanes are added by halving: lane l takes lane l + live / 2 and so on. Lanes from `live` on hold
  // the identity; `live` is a power of two. The parts are vectors of equal width, in lane order.
  Values Tree(std::vector<Values> parts, int live);

 private:
  Value FirstLanes(Value vector, int begin, int count);

  ElementEmitter& e_;
  core::ReduceKind kind_;
  bool is_arg_;
  mlir::Type operand_, accumulator_, result_;
};

}  // namespace stator::compiler

#endif  // STATOR_COMPILER_CODEGEN_CPU_REDUCE_STATE_H_
