#include <cmath>

#include "compiler/math/emit.h"
#include "compiler/math/emitted_number.h"
#include "compiler/math/emitter.h"
#include "compiler/math/recipes/half.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/TypeUtilities.h"

namespace stator::compiler {
namespace {

using math::Emitter;
using mlir::FloatType;
using mlir::Type;
using mlir::Value;
using Float = math::EmittedNumber<float>;
using Double = math::EmittedNumber<double>;
using Bits = math::EmittedBits<uint32_t>;

// The 16-bit number's bits in the low half of 32.
Bits ToWideBits(Emitter* emitter, Value half) {
  mlir::OpBuilder& builder = emitter->builder();
  const Value bits =
      emitter->Create<mlir::arith::BitcastOp>(emitter->Shape(builder.getI16Type()), half);
  return {emitter->Create<mlir::arith::ExtUIOp>(emitter->Shape(builder.getI32Type()), bits),
          emitter};
}

Value FromWideBits(Emitter* emitter, const Bits& bits, FloatType to) {
  const Value narrow = emitter->Create<mlir::arith::TruncIOp>(
      emitter->Shape(emitter->builder().getI16Type()), bits.value());
  return emitter->Create<mlir::arith::BitcastOp>(emitter->Shape(to), narrow);
}

Float ExtendToFloat(Emitter* emitter, Value half, FloatType from, const EmitOptions& options) {
  if (from.isBF16()) return math::FloatFromBfloat16<Float>(ToWideBits(emitter, half));
  if (!options.converts_f16) return math::FloatFromHalf<Float>(ToWideBits(emitter, half));
  const Value wide =
      emitter->Create<mlir::arith::ExtFOp>(emitter->Shape(emitter->builder().getF32Type()), half);
  // LLVM would narrow what stands between extension and truncation to f16, for which it has only
  // scalar code, and a wrong maximum of NaN.
  const auto intrinsic = emitter->builder().getStringAttr("llvm.arithmetic.fence");
  auto fenced = emitter->builder().create<mlir::LLVM::CallIntrinsicOp>(
      wide.getLoc(), wide.getType(), intrinsic, wide);
  return {fenced.getResult(0), emitter};
}

Value NarrowTo16Bits(Emitter* emitter, const Float& number, FloatType to,
                     const EmitOptions& options) {
  if (to.isBF16()) return FromWideBits(emitter, math::Bfloat16FromFloat(number), to);
  if (!options.converts_f16) return FromWideBits(emitter, math::HalfFromFloat(number), to);
  return emitter->Create<mlir::arith::TruncFOp>(emitter->Shape(to), number.value());
}

// Saturates; NaN gives 0.
template <typename S>
Value IntegerFrom(Emitter* emitter, const math::EmittedNumber<S>& x, mlir::IntegerType to,
                  bool is_signed) {
  const unsigned width = to.getWidth();
  const S limit = std::ldexp(S{1}, static_cast<int>(is_signed ? width - 1 : width));
  const S lowest = is_signed ? -limit : 0;
  const auto big = x >= limit, small = x <= lowest;
  const auto inside = (x < limit) & (x > lowest);
  const math::EmittedNumber<S> safe = Select(inside, x, S{0});
  const Type type = emitter->Shape(to);
  const Value number = is_signed ? Value(emitter->Create<mlir::arith::FPToSIOp>(type, safe.value()))
                                 : Value(emitter->Create<mlir::arith::FPToUIOp>(type, safe.value()));
  const auto constant = [&](const llvm::APInt& value) -> Value {
    mlir::TypedAttr attr = mlir::IntegerAttr::get(to, value);
    if (auto vector = mlir::dyn_cast<mlir::VectorType>(type))
      attr = mlir::DenseElementsAttr::get(vector, mlir::Attribute(attr));
    return emitter->Create<mlir::arith::ConstantOp>(attr);
  };
  using llvm::APInt;
  const Value highest =
      constant(is_signed ? APInt::getSignedMaxValue(width) : APInt::getMaxValue(width));
  const Value least = constant(is_signed ? APInt::getSignedMinValue(width) : APInt(width, 0));
  const Value capped = emitter->Create<mlir::arith::SelectOp>(big.value, highest, number);
  return emitter->Create<mlir::arith::SelectOp>(small.value, least, capped);
}

// A number of 64 bits that a double holds and that rounds to every shorter format like the given
// one: where it has more than 53 bits, those from bit 11 down become one sticky bit.
Value ToFiftyThreeBits(Emitter* emitter, Value x, bool is_signed) {
  const auto constant = [&](uint64_t value) -> Value {
    mlir::TypedAttr attr = emitter->builder().getI64IntegerAttr(static_cast<int64_t>(value));
    if (auto vector = mlir::dyn_cast<mlir::VectorType>(x.getType()))
      attr = mlir::DenseElementsAttr::get(vector, mlir::Attribute(attr));
    return emitter->Create<mlir::arith::ConstantOp>(attr);
  };
  using Predicate = mlir::arith::CmpIPredicate;
  const Value low = emitter->Create<mlir::arith::AndIOp>(x, constant(0x7ff));
  const Value inexact = emitter->Create<mlir::arith::CmpIOp>(Predicate::ne, low, constant(0));
  const Value high = emitter->Create<mlir::arith::AndIOp>(x, constant(~uint64_t{0x7ff}));
  const Value sticky =
      emitter->Create<mlir::arith::SelectOp>(inexact, constant(0x800), constant(0));
  const Value odd = emitter->Create<mlir::arith::OrIOp>(high, sticky);
  const uint64_t limit = uint64_t{1} << 53;
  const Value shifted =
      is_signed ? Value(emitter->Create<mlir::arith::AddIOp>(x, constant(limit))) : x;
  const Value small = emitter->Create<mlir::arith::CmpIOp>(
      Predicate::ult, shifted, constant(is_signed ? 2 * limit : limit));
  return emitter->Create<mlir::arith::SelectOp>(small, x, odd);
}

}  // namespace

Value EmitConvertFloat(mlir::OpBuilder& builder, mlir::Location location, Value operand,
                       FloatType to, const EmitOptions& options) {
  auto from = mlir::cast<FloatType>(mlir::getElementTypeOrSelf(operand.getType()));
  if (from == to) return operand;
  Emitter emitter(builder, location, operand.getType(), options);
  if (from.isF64()) {
    const Double number(operand, &emitter);
    if (to.isF32()) return NarrowToFloat(number).value();
    return NarrowTo16Bits(&emitter, math::FloatFromDoubleToOdd(number), to, options);
  }
  const Float number =
      from.isF32() ? Float(operand, &emitter) : ExtendToFloat(&emitter, operand, from, options);
  if (to.isF32()) return number.value();
  if (to.isF64()) return WidenToDouble(number).value();
  return NarrowTo16Bits(&emitter, number, to, options);
}

Value EmitIntegerFromFloat(mlir::OpBuilder& builder, mlir::Location location, Value operand,
                           mlir::IntegerType to, bool is_signed, const EmitOptions& options) {
  auto element = mlir::cast<FloatType>(mlir::getElementTypeOrSelf(operand.getType()));
  if (element.getWidth() == 16)
    operand = EmitConvertFloat(builder, location, operand, builder.getF32Type(), options);
  Emitter emitter(builder, location, operand.getType(), options);
  return element.isF64() ? IntegerFrom(&emitter, Double(operand, &emitter), to, is_signed)
                         : IntegerFrom(&emitter, Float(operand, &emitter), to, is_signed);
}

Value EmitFloatFromInteger(mlir::OpBuilder& builder, mlir::Location location, Value operand,
                           bool is_signed, FloatType to, const EmitOptions& options) {
  Emitter emitter(builder, location, operand.getType(), options);
  const auto convert = [&](Type type) -> Value {
    if (is_signed) return emitter.Create<mlir::arith::SIToFPOp>(emitter.Shape(type), operand);
    return emitter.Create<mlir::arith::UIToFPOp>(emitter.Shape(type), operand);
  };
  const unsigned width = mlir::getElementTypeOrSelf(operand.getType()).getIntOrFloatBitWidth();
  const bool rounds_twice = options.rounds_int64_twice && width == 64 && to.isF32();
  if (to.getWidth() > 16 && !rounds_twice) return convert(to);
  if (width <= 16)
    return EmitConvertFloat(builder, location, convert(builder.getF32Type()), to, options);
  if (width == 64) operand = ToFiftyThreeBits(&emitter, operand, is_signed);
  return EmitConvertFloat(builder, location, convert(builder.getF64Type()), to, options);
}

Value EmitIsFinite(mlir::OpBuilder& builder, mlir::Location location, Value operand) {
  auto element = mlir::cast<FloatType>(mlir::getElementTypeOrSelf(operand.getType()));
  if (element.getWidth() == 16)
    operand = EmitConvertFloat(builder, location, operand, builder.getF32Type(), {});
  Emitter emitter(builder, location, operand.getType(), {});
  if (element.isF64()) return (Abs(Double(operand, &emitter)) < math::kInfinity).value;
  return (Abs(Float(operand, &emitter)) < math::kInfinity).value;
}

}  // namespace stator::compiler
