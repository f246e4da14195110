#include "compiler/codegen/cpu/reduce_state.h"

#include <limits>

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

namespace stator::compiler {
namespace {

namespace arith = mlir::arith;
using core::ReduceKind;
using mlir::Type;
using mlir::Value;

int LanesOf(Value value) {
  auto vector = mlir::dyn_cast<mlir::VectorType>(value.getType());
  return vector == nullptr ? 1 : static_cast<int>(vector.getNumElements());
}

}  // namespace

ReduceState::ReduceState(ElementEmitter* emitter, ReduceKind kind, Type operand_element,
                         Type result_element)
    : e_(*emitter),
      kind_(kind),
      is_arg_(kind == ReduceKind::kArgMax || kind == ReduceKind::kArgMin),
      operand_(operand_element),
      accumulator_(AccumulatorType(operand_element)),
      result_(result_element) {}

ReduceState::Values ReduceState::Identity(int lanes) {
  Values state = {e_.arith().Identity(kind_, accumulator_, e_.VectorOf(accumulator_, lanes))};
  if (is_arg_) {
    // Behind every element, so that each of them wins.
    const int64_t last =
        std::numeric_limits<int64_t>::max() >> (64 - result_.getIntOrFloatBitWidth());
    state.push_back(e_.arith().IntConstant(e_.VectorOf(result_, lanes), last));
  }
  return state;
}

ReduceState::Values ReduceState::Of(Value elements, const LaneIndex& position, int lanes) {
  return OfConverted(e_.arith().Convert(elements, operand_, accumulator_), position, lanes);
}

ReduceState::Values ReduceState::OfConverted(Value elements, const LaneIndex& position, int lanes) {
  Values state = {elements};
  if (is_arg_) {
    Value index = lanes == 1 ? e_.math().Get(position.base) : e_.math().Vector(position, lanes);
    state.push_back(
        e_.arith().Convert(index, mlir::IntegerType::get(result_.getContext(), 64), result_));
  }
  return state;
}

ReduceState::Values ReduceState::Combine(const Values& a, const Values& b) {
  if (!is_arg_) return {e_.arith().Combine(kind_, accumulator_, a[0], b[0])};
  mlir::OpBuilder& builder = e_.builder();
  using core::ComparisonDirection;
  const bool max = kind_ == ReduceKind::kArgMax;
  auto both = [&](Value x, Value y) -> Value {
    return builder.create<arith::AndIOp>(e_.loc(), x, y);
  };
  auto either = [&](Value x, Value y) -> Value {
    return builder.create<arith::OrIOp>(e_.loc(), x, y);
  };
  auto compare = [&](ComparisonDirection direction, Value x, Value y) {
    return e_.arith().Compare(direction, accumulator_, x, y);
  };
  Value better = compare(max ? ComparisonDirection::kGt : ComparisonDirection::kLt, b[0], a[0]);
  Value tie = compare(ComparisonDirection::kEq, b[0], a[0]);
  if (mlir::isa<mlir::FloatType>(accumulator_)) {
    Value a_nan = compare(ComparisonDirection::kNe, a[0], a[0]);
    Value b_nan = compare(ComparisonDirection::kNe, b[0], b[0]);
    Value a_number = compare(ComparisonDirection::kEq, a[0], a[0]);
    better = either(better, both(b_nan, a_number));
    tie = either(tie, both(a_nan, b_nan));
  }
  Value earlier = builder.create<arith::CmpIOp>(e_.loc(), arith::CmpIPredicate::slt, b[1], a[1]);
  return Select(either(better, both(tie, earlier)), b, a);
}

ReduceState::Values ReduceState::Select(Value pred, const Values& a, const Values& b) {
  Values state;
  for (auto [x, y] : llvm::zip(a, b)) state.push_back(e_.arith().Select(pred, x, y));
  return state;
}

Value ReduceState::Finish(const Values& state) {
  if (!is_arg_) return e_.arith().Convert(state[0], accumulator_, operand_);
  const int lanes = LanesOf(state[1]);
  Value none = e_.builder().create<arith::CmpIOp>(e_.loc(), arith::CmpIPredicate::eq, state[1],
                                                  Identity(lanes)[1]);
  return e_.arith().Select(none, e_.arith().IntConstant(state[1].getType(), 0), state[1]);
}

Value ReduceState::FirstLanes(Value vector, int begin, int count) {
  llvm::SmallVector<int64_t> lanes;
  for (int i = 0; i < count; ++i) lanes.push_back(begin + i);
  return e_.builder().create<mlir::vector::ShuffleOp>(e_.loc(), vector, vector, lanes);
}

ReduceState::Values ReduceState::Tree(std::vector<Values> parts, int live) {
  const int width = LanesOf(parts[0][0]);
  size_t count = std::max(1, live / width);
  while (count > 1) {
    count /= 2;
    for (size_t i = 0; i < count; ++i) parts[i] = Combine(parts[i], parts[i + count]);
  }
  Values state = parts[0];
  if (width == 1) return state;
  for (int half = std::min(width, live) / 2; half >= 1; half /= 2) {
    Values low, high;
    for (Value component : state) {
      low.push_back(FirstLanes(component, 0, half));
      high.push_back(FirstLanes(component, half, half));
    }
    state = Combine(low, high);
  }
  for (Value& component : state) {
    component = e_.builder().create<mlir::vector::ExtractOp>(e_.loc(), component,
                                                             llvm::ArrayRef<int64_t>{0});
  }
  return state;
}

}  // namespace stator::compiler
