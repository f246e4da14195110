// Loops that combine the elements of one reduction in its fixed order.
#ifndef STATOR_COMPILER_CODEGEN_CPU_REDUCE_LOOPS_H_
#define STATOR_COMPILER_CODEGEN_CPU_REDUCE_LOOPS_H_

#include <functional>
#include <optional>
#include <vector>

#include "compiler/codegen/cpu/reduce_state.h"
#include "compiler/dialect/sum_order.h"

namespace stator::compiler {

// Which of a reduction's dimensions are reduced and which are kept.
struct ReduceShape {
  explicit ReduceShape(core::ReduceOp op);

  core::Dims kept, reduced;
  core::DimExpr count;  // elements per result element
  // Of kept dimensions followed by reduced ones, which is operand dimension i.
  llvm::SmallVector<int64_t> source;
  core::Dims operand;
  core::SumOrder order{1, 1};
  // Whether one block always suffices.
  bool OneBlock() const;
  core::DimExpr Blocks() const;  // at least 1
};

// Emits into the emitter's phase; one for each reduction of it.
class ReduceLoops {
 public:
  using Values = ReduceState::Values;
  using Value = mlir::Value;

  ReduceLoops(ElementEmitter* emitter, core::ReduceOp op);

  const ReduceShape& shape() const { return shape_; }
  ReduceState& state() { return state_; }
  int vector_lanes() const { return vector_lanes_; }

  // The state for elements at positions of the kept dimensions and a row-major position in the
  // reduced ones.
  Values Element(const std::vector<IndexGroup>& kept, const LaneIndex& reduced, int lanes);

  // For sums over lanes: the scalar state of one block, elements [from, to).
  Values Block(const std::vector<IndexGroup>& kept, Int from, Int to);
  // The same, of all blocks.
  Values AllBlocks(const std::vector<IndexGroup>& kept);
  // For sums in sequence, of several vectors side by side: elements [from, to).
  using Kept = std::vector<IndexGroup>;
  std::vector<Values> Sequence(const std::vector<Kept>& kept, int lanes, Int from, Int to);

  // Combines the states of blocks 0 … count - 1, count >= 1, by the balanced tree.
  Values Tree(Int count, int lanes, const std::function<Values(Int)>& block);

 private:
  using ElementsAt = std::function<Values(const LaneIndex&)>;
  Values Accumulate(const Values& initial, Int from, Int to, const ElementsAt& element);
  bool InChunks() const;
  void FillChunk(const std::vector<IndexGroup>& kept, Int from, Int to);
  Value Operand(const std::vector<IndexGroup>& kept, const LaneIndex& reduced, int lanes);
  Values LoadSlot(Int slot, int lanes);
  void StoreSlot(Int slot, const Values& state, int lanes);
  int64_t SlotBytes(int component, int lanes);

  ElementEmitter& e_;
  core::ReduceOp op_;
  ReduceShape shape_;
  ReduceState state_;
  int vector_lanes_;
  // The reduced dimensions, where vectors are along the inner ones. No outer ones: always.
  core::Dims outer_, inner_;
  int64_t slots_ = -1;  // offsets in the scratch
  int64_t chunk_ = -1;
};

}  // namespace stator::compiler

#endif  // STATOR_COMPILER_CODEGEN_CPU_REDUCE_LOOPS_H_
