#include "compiler/math/emit.h"
#include "compiler/math/emitted_number.h"
#include "compiler/math/emitter.h"
#include "compiler/math/recipes/half.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/TypeUtilities.h"

namespace stator::compiler {
namespace {

using math::Emitter;
using mlir::FloatType;
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
  if (!options.f16c) return math::FloatFromHalf<Float>(ToWideBits(emitter, half));
  return {
      emitter->Create<mlir::arith::ExtFOp>(emitter->Shape(emitter->builder().getF32Type()), half),
      emitter};
}

Value NarrowTo16Bits(Emitter* emitter, const Float& number, FloatType to,
                     const EmitOptions& options) {
  if (to.isBF16()) return FromWideBits(emitter, math::Bfloat16FromFloat(number), to);
  if (!options.f16c) return FromWideBits(emitter, math::HalfFromFloat(number), to);
  return emitter->Create<mlir::arith::TruncFOp>(emitter->Shape(to), number.value());
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

Value EmitIsFinite(mlir::OpBuilder& builder, mlir::Location location, Value operand) {
  auto element = mlir::cast<FloatType>(mlir::getElementTypeOrSelf(operand.getType()));
  if (element.getWidth() == 16)
    operand = EmitConvertFloat(builder, location, operand, builder.getF32Type(), {});
  Emitter emitter(builder, location, operand.getType(), {});
  if (element.isF64()) return (Abs(Double(operand, &emitter)) < math::kInfinity).value;
  return (Abs(Float(operand, &emitter)) < math::kInfinity).value;
}

}  // namespace stator::compiler
