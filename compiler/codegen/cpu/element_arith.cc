#include "compiler/codegen/cpu/element_arith.h"

#include <limits>
#include <optional>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "compiler/math/emit.h"
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
  if (IsHalf(mlir::getElementTypeOrSelf(a.getType()))) {
    // As integers: LLVM has no selects of bf16 vectors.
    const Type type = a.getType(), bits = LikeType(type, b_.getI16Type());
    Value chosen = Select(pred, b_.create<arith::BitcastOp>(loc_, bits, a),
                          b_.create<arith::BitcastOp>(loc_, bits, b));
    return b_.create<arith::BitcastOp>(loc_, type, chosen);
  }
  return b_.create<arith::SelectOp>(loc_, pred, a, b);
}

EmitOptions ElementArith::options() const {
  EmitOptions options;
  options.avx2 = target_.has_avx2();
  options.avx512 = target_.has_avx512();
  options.converts_f16 = target_.converts_f16();
  options.rounds_int64_twice = target_.is_aarch64();
  return options;
}

Value ElementArith::ConvertFloat(Value x, Type to) {
  return EmitConvertFloat(b_, loc_, x, mlir::cast<mlir::FloatType>(to), options());
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
    if (IsHalf(from)) value = ConvertFloat(value, b_.getF32Type());
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
  if (to_integer) {
    return EmitIntegerFromFloat(b_, loc_, value, b_.getIntegerType(to_integer.getWidth()),
                                !to_integer.isUnsigned(), options());
  }
  const Type to_type = RegisterType(to, b_.getContext());
  if (from_integer == nullptr) return ConvertFloat(value, to_type);
  const bool is_signed = !from_integer.isUnsigned() && from_integer.getWidth() > 1;
  return EmitFloatFromInteger(b_, loc_, value, is_signed, mlir::cast<mlir::FloatType>(to_type),
                              options());
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
  return Function(max ? MathFunction::kMaximum : MathFunction::kMinimum, {a, b});
}

Value ElementArith::Combine(ReduceKind kind, Type core_element, Value a, Value b) {
  if (IsHalf(core_element)) {
    const Type wide = AccumulatorType(core_element);
    Value combined = Combine(kind, wide, Convert(a, core_element, wide), Convert(b, core_element, wide));
    return Convert(combined, wide, core_element);
  }
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

Value ElementArith::Function(MathFunction function, llvm::ArrayRef<Value> x) {
  return compiler::Emit(b_, loc_, function, x, options());
}

absl::StatusOr<Value> ElementArith::EmitFloat(mlir::Operation* op, llvm::ArrayRef<Value> x) {
  using Result = absl::StatusOr<Value>;
  const Type element = core::ElementTypeOf(op->getOperand(0));
  return llvm::TypeSwitch<mlir::Operation*, Result>(op)
      .Case([&](core::AddOp) -> Result { return Value(b_.create<arith::AddFOp>(loc_, x[0], x[1])); })
      .Case([&](core::SubtractOp) -> Result {
        return Value(b_.create<arith::SubFOp>(loc_, x[0], x[1]));
      })
      .Case([&](core::MulOp) -> Result { return Value(b_.create<arith::MulFOp>(loc_, x[0], x[1])); })
      .Case([&](core::DivOp) -> Result { return Value(b_.create<arith::DivFOp>(loc_, x[0], x[1])); })
      .Case([&](core::NegateOp) -> Result { return Value(b_.create<arith::NegFOp>(loc_, x[0])); })
      .Case([&](core::ClampOp) -> Result {
        return MaxMin(element, MaxMin(element, x[1], x[0], true), x[2], false);
      })
      .Case([&](core::IsFiniteOp) -> Result { return EmitIsFinite(b_, loc_, x[0]); })
      .Default([&](mlir::Operation*) -> Result {
        const llvm::StringRef name = op->getName().stripDialect();
        std::optional<MathFunction> function =
            FindMathFunction(std::string_view(name.data(), name.size()));
        if (!function) return absl::UnimplementedError("elements of floating-point type");
        return Function(*function, x);
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
