#ifndef STATOR_COMPILER_REFERENCE_FRAME_H_
#define STATOR_COMPILER_REFERENCE_FRAME_H_

// State of a running function, as the evaluators of the ops see it. Internal to this folder.

#include <functional>

#include "compiler/dialect/core_dialect.h"
#include "compiler/reference/interpreter.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/StringMap.h"

namespace stator::compiler::reference {

class Frame;
using Evaluator = std::function<absl::Status(mlir::Operation*, Frame&)>;
// By operation name.
using OpTable = llvm::StringMap<Evaluator>;

// Of every elementwise op that the table does not have: a function of one or two operands of one
// type, found by its name.
absl::Status EvaluateElementwise(mlir::Operation* op, Frame& frame);

// Each file adds the evaluators of its ops.
void AddElementwiseAndShapeOps(OpTable& table);
void AddNumericOps(OpTable& table);
void AddControlOps(OpTable& table);
void AddStateOps(OpTable& table);

// What the functions of one run share.
struct RunState {
  RunState(Variables& variables, const RunOptions& options);

  Budget budget;
  Variables& variables;
  HostCall host_call;
  OpTable table;
  int call_depth = 0;
  bool error_located = false;  // the error on its way up already names its op
  // Values that no op of the block needs after this one.
  llvm::DenseMap<mlir::Operation*, llvm::SmallVector<mlir::Value, 2>> last_uses;
  llvm::DenseSet<mlir::Block*> planned_blocks;
};

// How values meet the dimension expressions of their types.
enum class Binding {
  kCheck,   // an unbound symbol standing alone is bound; everything else must agree
  kRebind,  // a symbol standing alone that is not an input's takes the new size
};

class Frame {
 public:
  explicit Frame(RunState& state) : state_(state) {}

  RunState& state() { return state_; }
  Budget& budget() { return state_.budget; }

  const Value& value(mlir::Value v) const { return values_.find(v)->second; }
  const Tensor& tensor(mlir::Value v) const { return std::get<Tensor>(value(v)); }
  const std::vector<Tensor>& list(mlir::Value v) const {
    return *std::get<List>(value(v)).elements;
  }
  std::vector<Tensor> tensors(mlir::ValueRange range) const;
  std::vector<Value> values(mlir::ValueRange range) const;
  // Of a scalar integer tensor.
  int64_t integer(mlir::Value v) const;

  // Gives a result its value, after comparing it with the result's type.
  absl::Status Set(mlir::Value v, Value value, Binding binding = Binding::kCheck);
  absl::Status SetAll(mlir::ValueRange results, std::vector<Value> values,
                      Binding binding = Binding::kCheck);

  // Runs the only block of a region. Its values, arguments included, die with it.
  absl::StatusOr<std::vector<Value>> RunRegion(mlir::Region& region, std::vector<Value> arguments,
                                               Binding binding = Binding::kCheck);

  // A function's region in this frame, which must be new: arguments bind symbols, guards are
  // evaluated first.
  absl::StatusOr<std::vector<Value>> RunFunction(mlir::Region& region,
                                                 std::vector<Value> arguments);

  // The same in a frame of its own, which knows this one's symbols.
  absl::StatusOr<std::vector<Value>> Call(mlir::Region& region, std::vector<Value> arguments);

  // Sizes under the symbols bound so far; FailedPrecondition names an unbound one.
  absl::StatusOr<int64_t> Evaluate(core::DimExpr expr) const;
  absl::StatusOr<Shape> Evaluate(llvm::ArrayRef<core::DimExpr> exprs) const;
  // The dimensions that a value's type says.
  absl::StatusOr<Shape> DimsOfType(mlir::Value v) const;
  absl::StatusOr<Shape> DimsOfType(mlir::RankedTensorType type) const;

  // Binds or rebinds; InvalidArgument if the facts of the symbol forbid the size.
  absl::Status BindSymbol(const core::DimSymbol* symbol, int64_t size);
  absl::Status BindToTypes(mlir::TypeRange types, absl::Span<const Value> values, Binding binding);

 private:
  absl::Status Execute(mlir::Operation* op);
  absl::Status BindShape(mlir::RankedTensorType type, const Shape& dims, Binding binding);
  absl::Status CheckShape(mlir::RankedTensorType type, const Tensor& tensor) const;
  absl::Status CheckGuards(mlir::Region& region);
  absl::Status BindVariables(mlir::Operation* module);
  void Release(mlir::Operation* op);

  RunState& state_;
  llvm::DenseMap<mlir::Value, Value> values_;
  llvm::DenseMap<const core::DimSymbol*, int64_t> symbols_;
};

// Adds the evaluator of one op class: Status(Op, Frame&).
template <typename Op, typename Fn>
void On(OpTable& table, Fn fn) {
  table[Op::getOperationName()] = [fn](mlir::Operation* op, Frame& frame) -> absl::Status {
    return fn(llvm::cast<Op>(op), frame);
  };
}

// The same for ops with one tensor result: StatusOr<Tensor>(Op, Frame&).
template <typename Op, typename Fn>
void OnTensor(OpTable& table, Fn fn) {
  table[Op::getOperationName()] = [fn](mlir::Operation* op, Frame& frame) -> absl::Status {
    absl::StatusOr<Tensor> result = fn(llvm::cast<Op>(op), frame);
    if (!result.ok()) return result.status();
    return frame.Set(op->getResult(0), *std::move(result));
  };
}

inline absl::Span<const int64_t> AsSpan(llvm::ArrayRef<int64_t> values) {
  return absl::Span<const int64_t>(values.data(), values.size());
}

}  // namespace stator::compiler::reference

#endif  // STATOR_COMPILER_REFERENCE_FRAME_H_
