// i64 arithmetic that folds while it is emitted, and loops over it.
//
// Sizes, offsets and trip counts of a kernel are partly known; an Index is either. Folding here,
// not in a pass, keeps the modules small and shows the emitters what is static.
#ifndef STATOR_COMPILER_CODEGEN_CPU_INDEX_MATH_H_
#define STATOR_COMPILER_CODEGEN_CPU_INDEX_MATH_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "compiler/codegen/cpu/kernel_module.h"
#include "mlir/IR/Value.h"

namespace stator::compiler {

class Index {
 public:
  Index(int64_t value) : constant_(value) {}   // NOLINT: a number is an index
  Index(int value) : constant_(value) {}       // NOLINT
  Index(mlir::Value value) : value_(value) {}  // NOLINT: i64

  bool is_static() const { return value_ == nullptr; }
  bool Is(int64_t constant) const { return is_static() && constant_ == constant; }
  int64_t constant() const { return constant_; }
  mlir::Value value() const { return value_; }

 private:
  mlir::Value value_;
  int64_t constant_ = 0;
};

// Emits at the phase builder's insertion point. All operations are on signed 64-bit numbers;
// division, remainder and comparison expect non-negative ones.
class IndexMath {
 public:
  explicit IndexMath(PhaseBuilder* phase) : p_(phase) {}

  mlir::Value ToValue(Index a);
  Index Add(Index a, Index b);
  Index Sub(Index a, Index b);
  Index Mul(Index a, Index b);
  Index Div(Index a, int64_t b) { return Div(a, Index(b)); }
  Index Div(Index a, Index b);
  Index Rem(Index a, Index b);
  Index CeilDiv(Index a, int64_t b) { return Div(Add(a, b - 1), b); }
  Index Min(Index a, Index b);
  Index Max(Index a, Index b);
  // i1
  mlir::Value Less(Index a, Index b);
  mlir::Value Equal(Index a, Index b);
  mlir::Value Offset(mlir::Value pointer, mlir::Type element, Index index);

  using Body = std::function<std::vector<mlir::Value>(Index, const std::vector<mlir::Value>&)>;
  // for i = lower; i < upper; i += step, carrying values. A loop of no or one known iteration is
  // emitted without a loop.
  std::vector<mlir::Value> For(Index lower, Index upper, int64_t step,
                               const std::vector<mlir::Value>& init, const Body& body);
  void For(Index lower, Index upper, int64_t step, const std::function<void(Index)>& body);
  void If(mlir::Value condition, const std::function<void()>& then,
          const std::function<void()>& otherwise = nullptr);

 private:
  PhaseBuilder* p_;
};

}  // namespace stator::compiler

#endif  // STATOR_COMPILER_CODEGEN_CPU_INDEX_MATH_H_
