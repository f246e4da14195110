// Derivatives of the elementwise primitives. x, y: operands; z: result; g: gradient of the result.

#include <cmath>
#include <numbers>

#include "compiler/autodiff/vjp.h"
#include "llvm/ADT/TypeSwitch.h"

namespace stator::compiler {
namespace {

using core::CoreBuilder;
using mlir::Operation;
using mlir::Value;

// One operand.
Value UnaryVjp(CoreBuilder& b, Operation* op, Value x, Value z, Value g, bool& known) {
  auto c = [&](double value) { return b.SplatLike(x, value); };
  auto one_minus_square = [&](Value v) { return b.Sub(c(1), b.Mul(v, v)); };
  known = true;
  return llvm::TypeSwitch<Operation*, Value>(op)
      .Case<core::NegateOp>([&](auto) { return b.Neg(g); })
      .Case<core::AbsOp>([&](auto) { return b.Mul(g, b.Sign(x)); })
      .Case<core::ExponentialOp>([&](auto) { return b.Mul(g, z); })
      .Case<core::ExponentialMinusOneOp>([&](auto) { return b.Mul(g, b.Add(z, c(1))); })
      .Case<core::LogOp>([&](auto) { return b.Div(g, x); })
      .Case<core::LogPlusOneOp>([&](auto) { return b.Div(g, b.Add(x, c(1))); })
      .Case<core::SqrtOp>([&](auto) { return b.Div(b.Mul(g, c(0.5)), z); })
      .Case<core::RsqrtOp>([&](auto) { return b.Mul(b.Mul(g, c(-0.5)), b.Mul(b.Mul(z, z), z)); })
      .Case<core::CbrtOp>([&](auto) { return b.Div(g, b.Mul(c(3), b.Mul(z, z))); })
      .Case<core::SineOp>([&](auto) { return b.Mul(g, b.Cos(x)); })
      .Case<core::CosineOp>([&](auto) { return b.Neg(b.Mul(g, b.Sin(x))); })
      .Case<core::TanOp>([&](auto) { return b.Mul(g, b.Add(c(1), b.Mul(z, z))); })
      .Case<core::AsinOp>([&](auto) { return b.Div(g, b.Sqrt(one_minus_square(x))); })
      .Case<core::AcosOp>([&](auto) { return b.Neg(b.Div(g, b.Sqrt(one_minus_square(x)))); })
      .Case<core::AtanOp>([&](auto) { return b.Div(g, b.Add(c(1), b.Mul(x, x))); })
      .Case<core::SinhOp>([&](auto) { return b.Mul(g, b.Unary<core::CoshOp>(x)); })
      .Case<core::CoshOp>([&](auto) { return b.Mul(g, b.Unary<core::SinhOp>(x)); })
      .Case<core::TanhOp>([&](auto) { return b.Mul(g, one_minus_square(z)); })
      .Case<core::AsinhOp>([&](auto) { return b.Div(g, b.Sqrt(b.Add(b.Mul(x, x), c(1)))); })
      .Case<core::AcoshOp>([&](auto) { return b.Div(g, b.Sqrt(b.Mul(b.Sub(x, c(1)), b.Add(x, c(1))))); })
      .Case<core::AtanhOp>([&](auto) { return b.Div(g, one_minus_square(x)); })
      .Case<core::LogisticOp>([&](auto) { return b.Mul(b.Mul(g, z), b.Sub(c(1), z)); })
      .Case<core::ErfOp>([&](auto) {
        return b.Mul(b.Mul(g, c(2 * std::numbers::inv_sqrtpi)), b.Exp(b.Neg(b.Mul(x, x))));
      })
      .Case<core::ErfcOp>([&](auto) {
        return b.Mul(b.Mul(g, c(-2 * std::numbers::inv_sqrtpi)), b.Exp(b.Neg(b.Mul(x, x))));
      })
      .Case<core::ErfInvOp>([&](auto) {
        return b.Mul(b.Mul(g, c(0.5 / std::numbers::inv_sqrtpi)), b.Exp(b.Mul(z, z)));
      })
      .Case<core::LgammaOp>([&](auto) { return b.Mul(g, b.Unary<core::DigammaOp>(x)); })
      .Case<core::ConvertOp>([&](auto) {
        return llvm::isa<mlir::FloatType>(core::ElementTypeOf(x)) ? b.Convert(g, core::ElementTypeOf(x)) : Value();
      })
      // Flat almost everywhere.
      .Case<core::SignOp, core::FloorOp, core::CeilOp, core::RoundNearestEvenOp, core::RoundNearestAfzOp,
            core::IsFiniteOp, core::NotOp, core::PopcntOp, core::CountLeadingZerosOp, core::BitcastConvertOp,
            core::StopGradientOp>([](auto) { return Value(); })
      .Default([&](Operation*) {
        known = false;
        return Value();
      });
}

// Whether the value is known to be one number other than zero.
bool IsNonzeroSplat(Value value) {
  if (auto broadcast = value.getDefiningOp<core::BroadcastInDimOp>()) value = broadcast.getOperand();
  auto constant = value.getDefiningOp<core::ConstantOp>();
  auto dense = constant ? llvm::dyn_cast<mlir::DenseFPElementsAttr>(constant.getValue()) : nullptr;
  return dense && dense.isSplat() && !dense.getSplatValue<llvm::APFloat>().isZero();
}

bool BinaryVjp(CoreBuilder& b, Operation* op, Value x, Value y, Value z, Value g, Grads& operands) {
  auto c = [&](double value) { return b.SplatLike(z, value); };
  Value zero = c(0);
  return llvm::TypeSwitch<Operation*, bool>(op)
      .Case<core::AddOp>([&](auto) { return operands = {g, g}, true; })
      .Case<core::SubtractOp>([&](auto) { return operands = {g, b.Neg(g)}, true; })
      .Case<core::MulOp>([&](auto) { return operands = {b.Mul(g, y), b.Mul(g, x)}, true; })
      .Case<core::DivOp>([&](auto) {
        Value gy = b.Div(g, y);
        return operands = {gy, b.Neg(b.Mul(gy, z))}, true;
      })
      .Case<core::RemOp>([&](auto) {
        // x rem y = x - y * trunc(x / y)
        Value quotient = b.Div(b.Sub(x, z), y);
        return operands = {g, b.Neg(b.Mul(g, quotient))}, true;
      })
      .Case<core::PowOp>([&](auto) {
        // x^0 is flat even at 0, where the exponent -1 would give 0 * inf.
        Value less = IsNonzeroSplat(y) ? b.Sub(y, c(1)) : b.Select(b.Eq(y, zero), c(1), b.Sub(y, c(1)));
        Value dx = b.Mul(b.Mul(g, y), b.Pow(x, less));
        // At x <= 0 the logarithm means nothing; TensorFlow's convention is 0.
        Value positive = b.Gt(x, zero);
        Value log_x = b.Select(positive, b.Log(b.Select(positive, x, c(1))), zero);
        return operands = {dx, b.Mul(b.Mul(g, z), log_x)}, true;
      })
      .Case<core::MaxOp>([&](auto) {
        Value left = b.Ge(x, y);
        return operands = {b.Select(left, g, zero), b.Select(left, zero, g)}, true;
      })
      .Case<core::MinOp>([&](auto) {
        Value left = b.Le(x, y);
        return operands = {b.Select(left, g, zero), b.Select(left, zero, g)}, true;
      })
      .Case<core::Atan2Op>([&](auto) {
        Value scaled = b.Div(g, b.Add(b.Mul(x, x), b.Mul(y, y)));
        return operands = {b.Mul(scaled, y), b.Neg(b.Mul(scaled, x))}, true;
      })
      .Case<core::AndOp, core::OrOp, core::XorOp, core::ShiftLeftOp, core::ShiftRightArithmeticOp,
            core::ShiftRightLogicalOp, core::CompareOp>([&](auto) { return operands = {Value(), Value()}, true; })
      .Default([](Operation*) { return false; });
}

}  // namespace

bool ElementwiseVjp(CoreBuilder& b, Operation* op, Value g, Grads& operands) {
  if (auto select = llvm::dyn_cast<core::SelectOp>(op)) {
    Value zero = b.SplatLike(g, 0);
    operands = {Value(), b.Select(select.getPred(), g, zero), b.Select(select.getPred(), zero, g)};
    return true;
  }
  if (auto clamp = llvm::dyn_cast<core::ClampOp>(op)) {
    Value zero = b.SplatLike(g, 0), x = clamp.getOperand();
    Value low = b.Lt(x, clamp.getMin()), high = b.Gt(x, clamp.getMax());
    operands = {b.Select(low, g, zero), b.Select(b.Or(low, high), zero, g), b.Select(high, g, zero)};
    return true;
  }
  if (op->getNumResults() != 1) return false;
  if (op->getNumOperands() == 1) {
    bool known = false;
    operands = {UnaryVjp(b, op, op->getOperand(0), op->getResult(0), g, known)};
    return known;
  }
  return op->getNumOperands() == 2 &&
         BinaryVjp(b, op, op->getOperand(0), op->getOperand(1), op->getResult(0), g, operands);
}

}  // namespace stator::compiler
