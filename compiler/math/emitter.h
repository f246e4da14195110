#ifndef STATOR_COMPILER_MATH_EMITTER_H_
#define STATOR_COMPILER_MATH_EMITTER_H_

#include <array>
#include <cstdint>
#include <optional>
#include <utility>

#include "compiler/math/emit.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Value.h"

namespace stator::compiler::math {

// Selects one of eight table entries per lane.
struct EmittedTableIndex {
  enum class Method {
    kSelects,       // a tree of selects by the bits of the index
    kPermutation,   // `permutation` holds the index (modulo 8)
    kHalvedDoubles  // as pairs of floats: `permutation` within each half of the table, bits[2] the
                    // half
  };
  Method method;
  mlir::Value permutation;
  std::array<mlir::Value, 3> bits;  // of the index, as masks
};

// Emits operations on values of one shape. EmittedNumber gives them the form that recipes are
// written in.
class Emitter {
 public:
  // The shape is that of `like`: a scalar or a vector, of one dimension where recipes are emitted.
  Emitter(mlir::OpBuilder& builder, mlir::Location location, mlir::Type like,
          const EmitOptions& options);

  mlir::OpBuilder& builder() { return builder_; }
  mlir::Location location() { return location_; }

  // The element type, or the vector of it.
  mlir::Type Shape(mlir::Type element) const;

  mlir::Value Constant(float value);
  mlir::Value Constant(double value);
  mlir::Value Constant(uint32_t value);
  mlir::Value Constant(uint64_t value);
  mlir::Value Constant(unsigned __int128 value);

  template <typename Op, typename... Arguments>
  mlir::Value Create(Arguments&&... arguments) {
    return builder_.create<Op>(location_, std::forward<Arguments>(arguments)...);
  }

  // Null where the target has no instruction for this shape.
  mlir::Value HardwareScale(mlir::Value p, mlir::Value n);
  // Mantissa and exponent.
  std::optional<std::array<mlir::Value, 2>> HardwareSplitExponent(mlir::Value x);

  // For tables of numbers as wide as the integers in `index`.
  EmittedTableIndex MakeTableIndex(mlir::Value index);
  mlir::Value Lookup(const EmittedTableIndex& index, const float (&table)[8]);
  mlir::Value Lookup(const EmittedTableIndex& index, const double (&table)[8]);

  // i1: whether any lane of the mask is set.
  mlir::Value Any(mlir::Value mask);
  mlir::Value IfAny(mlir::Value mask, mlir::Value otherwise,
                    llvm::function_ref<mlir::Value()> rare);
  using State = std::array<mlir::Value, 2>;
  State WhileAny(State state, llvm::function_ref<mlir::Value(State)> condition,
                 llvm::function_ref<State(State)> body);

  // ReduceHugeAngles (scalar_number.h): high, low and quadrant of the lanes in the mask come from a
  // call per lane, the others from `usual`.
  std::array<mlir::Value, 3> ReduceHugeAngles(mlir::Value mask, mlir::Value angle,
                                              std::array<mlir::Value, 3> usual);

 private:
  mlir::Value SplatConstant(mlir::TypedAttr element);
  // Calls the intrinsic on each register of `width` lanes of the operands. `arguments` makes the
  // call's arguments of the registers; the results hold the given elements.
  mlir::Value CallByRegister(
      llvm::StringRef intrinsic, int64_t width, mlir::Type element, mlir::ValueRange operands,
      llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::ValueRange)> arguments);
  // A mask of the lanes whose index has that bit.
  mlir::Value TestIndexBit(mlir::Value index, int bit);
  template <typename S>
  mlir::Value LookupBySelects(const EmittedTableIndex& index, const S (&table)[8]);
  template <typename S>
  mlir::Value LookupByPermutation(const EmittedTableIndex& index, const S (&table)[8]);
  mlir::Value LookupInHalves(const EmittedTableIndex& index, const double (&table)[8]);
  bool FillsAvx512Registers(mlir::Type element) const;

  mlir::OpBuilder& builder_;
  mlir::Location location_;
  mlir::VectorType vector_;  // null for scalars
  int64_t lanes_;            // 0 for scalars
  EmitOptions options_;
};

}  // namespace stator::compiler::math

#endif  // STATOR_COMPILER_MATH_EMITTER_H_
