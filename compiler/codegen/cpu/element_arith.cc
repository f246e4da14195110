#include "compiler/codegen/cpu/element_arith.h"

#include <limits>
#include <string>

#include "absl/strings/str_cat.h"
#include "compiler/codegen/cpu/element_math.h"
#include "llvm/ADT/TypeSwitch.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/TypeUtilities.h"

namespace stator::compiler {
namespace {

namespace arith = mlir::arith;
using core::ComparisonDirection;
using core::ReduceKind;
using mlir::IntegerType;
using mlir::Type;
using mlir::Value;

bool IsHalf(Type type) { return type.isF16() || type.isBF16(); }

Type LikeType(Type like, Type element) {
  auto vector = mlir::dyn_cast<mlir::VectorType>(like);
  return vector == nullptr ? element : vector.clone(element);
}

}  // namespace

bool IsKernelElement(Type core_element) {
  if (auto integer = mlir::dyn_cast<IntegerType>(core_element)) {
    const unsigned width = integer.getWidth();
    return width == 1 || width == 8 || width == 16 || width == 32 || width == 64;
  }
  return core_element.isF16() || core_element.isBF16() || core_element.isF32() ||
         core_element.isF64();
}

Type RegisterType(Type core_element, mlir::MLIRContext* context) {
  if (core_element.isF64()) return mlir::FloatType::getF64(context);
  if (core_element.isF32()) return mlir::FloatType::getF32(context);
  if (core_element.isF16()) return mlir::FloatType::getF16(context);
  if (core_element.isBF16()) return mlir::FloatType::getBF16(context);
  return IntegerType::get(context, core_element.getIntOrFloatBitWidth());
}

Type MemoryType(Type core_element, mlir::MLIRContext* context) {
  if (core_element.isInteger(1)) return IntegerType::get(context, 8);
  return RegisterType(core_element, context);
}

int64_t ElementBytes(Type core_element) {
  return core_element.isInteger(1) ? 1 : core_element.getIntOrFloatBitWidth() / 8;
}

Type AccumulatorType(Type core_element) {
  return IsHalf(core_element) ? mlir::FloatType::getF32(core_element.getContext()) : core_element;
}

Value ElementArith::IntConstant(Type like, int64_t value) {
  auto element = mlir::cast<IntegerType>(mlir::getElementTypeOrSelf(like));
  llvm::APInt bits(element.getWidth(), static_cast<uint64_t>(value), /*isSigned=*/true);
  mlir::TypedAttr attr = b_.getIntegerAttr(element, bits);
  if (auto vector = mlir::dyn_cast<mlir::VectorType>(like)) {
    attr = mlir::DenseElementsAttr::get(vector, mlir::Attribute(attr));
  }
  return b_.create<arith::ConstantOp>(loc_, attr);
}

Value ElementArith::FloatConstant(Type like, double value) {
  mlir::TypedAttr attr = b_.getFloatAttr(mlir::getElementTypeOrSelf(like), value);
  if (auto vector = mlir::dyn_cast<mlir::VectorType>(like)) {
    attr = mlir::DenseElementsAttr::get(vector, mlir::Attribute(attr));
  }
  return b_.create<arith::ConstantOp>(loc_, attr);
}

Value ElementArith::Splat(Value scalar, int lanes) {
  if (lanes == 1) return scalar;
  return b_.create<mlir::vector::BroadcastOp>(
      loc_, mlir::VectorType::get({lanes}, scalar.getType()), scalar);
}

Value ElementArith::Select(Value pred, Value a, Value b) {
  return b_.create<arith::SelectOp>(loc_, pred, a, b);
}

Value ElementArith::ConvertFloat(Value x, Type to) {
  const Type from = mlir::getElementTypeOrSelf(x.getType());
  if (from == to) return x;
  const Type type = LikeType(x.getType(), to);
  if (from.getIntOrFloatBitWidth() < to.getIntOrFloatBitWidth()) {
    return b_.create<arith::ExtFOp>(loc_, type, x);
  }
  if (from.getIntOrFloatBitWidth() == to.getIntOrFloatBitWidth()) {  // f16 and bf16
    x = b_.create<arith::ExtFOp>(loc_, LikeType(x.getType(), b_.getF32Type()), x);
  }
  return b_.create<arith::TruncFOp>(loc_, type, x);
}

// Truncates toward zero; NaN gives 0, out of range saturates.
Value ElementArith::FloatToInteger(Value x, IntegerType to) {
  if (IsHalf(mlir::getElementTypeOrSelf(x.getType()))) x = ConvertFloat(x, b_.getF32Type());
  const Type result = LikeType(x.getType(), b_.getIntegerType(to.getWidth()));
  const int width = static_cast<int>(to.getWidth());
  const bool is_unsigned = to.isUnsigned();
  const double limit = std::ldexp(1.0, is_unsigned ? width : width - 1);
  using Predicate = arith::CmpFPredicate;
  Value big = b_.create<arith::CmpFOp>(loc_, Predicate::OGE, x, FloatConstant(x.getType(), limit));
  Value small = b_.create<arith::CmpFOp>(loc_, Predicate::OLE, x,
                                         FloatConstant(x.getType(), is_unsigned ? 0.0 : -limit));
  Value nan = b_.create<arith::CmpFOp>(loc_, Predicate::UNO, x, x);
  Value outside = b_.create<arith::OrIOp>(loc_, b_.create<arith::OrIOp>(loc_, big, small), nan);
  Value safe = Select(outside, FloatConstant(x.getType(), 0), x);
  Value number = is_unsigned ? Value(b_.create<arith::FPToUIOp>(loc_, result, safe))
                             : Value(b_.create<arith::FPToSIOp>(loc_, result, safe));
  const uint64_t ones = ~uint64_t{0} >> (64 - width);
  const int64_t highest = static_cast<int64_t>(is_unsigned ? ones : ones >> 1);
  const int64_t lowest = is_unsigned ? 0 : -highest - 1;
  number = Select(big, IntConstant(result, highest), number);
  return Select(small, IntConstant(result, lowest), number);
}

Value ElementArith::IntegerToFloat(Value x, IntegerType from, Type to) {
  const bool is_unsigned = from.isUnsigned() || from.getWidth() == 1;
  auto convert = [&](Type type) {
    const Type result = LikeType(x.getType(), type);
    return is_unsigned ? Value(b_.create<arith::UIToFPOp>(loc_, result, x))
                       : Value(b_.create<arith::SIToFPOp>(loc_, result, x));
  };
  if (!IsHalf(to)) return convert(to);
  if (from.getWidth() <= 16) return ConvertFloat(convert(b_.getF32Type()), to);
  if (from.getWidth() == 64) {
    // Rounded to odd at bit 11: at most 53 bits are left, which a double holds, and its rounding to
    // half precision is the only one.
    const Type type = x.getType();
    Value low = b_.create<arith::AndIOp>(loc_, x, IntConstant(type, 0x7ff));
    Value inexact = b_.create<arith::CmpIOp>(loc_, arith::CmpIPredicate::ne, low,
                                             IntConstant(type, 0));
    Value high = b_.create<arith::AndIOp>(loc_, x, IntConstant(type, ~int64_t{0x7ff}));
    Value sticky = Select(inexact, IntConstant(type, 0x800), IntConstant(type, 0));
    Value odd = b_.create<arith::OrIOp>(loc_, high, sticky);
    const int64_t limit = int64_t{1} << 53;
    Value shifted = is_unsigned ? x : b_.create<arith::AddIOp>(loc_, x, IntConstant(type, limit));
    Value small = b_.create<arith::CmpIOp>(loc_, arith::CmpIPredicate::ult, shifted,
                                           IntConstant(type, is_unsigned ? limit : 2 * limit));
    x = Select(small, x, odd);
  }
  return ConvertFloat(convert(b_.getF64Type()), to);
}

Value ElementArith::Convert(Value value, Type from, Type to) {
  if (from == to) return value;
  auto from_integer = mlir::dyn_cast<IntegerType>(from);
  auto to_integer = mlir::dyn_cast<IntegerType>(to);
  if (to.isInteger(1)) {
    if (from_integer) {
      return b_.create<arith::CmpIOp>(loc_, arith::CmpIPredicate::ne, value,
                                      IntConstant(value.getType(), 0));
    }
    return b_.create<arith::CmpFOp>(loc_, arith::CmpFPredicate::UNE, value,
                                    FloatConstant(value.getType(), 0));
  }
  if (from_integer && to_integer) {
    const Type type = LikeType(value.getType(), b_.getIntegerType(to_integer.getWidth()));
    if (type == value.getType()) return value;
    if (to_integer.getWidth() < from_integer.getWidth()) {
      return b_.create<arith::TruncIOp>(loc_, type, value);
    }
    if (from_integer.isUnsigned() || from_integer.getWidth() == 1) {
      return b_.create<arith::ExtUIOp>(loc_, type, value);
    }
    return b_.create<arith::ExtSIOp>(loc_, type, value);
  }
  if (to_integer) return FloatToInteger(value, to_integer);
  const Type to_type = RegisterType(to, b_.getContext());
  if (from_integer) return IntegerToFloat(value, from_integer, to_type);
  return ConvertFloat(value, to_type);
}

Value ElementArith::Compare(ComparisonDirection direction, Type core_element, Value a, Value b) {
  if (auto integer = mlir::dyn_cast<IntegerType>(core_element)) {
    using Predicate = arith::CmpIPredicate;
    const bool is_unsigned = integer.isUnsigned() || integer.getWidth() == 1;
    Predicate predicate = Predicate::eq;
    switch (direction) {
      case ComparisonDirection::kEq: predicate = Predicate::eq; break;
      case ComparisonDirection::kNe: predicate = Predicate::ne; break;
      case ComparisonDirection::kGe: predicate = is_unsigned ? Predicate::uge : Predicate::sge; break;
      case ComparisonDirection::kGt: predicate = is_unsigned ? Predicate::ugt : Predicate::sgt; break;
      case ComparisonDirection::kLe: predicate = is_unsigned ? Predicate::ule : Predicate::sle; break;
      case ComparisonDirection::kLt: predicate = is_unsigned ? Predicate::ult : Predicate::slt; break;
    }
    return b_.create<arith::CmpIOp>(loc_, predicate, a, b);
  }
  if (IsHalf(core_element)) {
    a = ConvertFloat(a, b_.getF32Type());
    b = ConvertFloat(b, b_.getF32Type());
  }
  using Predicate = arith::CmpFPredicate;
  Predicate predicate = Predicate::OEQ;
  switch (direction) {
    case ComparisonDirection::kEq: predicate = Predicate::OEQ; break;
    case ComparisonDirection::kNe: predicate = Predicate::UNE; break;
    case ComparisonDirection::kGe: predicate = Predicate::OGE; break;
    case ComparisonDirection::kGt: predicate = Predicate::OGT; break;
    case ComparisonDirection::kLe: predicate = Predicate::OLE; break;
    case ComparisonDirection::kLt: predicate = Predicate::OLT; break;
  }
  return b_.create<arith::CmpFOp>(loc_, predicate, a, b);
}

Value ElementArith::MaxMin(Type core_element, Value a, Value b, bool max) {
  if (auto integer = mlir::dyn_cast<IntegerType>(core_element)) {
    if (integer.isUnsigned() || integer.getWidth() == 1) {
      if (max) return b_.create<arith::MaxUIOp>(loc_, a, b);
      return b_.create<arith::MinUIOp>(loc_, a, b);
    }
    if (max) return b_.create<arith::MaxSIOp>(loc_, a, b);
    return b_.create<arith::MinSIOp>(loc_, a, b);
  }
  // NaN if either is NaN, -0 below +0.
  if (max) return b_.create<arith::MaximumFOp>(loc_, a, b);
  return b_.create<arith::MinimumFOp>(loc_, a, b);
}

Value ElementArith::Combine(ReduceKind kind, Type core_element, Value a, Value b) {
  const bool is_integer = mlir::isa<IntegerType>(core_element);
  switch (kind) {
    case ReduceKind::kAdd:
      if (core_element.isInteger(1)) return b_.create<arith::OrIOp>(loc_, a, b);
      if (is_integer) return b_.create<arith::AddIOp>(loc_, a, b);
      return b_.create<arith::AddFOp>(loc_, a, b);
    case ReduceKind::kMul:
      if (is_integer) return b_.create<arith::MulIOp>(loc_, a, b);
      return b_.create<arith::MulFOp>(loc_, a, b);
    case ReduceKind::kMax: return MaxMin(core_element, a, b, true);
    case ReduceKind::kMin: return MaxMin(core_element, a, b, false);
    case ReduceKind::kAnd: return b_.create<arith::AndIOp>(loc_, a, b);
    case ReduceKind::kOr: return b_.create<arith::OrIOp>(loc_, a, b);
    case ReduceKind::kArgMax:
    case ReduceKind::kArgMin: break;
  }
  return a;
}

Value ElementArith::Identity(ReduceKind kind, Type core_element, Type like) {
  auto integer = mlir::dyn_cast<IntegerType>(core_element);
  const double infinity = std::numeric_limits<double>::infinity();
  if (!integer) {
    switch (kind) {
      case ReduceKind::kMul: return FloatConstant(like, 1);
      case ReduceKind::kMax:
      case ReduceKind::kArgMax: return FloatConstant(like, -infinity);
      case ReduceKind::kMin:
      case ReduceKind::kArgMin: return FloatConstant(like, infinity);
      default: return FloatConstant(like, 0);
    }
  }
  const int width = static_cast<int>(integer.getWidth());
  const bool is_unsigned = integer.isUnsigned() || width == 1;
  const uint64_t ones = ~uint64_t{0} >> (64 - width);
  switch (kind) {
    case ReduceKind::kMul: return IntConstant(like, 1);
    case ReduceKind::kAnd: return IntConstant(like, -1);
    case ReduceKind::kMax:
    case ReduceKind::kArgMax:
      return IntConstant(like, is_unsigned ? 0 : static_cast<int64_t>(~(ones >> 1)));
    case ReduceKind::kMin:
    case ReduceKind::kArgMin:
      return IntConstant(like, static_cast<int64_t>(is_unsigned ? ones : ones >> 1));
    default: return IntConstant(like, 0);
  }
}

absl::StatusOr<Value> ElementArith::EmitFloat(mlir::Operation* op, llvm::ArrayRef<Value> x) {
  using Result = absl::StatusOr<Value>;
  return llvm::TypeSwitch<mlir::Operation*, Result>(op)
      .Case([&](core::AddOp) -> Result { return Value(b_.create<arith::AddFOp>(loc_, x[0], x[1])); })
      .Case([&](core::SubtractOp) -> Result {
        return Value(b_.create<arith::SubFOp>(loc_, x[0], x[1]));
      })
      .Case([&](core::MulOp) -> Result { return Value(b_.create<arith::MulFOp>(loc_, x[0], x[1])); })
      .Case([&](core::DivOp) -> Result { return Value(b_.create<arith::DivFOp>(loc_, x[0], x[1])); })
      .Case([&](core::NegateOp) -> Result { return Value(b_.create<arith::NegFOp>(loc_, x[0])); })
      .Case([&](core::MaxOp) -> Result {
        return Value(b_.create<arith::MaximumFOp>(loc_, x[0], x[1]));
      })
      .Case([&](core::MinOp) -> Result {
        return Value(b_.create<arith::MinimumFOp>(loc_, x[0], x[1]));
      })
      .Case([&](core::ClampOp) -> Result {
        Value above = b_.create<arith::MaximumFOp>(loc_, x[1], x[0]);
        return Value(b_.create<arith::MinimumFOp>(loc_, above, x[2]));
      })
      .Case([&](core::IsFiniteOp) -> Result {
        Value magnitude = b_.create<mlir::math::AbsFOp>(loc_, x[0]);
        return Value(b_.create<arith::CmpFOp>(
            loc_, arith::CmpFPredicate::OLT, magnitude,
            FloatConstant(x[0].getType(), std::numeric_limits<double>::infinity())));
      })
      .Default([&](mlir::Operation*) -> Result {
        return EmitMathFunction(op->getName().stripDialect(), x, target_, b_, loc_);
      });
}

absl::StatusOr<Value> ElementArith::Emit(mlir::Operation* op, llvm::ArrayRef<Value> operands) {
  const Type element = core::ElementTypeOf(op->getOperand(0));
  if (mlir::isa<core::SelectOp>(op)) return Select(operands[0], operands[1], operands[2]);
  if (auto compare = mlir::dyn_cast<core::CompareOp>(op)) {
    return Compare(compare.getDirection(), element, operands[0], operands[1]);
  }
  if (mlir::isa<core::ConvertOp>(op)) {
    return Convert(operands[0], element, core::ElementTypeOf(op->getResult(0)));
  }
  if (mlir::isa<core::BitcastConvertOp>(op)) {
    const Type to = RegisterType(core::ElementTypeOf(op->getResult(0)), b_.getContext());
    const Type type = LikeType(operands[0].getType(), to);
    if (type == operands[0].getType()) return operands[0];
    return Value(b_.create<arith::BitcastOp>(loc_, type, operands[0]));
  }
  if (mlir::isa<IntegerType>(element)) return EmitInteger(op, element, operands);
  if (!IsHalf(element)) return EmitFloat(op, operands);
  llvm::SmallVector<Value> wide;
  for (Value operand : operands) wide.push_back(ConvertFloat(operand, b_.getF32Type()));
  absl::StatusOr<Value> result = EmitFloat(op, wide);
  if (!result.ok() || mlir::isa<core::IsFiniteOp>(op)) return result;
  return ConvertFloat(*result, RegisterType(element, b_.getContext()));
}

}  // namespace stator::compiler
