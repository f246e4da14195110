#include "compiler/math/emitter.h"

#include <bit>

#include "llvm/ADT/SmallVector.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/TypeUtilities.h"

namespace stator::compiler::math {
namespace {

using llvm::ArrayRef;
using llvm::SmallVector;
using llvm::StringRef;
using mlir::Type;
using mlir::Value;
using mlir::ValueRange;
using mlir::VectorType;

// Operands of AVX-512 intrinsics: round as MXCSR says; all lanes of the mask.
constexpr int kCurrentRounding = 4;
// getmant: mantissas in [0.75, 1.5), NaN for negative operands.
constexpr int kMantissaControl = 0b1011;

Type ElementType(Value value) { return mlir::getElementTypeOrSelf(value.getType()); }

}  // namespace

Emitter::Emitter(mlir::OpBuilder& builder, mlir::Location location, Type like,
                 const EmitOptions& options)
    : builder_(builder),
      location_(location),
      vector_(mlir::dyn_cast<VectorType>(like)),
      lanes_(vector_ ? vector_.getNumElements() : 0),
      options_(options) {}

Type Emitter::Shape(Type element) const {
  return vector_ ? Type(VectorType::get(vector_.getShape(), element)) : element;
}

Value Emitter::SplatConstant(mlir::TypedAttr element) {
  if (!vector_) return Create<mlir::arith::ConstantOp>(element);
  const auto type = mlir::cast<VectorType>(Shape(element.getType()));
  return Create<mlir::arith::ConstantOp>(
      mlir::SplatElementsAttr::get(type, mlir::Attribute(element)));
}

Value Emitter::Constant(float value) { return SplatConstant(builder_.getF32FloatAttr(value)); }

Value Emitter::Constant(double value) { return SplatConstant(builder_.getF64FloatAttr(value)); }

Value Emitter::Constant(uint32_t value) { return SplatConstant(builder_.getI32IntegerAttr(value)); }

Value Emitter::Constant(uint64_t value) { return SplatConstant(builder_.getI64IntegerAttr(value)); }

Value Emitter::Constant(unsigned __int128 value) {
  const uint64_t words[] = {static_cast<uint64_t>(value), static_cast<uint64_t>(value >> 64)};
  return SplatConstant(
      builder_.getIntegerAttr(builder_.getIntegerType(128), llvm::APInt(128, words)));
}

bool Emitter::FillsAvx512Registers(Type element) const {
  return options_.avx512 && lanes_ > 0 && lanes_ * element.getIntOrFloatBitWidth() % 512 == 0;
}

Value Emitter::CallByRegister(StringRef intrinsic, int64_t width, Type element, ValueRange operands,
                              llvm::function_ref<SmallVector<Value>(ValueRange)> arguments) {
  const auto call = [&](ValueRange parts) -> Value {
    const Type type = VectorType::get({width}, element);
    return builder_
        .create<mlir::LLVM::CallIntrinsicOp>(location_, type, intrinsic, arguments(parts))
        .getResult(0);
  };
  const int64_t lanes = mlir::cast<VectorType>(operands[0].getType()).getNumElements();
  if (width == lanes) return call(operands);
  const auto type = VectorType::get({lanes}, element);
  Value result =
      Create<mlir::arith::ConstantOp>(mlir::cast<mlir::TypedAttr>(builder_.getZeroAttr(type)));
  for (int64_t first = 0; first < lanes; first += width) {
    SmallVector<Value> parts;
    for (Value operand : operands) {
      parts.push_back(Create<mlir::vector::ExtractStridedSliceOp>(
          operand, ArrayRef<int64_t>{first}, ArrayRef<int64_t>{width}, ArrayRef<int64_t>{1}));
    }
    result = Create<mlir::vector::InsertStridedSliceOp>(
        call(parts), result, ArrayRef<int64_t>{first}, ArrayRef<int64_t>{1});
  }
  return result;
}

// The intrinsics' further arguments: where masked-out lanes come from, the mask (all ones), and the
// rounding.
Value Emitter::HardwareScale(Value p, Value n) {
  const Type element = ElementType(p);
  if (!FillsAvx512Registers(element)) return {};
  const bool is_f32 = element.isF32();
  const int64_t width = is_f32 ? 16 : 8;
  const Value mask = Create<mlir::arith::ConstantIntOp>(-1, width);
  const Value rounding = Create<mlir::arith::ConstantIntOp>(kCurrentRounding, 32);
  return CallByRegister(
      is_f32 ? "llvm.x86.avx512.mask.scalef.ps.512" : "llvm.x86.avx512.mask.scalef.pd.512", width,
      element, {p, n}, [&](ValueRange part) -> SmallVector<Value> {
        return {part[0], part[1], part[0], mask, rounding};
      });
}

std::optional<std::array<Value, 2>> Emitter::HardwareSplitExponent(Value x) {
  const Type element = ElementType(x);
  if (!FillsAvx512Registers(element)) return std::nullopt;
  const bool is_f32 = element.isF32();
  const int64_t width = is_f32 ? 16 : 8;
  const Value mask = Create<mlir::arith::ConstantIntOp>(-1, width);
  const Value rounding = Create<mlir::arith::ConstantIntOp>(kCurrentRounding, 32);
  const Value control = Create<mlir::arith::ConstantIntOp>(kMantissaControl, 32);
  const Value mantissa = CallByRegister(
      is_f32 ? "llvm.x86.avx512.mask.getmant.ps.512" : "llvm.x86.avx512.mask.getmant.pd.512", width,
      element, {x}, [&](ValueRange part) -> SmallVector<Value> {
        return {part[0], control, part[0], mask, rounding};
      });
  const auto exponent_of = [&](Value value) {
    return CallByRegister(
        is_f32 ? "llvm.x86.avx512.mask.getexp.ps.512" : "llvm.x86.avx512.mask.getexp.pd.512", width,
        element, {value}, [&](ValueRange part) -> SmallVector<Value> {
          return {part[0], part[0], mask, rounding};
        });
  };
  // The mantissa's own exponent is 0 or -1.
  const Value exponent = Create<mlir::arith::SubFOp>(exponent_of(x), exponent_of(mantissa));
  return {{mantissa, exponent}};
}

Value Emitter::TestIndexBit(Value index, int bit) {
  const bool is_32_bits = ElementType(index).isInteger(32);
  const Value zero = is_32_bits ? Constant(uint32_t{0}) : Constant(uint64_t{0});
  const Value weight = is_32_bits ? Constant(uint32_t{1} << bit) : Constant(uint64_t{1} << bit);
  return Create<mlir::arith::CmpIOp>(mlir::arith::CmpIPredicate::ne,
                                     Create<mlir::arith::AndIOp>(index, weight), zero);
}

EmittedTableIndex Emitter::MakeTableIndex(Value index) {
  using Method = EmittedTableIndex::Method;
  const Type element = ElementType(index);
  const bool fills_avx2 =
      options_.avx2 && lanes_ > 0 && lanes_ * element.getIntOrFloatBitWidth() % 256 == 0;
  if (FillsAvx512Registers(element) || (fills_avx2 && element.isInteger(32))) {
    return {Method::kPermutation, index, {}};
  }
  if (fills_avx2) {
    // Double i of a half consists of its floats 2i and 2i + 1.
    const Value low = Create<mlir::arith::ShLIOp>(
        Create<mlir::arith::AndIOp>(index, Constant(uint64_t{7})), Constant(uint64_t{1}));
    const Value high = Create<mlir::arith::ShLIOp>(
        Create<mlir::arith::OrIOp>(low, Constant(uint64_t{1})), Constant(uint64_t{32}));
    const Value pairs =
        Create<mlir::vector::BitCastOp>(VectorType::get({2 * lanes_}, builder_.getI32Type()),
                                        Create<mlir::arith::OrIOp>(low, high));
    return {Method::kHalvedDoubles, pairs, {Value(), Value(), TestIndexBit(index, 2)}};
  }
  return {Method::kSelects,
          {},
          {TestIndexBit(index, 0), TestIndexBit(index, 1), TestIndexBit(index, 2)}};
}

template <typename S>
Value Emitter::LookupBySelects(const EmittedTableIndex& index, const S (&table)[8]) {
  std::array<Value, 8> level;
  for (int i = 0; i < 8; ++i) level[i] = Constant(table[i]);
  for (int bit = 0; bit < 3; ++bit) {
    for (int i = 0; i < (4 >> bit); ++i) {
      level[i] = Create<mlir::arith::SelectOp>(index.bits[bit], level[2 * i + 1], level[2 * i]);
    }
  }
  return level[0];
}

// A 512-bit register of floats holds the table twice.
template <typename S>
Value Emitter::LookupByPermutation(const EmittedTableIndex& index, const S (&table)[8]) {
  const bool is_f32 = sizeof(S) == sizeof(float);
  const Type element = is_f32 ? Type(builder_.getF32Type()) : Type(builder_.getF64Type());
  const bool wide = FillsAvx512Registers(element);
  const int64_t width = is_f32 && wide ? 16 : 8;
  SmallVector<S> entries;
  for (int64_t lane = 0; lane < width; ++lane) entries.push_back(table[lane % 8]);
  const Value values = Create<mlir::arith::ConstantOp>(
      mlir::DenseElementsAttr::get(VectorType::get({width}, element), ArrayRef<S>(entries)));
  const StringRef intrinsic = !wide    ? "llvm.x86.avx2.permps"
                              : is_f32 ? "llvm.x86.avx512.permvar.sf.512"
                                       : "llvm.x86.avx512.permvar.df.512";
  return CallByRegister(intrinsic, width, element, {index.permutation},
                        [&](ValueRange part) -> SmallVector<Value> {
                          return {values, part[0]};
                        });
}

// AVX2 permutes eight floats across a register, but no doubles by variable indices.
Value Emitter::LookupInHalves(const EmittedTableIndex& index, const double (&table)[8]) {
  const Type f32 = builder_.getF32Type();
  const auto look_up_half = [&](ArrayRef<double> half) -> Value {
    SmallVector<uint32_t> words;
    for (double entry : half) {
      const auto bits = std::bit_cast<uint64_t>(entry);
      words.push_back(static_cast<uint32_t>(bits));
      words.push_back(static_cast<uint32_t>(bits >> 32));
    }
    const Value integers = Create<mlir::arith::ConstantOp>(mlir::DenseElementsAttr::get(
        VectorType::get({8}, builder_.getI32Type()), ArrayRef<uint32_t>(words)));
    const Value floats = Create<mlir::vector::BitCastOp>(VectorType::get({8}, f32), integers);
    const Value permuted = CallByRegister("llvm.x86.avx2.permps", 8, f32, {index.permutation},
                                          [&](ValueRange part) -> SmallVector<Value> {
                                            return {floats, part[0]};
                                          });
    return Create<mlir::vector::BitCastOp>(mlir::cast<VectorType>(Shape(builder_.getF64Type())),
                                           permuted);
  };
  const ArrayRef<double> entries(table);
  return Create<mlir::arith::SelectOp>(index.bits[2], look_up_half(entries.drop_front(4)),
                                       look_up_half(entries.take_front(4)));
}

Value Emitter::Lookup(const EmittedTableIndex& index, const float (&table)[8]) {
  return index.method == EmittedTableIndex::Method::kSelects ? LookupBySelects(index, table)
                                                             : LookupByPermutation(index, table);
}

Value Emitter::Lookup(const EmittedTableIndex& index, const double (&table)[8]) {
  switch (index.method) {
    case EmittedTableIndex::Method::kSelects:
      return LookupBySelects(index, table);
    case EmittedTableIndex::Method::kPermutation:
      return LookupByPermutation(index, table);
    case EmittedTableIndex::Method::kHalvedDoubles:
      break;
  }
  return LookupInHalves(index, table);
}

Value Emitter::Any(Value mask) {
  if (!vector_) return mask;
  return Create<mlir::vector::ReductionOp>(mlir::vector::CombiningKind::OR, mask);
}

Value Emitter::IfAny(Value mask, Value otherwise, llvm::function_ref<Value()> rare) {
  const mlir::OpBuilder::InsertionGuard guard(builder_);
  const auto yield = [](Value value) {
    return [value](mlir::OpBuilder& builder, mlir::Location location) {
      builder.create<mlir::scf::YieldOp>(location, value);
    };
  };
  auto branch = builder_.create<mlir::scf::IfOp>(
      location_, Any(mask),
      // The recipe emits through this emitter, whose builder scf.if has moved into the region.
      [&](mlir::OpBuilder& builder, mlir::Location location) { yield(rare())(builder, location); },
      yield(otherwise));
  return branch.getResult(0);
}

Emitter::State Emitter::WhileAny(State state, llvm::function_ref<Value(State)> condition,
                                 llvm::function_ref<State(State)> body) {
  const mlir::TypeRange types = ValueRange(state).getTypes();
  auto loop = builder_.create<mlir::scf::WhileOp>(
      location_, types, state,
      [&](mlir::OpBuilder& builder, mlir::Location location, ValueRange values) {
        const Value more = Any(condition({values[0], values[1]}));
        builder.create<mlir::scf::ConditionOp>(location, more, values);
      },
      [&](mlir::OpBuilder& builder, mlir::Location location, ValueRange values) {
        builder.create<mlir::scf::YieldOp>(location, ValueRange(body({values[0], values[1]})));
      });
  return {loop.getResult(0), loop.getResult(1)};
}

}  // namespace stator::compiler::math
