// Elementwise functions of one tensor.

#include <limits>

#include "compiler/import/expansion.h"
#include "compiler/import/op_set.h"
#include "ops/schema_types.h"

namespace stator::ops {
namespace {

using compiler::ExpandFunction;
using compiler::Expansion;
using graph::OpSchemaBuilder;
using mlir::Value;

using UnaryFunction = Value (*)(Expansion& e, Value x);

ExpandFunction Apply(UnaryFunction function) {
  return [function](Expansion& e) { e.Out(function(e, e.In(0))); };
}

bool IsInteger(Value x) { return x && llvm::isa<mlir::IntegerType>(core::ElementTypeOf(x)); }
Value ScalarLike(Expansion& e, Value x, double value) {
  return x ? e.b.Scalar(core::ElementTypeOf(x), value) : Value();
}

// The primitive of that name, which takes the same element types as TensorFlow's kernels.
template <typename OpT>
Value Primitive(Expansion& e, Value x) {
  return e.b.Unary<OpT>(x);
}

// The schema admits integers, the function has no meaning for them.
template <typename OpT>
Value FloatPrimitive(Expansion& e, Value x) {
  if (IsInteger(x)) return e.Fail("is not defined for integers");
  return e.b.Unary<OpT>(x);
}

Value Square(Expansion& e, Value x) { return e.b.Mul(x, x); }
Value Reciprocal(Expansion& e, Value x) { return e.b.Div(ScalarLike(e, x, 1), x); }
Value Round(Expansion& e, Value x) {
  return IsInteger(x) ? x : e.b.Unary<core::RoundNearestEvenOp>(x);
}
Value IsNan(Expansion& e, Value x) { return e.b.Ne(x, x); }
Value IsFinite(Expansion& e, Value x) { return e.b.IsFinite(x); }
Value IsInf(Expansion& e, Value x) {
  return e.b.Eq(e.b.Abs(x), ScalarLike(e, x, std::numeric_limits<double>::infinity()));
}

OpSchemaBuilder Schema(absl::string_view name, absl::string_view types, absl::string_view summary) {
  return OpSchemaBuilder(name).Input("x: T").Output("y: T").Attr(types).Summary(summary);
}

OpSchemaBuilder Predicate(absl::string_view name, absl::string_view summary) {
  return OpSchemaBuilder(name).Input("x: T").Output("y: bool").Attr(kFloats).Summary(summary);
}

void RegisterGeneral(compiler::OpSet& ops) {
  ops.Add(Schema("Abs", "T: {bfloat16, half, float, double, int8, int16, int32, int64}", "|x|"),
          Apply(Primitive<core::AbsOp>));
  ops.Add(Schema("Neg", kSignedNumbers, "-x"), Apply(Primitive<core::NegateOp>));
  ops.Add(Schema("Sign", kSignedNumbers, "-1, 0 or 1 by the sign of x"),
          Apply(Primitive<core::SignOp>));
  ops.Add(Schema("Square", kSignedNumbers, "x squared"), Apply(Square));
  ops.Add(Schema("Reciprocal", kSignedNumbers, "1 / x"), Apply(Reciprocal));
  ops.Add(Schema("Inv", kSignedNumbers, "1 / x"), Apply(Reciprocal));
  ops.Add(Schema("Round", kSignedNumbers, "the nearest integer, ties to even"), Apply(Round));
  ops.Add(Schema("Rint", kFloats, "the nearest integer, ties to even"), Apply(Round));
  ops.Add(Schema("Floor", kFloats, "the largest integer not above x"),
          Apply(Primitive<core::FloorOp>));
  ops.Add(Schema("Ceil", kFloats, "the smallest integer not below x"),
          Apply(Primitive<core::CeilOp>));
  ops.Add(Predicate("IsNan", "whether x is not a number"), Apply(IsNan));
  ops.Add(Predicate("IsInf", "whether x is infinite"), Apply(IsInf));
  ops.Add(Predicate("IsFinite", "whether x is neither infinite nor NaN"), Apply(IsFinite));
  ops.Add(OpSchemaBuilder("LogicalNot").Input("x: bool").Output("y: bool").Summary("not x"),
          Apply(Primitive<core::NotOp>));
  ops.Add(Schema("Invert", kIntegers, "all bits flipped"), Apply(Primitive<core::NotOp>));
}

void RegisterTranscendental(compiler::OpSet& ops) {
  ops.Add(Schema("Exp", kFloatsAndComplex, "e to the power of x"),
          Apply(Primitive<core::ExponentialOp>));
  ops.Add(Schema("Expm1", kFloatsAndComplex, "e to the power of x, minus 1"),
          Apply(Primitive<core::ExponentialMinusOneOp>));
  ops.Add(Schema("Log", kFloatsAndComplex, "the natural logarithm"), Apply(Primitive<core::LogOp>));
  ops.Add(Schema("Log1p", kFloatsAndComplex, "the natural logarithm of 1 + x"),
          Apply(Primitive<core::LogPlusOneOp>));
  ops.Add(Schema("Sqrt", kFloatsAndComplex, "the square root"), Apply(Primitive<core::SqrtOp>));
  ops.Add(Schema("Rsqrt", kFloatsAndComplex, "1 / sqrt(x)"), Apply(Primitive<core::RsqrtOp>));
  ops.Add(Schema("Sigmoid", kFloatsAndComplex, "1 / (1 + e^-x)"),
          Apply(Primitive<core::LogisticOp>));
  ops.Add(Schema("Sin", kFloatsAndComplex, "the sine"), Apply(Primitive<core::SineOp>));
  ops.Add(Schema("Cos", kFloatsAndComplex, "the cosine"), Apply(Primitive<core::CosineOp>));
  ops.Add(Schema("Tan", kSignedNumbers, "the tangent"), Apply(FloatPrimitive<core::TanOp>));
  ops.Add(Schema("Asin", kSignedNumbers, "the inverse sine"), Apply(FloatPrimitive<core::AsinOp>));
  ops.Add(Schema("Acos", kSignedNumbers, "the inverse cosine"),
          Apply(FloatPrimitive<core::AcosOp>));
  ops.Add(Schema("Atan", kSignedNumbers, "the inverse tangent"),
          Apply(FloatPrimitive<core::AtanOp>));
  ops.Add(Schema("Sinh", kFloatsAndComplex, "the hyperbolic sine"), Apply(Primitive<core::SinhOp>));
  ops.Add(Schema("Cosh", kFloatsAndComplex, "the hyperbolic cosine"),
          Apply(Primitive<core::CoshOp>));
  ops.Add(Schema("Tanh", kFloatsAndComplex, "the hyperbolic tangent"),
          Apply(Primitive<core::TanhOp>));
  ops.Add(Schema("Asinh", kFloatsAndComplex, "the inverse hyperbolic sine"),
          Apply(Primitive<core::AsinhOp>));
  ops.Add(Schema("Acosh", kFloatsAndComplex, "the inverse hyperbolic cosine"),
          Apply(Primitive<core::AcoshOp>));
  ops.Add(Schema("Atanh", kFloatsAndComplex, "the inverse hyperbolic tangent"),
          Apply(Primitive<core::AtanhOp>));
  ops.Add(Schema("Erf", kFloats, "the error function"), Apply(Primitive<core::ErfOp>));
  ops.Add(Schema("Erfc", kFloats, "1 minus the error function"), Apply(Primitive<core::ErfcOp>));
  ops.Add(Schema("Erfinv", kFloats, "the inverse of the error function"),
          Apply(Primitive<core::ErfInvOp>));
  ops.Add(Schema("Lgamma", kFloats, "the logarithm of |gamma(x)|"),
          Apply(Primitive<core::LgammaOp>));
  ops.Add(Schema("Digamma", kFloats, "the derivative of Lgamma"),
          Apply(Primitive<core::DigammaOp>));
}

}  // namespace

void RegisterUnary(compiler::OpSet& ops) {
  RegisterGeneral(ops);
  RegisterTranscendental(ops);
}

}  // namespace stator::ops
