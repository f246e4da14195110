// Integer elementwise primitives: they wrap, and nothing traps.

#include "compiler/codegen/cpu/element_arith.h"
#include "llvm/ADT/TypeSwitch.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/TypeUtilities.h"

namespace stator::compiler {
namespace {

namespace arith = mlir::arith;
using mlir::Type;
using mlir::Value;
using Predicate = arith::CmpIPredicate;

}  // namespace

// By repeated squaring; a negative exponent gives 0 except for base 1 and -1.
Value ElementArith::IntegerPower(Value x, Value y, bool is_unsigned) {
  const Type type = x.getType();
  const int64_t width = mlir::getElementTypeOrSelf(type).getIntOrFloatBitWidth();
  Value one = IntConstant(type, 1), zero = IntConstant(type, 0);
  auto bound = [&](int64_t i) { return b_.create<arith::ConstantIntOp>(loc_, i, 64); };
  Value from = bound(0), to = bound(width), step = bound(1);
  auto loop = b_.create<mlir::scf::ForOp>(
      loc_, from, to, step, mlir::ValueRange{one, x, y},
      [&](mlir::OpBuilder& b, mlir::Location loc, Value, mlir::ValueRange state) {
        Value bit = b.create<arith::AndIOp>(loc, state[2], one);
        Value odd = b.create<arith::CmpIOp>(loc, Predicate::ne, bit, zero);
        Value product = b.create<arith::MulIOp>(loc, state[0], state[1]);
        Value result = b.create<arith::SelectOp>(loc, odd, product, state[0]);
        Value square = b.create<arith::MulIOp>(loc, state[1], state[1]);
        Value rest = b.create<arith::ShRUIOp>(loc, state[2], one);
        b.create<mlir::scf::YieldOp>(loc, mlir::ValueRange{result, square, rest});
      });
  Value power = loop.getResult(0);
  if (is_unsigned) return power;
  // For a negative exponent of ±1 the power above is right: only the exponent's parity counts.
  Value negative = b_.create<arith::CmpIOp>(loc_, Predicate::slt, y, zero);
  Value is_one = b_.create<arith::CmpIOp>(loc_, Predicate::eq, x, one);
  Value is_minus_one = b_.create<arith::CmpIOp>(loc_, Predicate::eq, x, IntConstant(type, -1));
  Value unit = b_.create<arith::OrIOp>(loc_, is_one, is_minus_one);
  return Select(negative, Select(unit, power, zero), power);
}

Value ElementArith::Shift(mlir::Operation* op, Value x, Value amount) {
  const Type type = x.getType();
  const int64_t width = mlir::getElementTypeOrSelf(type).getIntOrFloatBitWidth();
  Value valid = b_.create<arith::CmpIOp>(loc_, Predicate::ult, amount, IntConstant(type, width));
  if (width == 1) valid = b_.create<arith::CmpIOp>(loc_, Predicate::eq, amount, IntConstant(type, 0));
  if (mlir::isa<core::ShiftRightArithmeticOp>(op)) {
    return b_.create<arith::ShRSIOp>(loc_, x, Select(valid, amount, IntConstant(type, width - 1)));
  }
  Value zero = IntConstant(type, 0), safe = Select(valid, amount, zero);
  Value shifted = mlir::isa<core::ShiftLeftOp>(op)
                      ? Value(b_.create<arith::ShLIOp>(loc_, x, safe))
                      : Value(b_.create<arith::ShRUIOp>(loc_, x, safe));
  return Select(valid, shifted, zero);
}

absl::StatusOr<Value> ElementArith::EmitInteger(mlir::Operation* op, Type core_element,
                                                llvm::ArrayRef<Value> x) {
  const auto integer = mlir::cast<mlir::IntegerType>(core_element);
  const bool is_unsigned = integer.isUnsigned() || integer.getWidth() == 1;
  const Type type = x[0].getType();
  auto compare = [&](Predicate predicate, Value a, Value b) -> Value {
    return b_.create<arith::CmpIOp>(loc_, predicate, a, b);
  };
  return llvm::TypeSwitch<mlir::Operation*, absl::StatusOr<Value>>(op)
      .Case([&](core::AddOp) {
        return Combine(core::ReduceKind::kAdd, core_element, x[0], x[1]);
      })
      .Case([&](core::SubtractOp) { return Value(b_.create<arith::SubIOp>(loc_, x[0], x[1])); })
      .Case([&](core::MulOp) { return Value(b_.create<arith::MulIOp>(loc_, x[0], x[1])); })
      .Case([&](core::DivOp) {
        return EmitIntegerQuotient(b_, loc_, x[0], x[1], !is_unsigned);
      })
      .Case([&](core::RemOp) {
        return EmitIntegerRemainder(b_, loc_, x[0], x[1], !is_unsigned);
      })
      .Case([&](core::PowOp) { return IntegerPower(x[0], x[1], is_unsigned); })
      .Case([&](core::MaxOp) { return MaxMin(core_element, x[0], x[1], true); })
      .Case([&](core::MinOp) { return MaxMin(core_element, x[0], x[1], false); })
      .Case([&](core::ClampOp) {
        return MaxMin(core_element, MaxMin(core_element, x[1], x[0], true), x[2], false);
      })
      .Case([&](core::AndOp) { return Value(b_.create<arith::AndIOp>(loc_, x[0], x[1])); })
      .Case([&](core::OrOp) { return Value(b_.create<arith::OrIOp>(loc_, x[0], x[1])); })
      .Case([&](core::XorOp) { return Value(b_.create<arith::XOrIOp>(loc_, x[0], x[1])); })
      .Case<core::ShiftLeftOp, core::ShiftRightArithmeticOp, core::ShiftRightLogicalOp>(
          [&](auto) { return Shift(op, x[0], x[1]); })
      .Case([&](core::NotOp) {
        return Value(b_.create<arith::XOrIOp>(loc_, x[0], IntConstant(type, -1)));
      })
      .Case([&](core::NegateOp) {
        return Value(b_.create<arith::SubIOp>(loc_, IntConstant(type, 0), x[0]));
      })
      .Case([&](core::AbsOp) -> Value {
        if (is_unsigned) return x[0];
        Value zero = IntConstant(type, 0);
        return Select(compare(Predicate::slt, x[0], zero),
                      b_.create<arith::SubIOp>(loc_, zero, x[0]), x[0]);
      })
      .Case([&](core::SignOp) -> Value {
        Value zero = IntConstant(type, 0);
        Value positive = compare(is_unsigned ? Predicate::ne : Predicate::sgt, x[0], zero);
        Value sign = Select(positive, IntConstant(type, 1), zero);
        if (is_unsigned) return sign;
        return Select(compare(Predicate::slt, x[0], zero), IntConstant(type, -1), sign);
      })
      .Case([&](core::PopcntOp) { return Value(b_.create<mlir::math::CtPopOp>(loc_, x[0])); })
      .Case([&](core::CountLeadingZerosOp) {
        return Value(b_.create<mlir::math::CountLeadingZerosOp>(loc_, x[0]));
      })
      .Default([&](mlir::Operation*) -> absl::StatusOr<Value> {
        return absl::UnimplementedError("elements of integer type");
      });
}

}  // namespace stator::compiler
