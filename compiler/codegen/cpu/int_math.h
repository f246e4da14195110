// LaneIndex arithmetic of a kernel: i64 values with constants folded and equal expressions emitted once.
#ifndef STATOR_COMPILER_CODEGEN_CPU_INT_MATH_H_
#define STATOR_COMPILER_CODEGEN_CPU_INT_MATH_H_

#include <cstdint>
#include <map>
#include <optional>
#include <tuple>
#include <vector>

#include "compiler/codegen/cpu/kernel_module.h"
#include "compiler/dialect/dim_expr.h"
#include "mlir/IR/Value.h"

namespace stator::compiler {

// An i64: a constant, or a value of the kernel.
struct Int {
  mlir::Value value;  // null for a constant
  int64_t constant = 0;

  Int() = default;
  Int(int64_t constant) : constant(constant) {}  // NOLINT: constants convert
  explicit Int(mlir::Value value) : value(value) {}

  bool IsConstant() const { return value == nullptr; }
  bool Is(int64_t c) const { return value == nullptr && constant == c; }
  friend bool operator==(const Int& a, const Int& b) {
    return a.value == b.value && a.constant == b.constant;
  }
  friend bool operator<(const Int& a, const Int& b) {
    return std::make_pair(a.value.getAsOpaquePointer(), a.constant) <
           std::make_pair(b.value.getAsOpaquePointer(), b.constant);
  }
};

// An i64 for each of `lanes` lanes: base + lane * step, or a vector.
struct LaneIndex {
  Int base;
  Int step;
  mlir::Value vector;  // vector<lanes x i64>; then base and step are unused
  int lanes = 1;

  LaneIndex() = default;
  LaneIndex(int64_t constant) : base(constant) {}      // NOLINT: constants convert
  LaneIndex(Int base) : base(base) {}                  // NOLINT: the same in all lanes
  LaneIndex(Int base, Int step, int lanes) : base(base), step(step), lanes(lanes) {}

  bool IsUniform() const { return vector == nullptr && step.Is(0); }
  friend bool operator==(const LaneIndex& a, const LaneIndex& b) {
    return a.base == b.base && a.step == b.step && a.vector == b.vector && a.lanes == b.lanes;
  }
  friend bool operator<(const LaneIndex& a, const LaneIndex& b) {
    return std::make_tuple(a.base, a.step, a.vector.getAsOpaquePointer(), a.lanes) <
           std::make_tuple(b.base, b.step, b.vector.getAsOpaquePointer(), b.lanes);
  }
};

// A truth value: known, the same in all lanes (i1), or one per lane (vector<lanes x i1>).
struct Pred {
  std::optional<bool> known;
  mlir::Value value;
  bool IsUniform() const {
    return known.has_value() || !mlir::isa<mlir::VectorType>(value.getType());
  }
};

// The scalars that a kernel's frame passes, numbered as they are first needed.
class ScalarTable {
 public:
  static constexpr int kMaxScalars = 1024;
  int Number(core::DimExpr expr);
  const std::vector<core::DimExpr>& scalars() const { return scalars_; }

 private:
  std::vector<core::DimExpr> scalars_;
};

// Emits into one phase. Each operation is placed as far out as its operands allow, whatever the
// builder's insertion point, so a result may be used wherever its operands may.
class IntMath {
 public:
  IntMath(PhaseBuilder* phase, ScalarTable* scalars) : phase_(*phase), scalars_(*scalars) {}

  Int Dim(core::DimExpr expr);
  // At least 1: a divisor for code that is never reached when the dimension is 0.
  Int PositiveDim(core::DimExpr expr);
  mlir::Value Get(Int a);

  Int Add(Int a, Int b);
  Int Sub(Int a, Int b);
  Int Mul(Int a, Int b);
  Int Div(Int a, Int b);  // of numbers that are not negative; b > 0
  Int Rem(Int a, Int b);
  Int Min(Int a, Int b);
  Int Max(Int a, Int b);
  // a rounded down to a multiple of the constant b, a >= 0.
  Int AlignDown(Int a, int64_t b);

  mlir::Value Vector(const LaneIndex& a, int lanes);
  LaneIndex Add(const LaneIndex& a, const LaneIndex& b);
  LaneIndex Sub(const LaneIndex& a, const LaneIndex& b);
  LaneIndex Mul(const LaneIndex& a, Int b);
  LaneIndex Div(const LaneIndex& a, Int b);
  LaneIndex Rem(const LaneIndex& a, Int b);
  LaneIndex Min(const LaneIndex& a, Int b);
  LaneIndex Max(const LaneIndex& a, Int b);
  LaneIndex OfVector(mlir::Value vector);  // of i64, or a single i64
  // The lane's value as an index of its own.
  Int Lane(const LaneIndex& a, mlir::Value lane);

  Pred Less(const LaneIndex& a, Int b);
  Pred LessOrEqual(Int a, const LaneIndex& b);
  Pred Equal(const LaneIndex& a, Int b);
  Pred And(const Pred& a, const Pred& b);
  Pred Not(const Pred& a);
  mlir::Value Get(const Pred& a);                   // i1 of a uniform one
  mlir::Value GetVector(const Pred& a, int lanes);  // vector<lanes x i1>

  PhaseBuilder& phase() { return phase_; }
  mlir::Type VectorType(int lanes);

 private:
  enum Op { kAdd, kSub, kMul, kDiv, kRem, kMin, kMax, kLess, kLessOrEqual, kEqual, kAnd, kNot };
  mlir::Value Emit(Op op, mlir::Value a, mlir::Value b);
  mlir::Value Splat(mlir::Value a, int lanes);
  mlir::Value Constant(int64_t value);
  mlir::Value LaneNumbers(int lanes);
  Int Fold(Op op, Int a, Int b);
  LaneIndex Lanewise(Op op, const LaneIndex& a, const LaneIndex& b);
  Pred Compare(Op op, const LaneIndex& a, const LaneIndex& b);

  PhaseBuilder& phase_;
  ScalarTable& scalars_;
  std::map<std::tuple<int, void*, void*>, mlir::Value> emitted_;
  std::map<int64_t, mlir::Value> constants_;
  std::map<int, mlir::Value> lane_numbers_;
};

// The builder's insertion point becomes the earliest one that all operands dominate.
void SetInsertionPointAfterOperands(mlir::OpBuilder& builder,
                                    llvm::ArrayRef<mlir::Value> operands);

}  // namespace stator::compiler

#endif  // STATOR_COMPILER_CODEGEN_CPU_INT_MATH_H_
