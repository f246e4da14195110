#include "compiler/math/emit.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/TypeUtilities.h"

namespace stator::compiler {
namespace {

using mlir::Value;
using Predicate = mlir::arith::CmpIPredicate;

// A division whose divisor has been made harmless, and what was wrong with it.
class Division {
 public:
  Division(mlir::OpBuilder& builder, mlir::Location location, Value dividend, Value divisor,
           bool is_signed)
      : builder_(builder), location_(location), width_(ElementWidth(dividend)) {
    is_zero_ = Compare(divisor, Constant(dividend, llvm::APInt::getZero(width_)));
    Value harmful = is_zero_;
    if (is_signed) {
      const Value overflows = Create<mlir::arith::AndIOp>(
          Compare(dividend, Constant(dividend, llvm::APInt::getSignedMinValue(width_))),
          Compare(divisor, Constant(dividend, llvm::APInt::getAllOnes(width_))));
      harmful = Create<mlir::arith::OrIOp>(is_zero_, overflows);
    }
    // The smallest number divided by 1 is what its division by -1 is defined to be, with remainder
    // 0.
    divisor_ =
        Create<mlir::arith::SelectOp>(harmful, Constant(dividend, llvm::APInt(width_, 1)), divisor);
  }

  Value is_zero() const { return is_zero_; }
  Value divisor() const { return divisor_; }

  template <typename Op, typename... Arguments>
  Value Create(Arguments&&... arguments) {
    return builder_.create<Op>(location_, std::forward<Arguments>(arguments)...);
  }

  Value Constant(Value like, const llvm::APInt& value) {
    const mlir::Type type = like.getType();
    const auto element = mlir::IntegerAttr::get(mlir::getElementTypeOrSelf(type), value);
    if (const auto shaped = mlir::dyn_cast<mlir::ShapedType>(type)) {
      return Create<mlir::arith::ConstantOp>(mlir::DenseElementsAttr::get(shaped, value));
    }
    return Create<mlir::arith::ConstantOp>(element);
  }

 private:
  static unsigned ElementWidth(Value value) {
    return mlir::getElementTypeOrSelf(value.getType()).getIntOrFloatBitWidth();
  }
  Value Compare(Value a, Value b) { return Create<mlir::arith::CmpIOp>(Predicate::eq, a, b); }

  mlir::OpBuilder& builder_;
  mlir::Location location_;
  unsigned width_;
  Value is_zero_;
  Value divisor_;
};

}  // namespace

Value EmitIntegerQuotient(mlir::OpBuilder& builder, mlir::Location location, Value dividend,
                          Value divisor, bool is_signed) {
  Division division(builder, location, dividend, divisor, is_signed);
  const Value quotient = is_signed
                             ? division.Create<mlir::arith::DivSIOp>(dividend, division.divisor())
                             : division.Create<mlir::arith::DivUIOp>(dividend, division.divisor());
  const unsigned width = mlir::getElementTypeOrSelf(dividend.getType()).getIntOrFloatBitWidth();
  const Value all_ones = division.Constant(dividend, llvm::APInt::getAllOnes(width));
  return division.Create<mlir::arith::SelectOp>(division.is_zero(), all_ones, quotient);
}

Value EmitIntegerRemainder(mlir::OpBuilder& builder, mlir::Location location, Value dividend,
                           Value divisor, bool is_signed) {
  Division division(builder, location, dividend, divisor, is_signed);
  const Value remainder = is_signed
                              ? division.Create<mlir::arith::RemSIOp>(dividend, division.divisor())
                              : division.Create<mlir::arith::RemUIOp>(dividend, division.divisor());
  return division.Create<mlir::arith::SelectOp>(division.is_zero(), dividend, remainder);
}

}  // namespace stator::compiler
