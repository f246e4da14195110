// Activation functions of one tensor.
//
// They choose by `select` rather than by maximum: TensorFlow's gradient at the corner is 0, NaN
// passes, and where a branch could overflow its operand is replaced first, so that its gradient
// stays finite.

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

// A scalar that broadcasts against x.
Value ScalarLike(Expansion& e, Value x, double value) {
  return x ? e.b.Scalar(core::ElementTypeOf(x), value) : Value();
}

Value Relu(Expansion& e, Value x) {
  Value zero = ScalarLike(e, x, 0);
  return e.b.Select(e.b.Le(x, zero), zero, x);
}

Value Relu6(Expansion& e, Value x) {
  Value six = ScalarLike(e, x, 6);
  return e.b.Select(e.b.Ge(x, six), six, Relu(e, x));
}

Value LeakyRelu(Expansion& e, Value x) {
  return e.b.Select(e.b.Gt(x, ScalarLike(e, x, 0)), x,
                    e.b.Mul(x, ScalarLike(e, x, e.Float("alpha"))));
}

// e^x - 1 below zero; the operand is 0 elsewhere.
Value ExpTail(Expansion& e, Value x, Value is_negative) {
  return e.b.Expm1(e.b.Select(is_negative, x, ScalarLike(e, x, 0)));
}

Value Elu(Expansion& e, Value x) {
  Value is_negative = e.b.Lt(x, ScalarLike(e, x, 0));
  return e.b.Select(is_negative, ExpTail(e, x, is_negative), x);
}

Value Selu(Expansion& e, Value x) {
  constexpr double kScale = 1.0507009873554804934193349852946;
  constexpr double kScaleAlpha = 1.7580993408473768599402175208123;
  Value is_negative = e.b.Lt(x, ScalarLike(e, x, 0));
  return e.b.Select(is_negative, e.b.Mul(ScalarLike(e, x, kScaleAlpha), ExpTail(e, x, is_negative)),
                    e.b.Mul(ScalarLike(e, x, kScale), x));
}

// log(1 + e^x) = max(x, 0) + log1p(e^-|x|). The derived gradient is wrong at 0 (1 instead of 1/2),
// so it is given.
Value Softplus(Expansion& e, Value x) {
  if (!x) return {};
  core::CoreBuilder::Values results = e.b.Composite(
      "softplus", x,
      [&](mlir::ValueRange args) -> core::CoreBuilder::Values {
        Value zero = ScalarLike(e, args[0], 0);
        return {e.b.Add(e.b.Max(args[0], zero), e.b.Log1p(e.b.Exp(e.b.Neg(e.b.Abs(args[0])))))};
      },
      [&](mlir::ValueRange args) -> core::CoreBuilder::Values {
        return {e.b.Mul(args[2], e.b.Logistic(args[0]))};
      });
  return results.empty() ? Value() : results[0];
}

OpSchemaBuilder Schema(absl::string_view name, absl::string_view types, absl::string_view summary) {
  return OpSchemaBuilder(name)
      .Input("features: T")
      .Output("activations: T")
      .Attr(types)
      .Summary(summary);
}

}  // namespace

void RegisterActivations(compiler::OpSet& ops) {
  ops.Add(Schema("Relu",
                 "T: {float, double, int32, uint8, int16, int8, int64, bfloat16, uint16, half, "
                 "uint32, uint64, qint8}",
                 "the input, 0 where it is negative"),
          Apply(Relu));
  ops.Add(Schema("Relu6", kRealNumbers, "the input, limited to [0, 6]"), Apply(Relu6));
  ops.Add(OpSchemaBuilder("LeakyRelu")
              .Input("features: T")
              .Output("activations: T")
              .Attr("alpha: float = 0.2")
              .Attr("T: {half, bfloat16, float, double} = DT_FLOAT")
              .Summary("the input, times alpha where it is negative"),
          Apply(LeakyRelu));
  ops.Add(Schema("Elu", kFloatsHalfFirst, "the input, e^x - 1 where it is negative"), Apply(Elu));
  ops.Add(Schema("Selu", kFloatsHalfFirst, "Elu scaled so that mean 0 and variance 1 are kept"),
          Apply(Selu));
  ops.Add(Schema("Softplus", kFloatsHalfFirst, "log(1 + e^x)"), Apply(Softplus));
}

}  // namespace stator::ops
