// Elements of a fusion's values, at given positions, as scalars or vectors of the kernel.
#ifndef STATOR_COMPILER_CODEGEN_CPU_ELEMENT_EMITTER_H_
#define STATOR_COMPILER_CODEGEN_CPU_ELEMENT_EMITTER_H_

#include <functional>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "absl/status/status.h"
#include "compiler/codegen/cpu/element_arith.h"
#include "compiler/codegen/cpu/fusion_kernel.h"
#include "compiler/codegen/cpu/hoisting.h"
#include "compiler/codegen/cpu/index_set.h"
#include "compiler/codegen/cpu/int_math.h"
#include "compiler/codegen/cpu/kernel_module.h"

namespace stator::compiler {

// One phase under construction.
//
// Emit recurses from a value through the ops that define it to memory. What was emitted once for a
// value and an index set is reused within its scope. A value whose positions are the same in all
// lanes is computed once, as a scalar. The first error is kept (`status`); from then on the code is
// meaningless but well formed.
class ElementEmitter {
 public:
  using Value = mlir::Value;

  ElementEmitter(FusionKernel* kernel, core::DimExpr grid);

  FusionKernel& kernel() { return kernel_; }
  PhaseBuilder& phase() { return phase_; }
  mlir::OpBuilder& builder() { return phase_.builder(); }
  mlir::Location loc() { return phase_.loc(); }
  IntMath& math() { return math_; }
  IndexSets& sets() { return sets_; }
  ElementArith& arith() { return arith_; }
  const absl::Status& status() const { return status_; }

  // The elements of `value` at `set`: a scalar if set->lanes is 1, else a vector.
  Value Emit(Value value, IndexSet set);
  Value Load(const KernelBuffer& buffer, IndexSet set);
  void Store(const KernelBuffer& buffer, IndexSet set, Value elements);

  // One value or vector in the worker's scratch, at this byte. `masked`: only lanes that count.
  Value LoadScratch(Int byte, mlir::Type core_element, int lanes);
  void StoreScratch(Int byte, mlir::Type core_element, Value elements, bool masked = false);

  // From now on, `element` is that of a reduction at this row-major position, and asking for any
  // other position of it is an error.
  void DefineReduced(Value value, Int position, Value element);

  // From now on, in this scope, `elements` are those of `value` at `set`.
  void Define(Value value, IndexSet set, Value elements);

  // for i in [from, to) with this step; body(i). `not_empty`: from < to wherever this is reached.
  void For(Int from, Int to, Int step, bool not_empty, const std::function<void(Int)>& body);
  // The same with values carried from one iteration to the next.
  using Values = llvm::SmallVector<Value>;
  Values For(Int from, Int to, Int step, bool not_empty, const Values& initial,
             const std::function<Values(Int, const Values&)>& body);
  // By branch where the condition is the same in all lanes, else by masking both sides.
  Value If(const Pred& condition, mlir::Type type, const std::function<Value()>& on_true,
           const std::function<Value()>& on_false);
  // A branch without results.
  void When(const Pred& condition, const std::function<void()>& then);
  // Loads and stores inside touch only lanes below `count`, at least one.
  void WithFirstLanes(Int count, int lanes, const std::function<void()>& body);

  // What is emitted inside is not reused after it.
  void Isolated(const std::function<void()>& body) {
    Scope scope(this);
    body();
  }
  // The lanes that count inside WithFirstLanes (vector<lanes x i1>), or null for all.
  Value mask() const { return mask_; }

  // Code that does not follow the present lanes: without the mask, and not at all when it is empty.
  Value Unmasked(mlir::Type type, const std::function<Value()>& body);

  Value Fail(absl::Status status, mlir::Type core_element, int lanes);
  Value Zero(mlir::Type core_element, int lanes);
  mlir::Type VectorOf(mlir::Type core_element, int lanes);
  Int ToInt64(Value element, mlir::Type core_element);
  LaneIndex ToIndex(Value elements, mlir::Type core_element);
  // Where a block that a dynamic slice or update asks for at the scalar `start` begins.
  Int ClampedStart(Value start, core::DimExpr size, core::DimExpr block);

 private:
  // What is emitted inside is forgotten at the end.
  class Scope {
   public:
    explicit Scope(ElementEmitter* emitter) : emitter_(*emitter) { emitter_.memo_.emplace_back(); }
    ~Scope() { emitter_.memo_.pop_back(); }

   private:
    ElementEmitter& emitter_;
  };
  friend class Scope;

  Value EmitOp(mlir::Operation* op, Value value, IndexSet set);
  Value EmitElementwise(mlir::Operation* op, IndexSet set);
  Value EmitConstant(core::ConstantOp op, IndexSet set);
  Value EmitDimValues(core::DimValuesOp op, IndexSet set);
  Value EmitIota(core::IotaOp op, IndexSet set);
  Value EmitBroadcast(core::BroadcastInDimOp op, IndexSet set);
  Value EmitTranspose(core::TransposeOp op, IndexSet set);
  Value EmitSlice(core::SliceOp op, IndexSet set);
  Value EmitDynamicSlice(core::DynamicSliceOp op, IndexSet set);
  Value EmitDynamicUpdateSlice(core::DynamicUpdateSliceOp op, IndexSet set);
  Value EmitPad(core::PadOp op, IndexSet set);
  Value EmitConcatenate(core::ConcatenateOp op, IndexSet set);
  Value EmitReverse(core::ReverseOp op, IndexSet set);
  Value EmitGather(core::GatherOp op, IndexSet set);
  Value EmitRngBits(core::RngBitsOp op, IndexSet set);
  Value EmitReduce(core::ReduceOp op, IndexSet set);
  Value EmitReduceWindow(core::ReduceWindowOp op, IndexSet set);
  Value EmitSelectAndScatter(core::SelectAndScatterOp op, IndexSet set);
  Value EmitContraction(mlir::Operation* op, IndexSet set);
  // Whether `value` comes before `best` as the largest of a window.
  Value Beats(mlir::Type core_element, Value value, Value best);
  Value LoadMemory(int buffer, Value pointer, mlir::Type core_element, const LaneIndex& offset,
                   int lanes);
  Value LoadScalar(int buffer, Value pointer, mlir::Type type);
  Value LoadGather(int buffer, Value pointer, mlir::Type type, const LaneIndex& offset, int lanes);
  Value AnyLane();

  FusionKernel& kernel_;
  PhaseBuilder phase_;
  HoistingListener hoisting_;
  IntMath math_;
  IndexSets sets_;
  ElementArith arith_;
  absl::Status status_;
  using Key = std::tuple<void*, IndexSet, void*>;
  std::vector<std::map<Key, Value>> memo_;
  // Lanes that count, or null for all. Some lane counts unless mask_may_be_empty_.
  Value mask_;
  bool mask_may_be_empty_ = false;
  llvm::DenseMap<Value, std::pair<Int, Value>> reduced_;
  llvm::DenseMap<mlir::Operation*, Value> constants_;  // arrays among read-only data
};

// How many of the widest elements among the values that lead to `values` fill a machine vector.
int NaturalLanes(const FusionKernel& kernel, llvm::ArrayRef<mlir::Value> values);

}  // namespace stator::compiler

#endif  // STATOR_COMPILER_CODEGEN_CPU_ELEMENT_EMITTER_H_
