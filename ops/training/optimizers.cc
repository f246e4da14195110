// Updates of variables by gradients: read, compute, assign. Order of operations as in TensorFlow's
// kernels.

#include "compiler/import/expansion.h"
#include "compiler/import/op_set.h"
#include "ops/schema_types.h"

namespace stator::ops {
namespace {

using compiler::Expansion;
using compiler::VariableRef;
using core::CoreBuilder;
using graph::OpSchemaBuilder;
using mlir::Value;

// A variable that the op reads and writes.
struct Slot {
  VariableRef variable;
  Value value;
};

// The variable of the input at this position; it must hold elements of type T.
Slot Read(Expansion& e, int input) {
  Slot slot{e.VariableIn(input), Value()};
  mlir::Type element = e.ElementTypeAttr("T");
  if (!e.b.ok()) return slot;
  if (slot.variable.type.getElementType() != element) {
    e.Fail("variable '" + slot.variable.symbol + "' must hold elements of type T");
    return slot;
  }
  slot.value = e.b.ReadVariable(slot.variable.symbol, slot.variable.type);
  return slot;
}

void Write(Expansion& e, const Slot& slot, Value value) {
  e.b.AssignVariable(slot.variable.symbol, value);
}

// A gradient, or another slot's value, which must have the variable's shape.
Value Like(Expansion& e, const Slot& slot, Value value) {
  if (!e.b.ok()) return {};
  return e.b.AssumeDims(value, core::DimsOf(slot.variable.type),
                        "must have the shape of variable '" + slot.variable.symbol + "'");
}

Value ScalarInput(Expansion& e, const char* argument) {
  Value value = e.In(argument);
  if (value && core::RankOf(value) != 0)
    return e.Fail(llvm::Twine("'") + argument + "' must be a scalar");
  return value;
}

void ExpandGradientDescent(Expansion& e) {
  Slot var = Read(e, 0);
  Value delta = Like(e, var, e.In("delta"));
  Write(e, var, e.b.Sub(var.value, e.b.Mul(delta, ScalarInput(e, "alpha"))));
}

void ExpandMomentum(Expansion& e) {
  CoreBuilder& b = e.b;
  Slot var = Read(e, 0), accum = Read(e, 1);
  Value gradient = Like(e, var, e.In("grad")), rate = ScalarInput(e, "lr"),
        momentum = ScalarInput(e, "momentum");
  Value velocity = b.Add(b.Mul(Like(e, var, accum.value), momentum), gradient);
  Write(e, accum, velocity);
  Value step = e.Bool("use_nesterov")
                   ? b.Add(b.Mul(gradient, rate), b.Mul(b.Mul(velocity, momentum), rate))
                   : b.Mul(velocity, rate);
  Write(e, var, b.Sub(var.value, step));
}

void ExpandKerasMomentum(Expansion& e) {
  CoreBuilder& b = e.b;
  Slot var = Read(e, 0), accum = Read(e, 1);
  Value gradient = Like(e, var, e.In("grad")), rate = ScalarInput(e, "lr"),
        momentum = ScalarInput(e, "momentum");
  Value descent = b.Mul(gradient, rate);
  Value velocity = b.Sub(b.Mul(Like(e, var, accum.value), momentum), descent);
  Write(e, accum, velocity);
  Value step = e.Bool("use_nesterov") ? b.Sub(b.Mul(velocity, momentum), descent) : velocity;
  Write(e, var, b.Add(var.value, step));
}

void ExpandAdam(Expansion& e) {
  CoreBuilder& b = e.b;
  Slot var = Read(e, 0), m = Read(e, 1), v = Read(e, 2);
  if (!b.ok()) return;
  Value one = b.Scalar(e.ElementTypeAttr("T"), 1);
  Value beta1 = ScalarInput(e, "beta1"), beta2 = ScalarInput(e, "beta2");
  Value alpha =
      b.Div(b.Mul(ScalarInput(e, "lr"), b.Sqrt(b.Sub(one, ScalarInput(e, "beta2_power")))),
            b.Sub(one, ScalarInput(e, "beta1_power")));
  Value gradient = Like(e, var, e.In("grad"));
  Value old_m = Like(e, var, m.value), old_v = Like(e, var, v.value);
  Value new_m = b.Add(old_m, b.Mul(b.Sub(gradient, old_m), b.Sub(one, beta1)));
  Value new_v = b.Add(old_v, b.Mul(b.Sub(b.Mul(gradient, gradient), old_v), b.Sub(one, beta2)));
  Value direction = e.Bool("use_nesterov")
                        ? b.Add(b.Mul(gradient, b.Sub(one, beta1)), b.Mul(beta1, new_m))
                        : new_m;
  Value step = b.Div(b.Mul(direction, alpha), b.Add(b.Sqrt(new_v), ScalarInput(e, "epsilon")));
  Write(e, m, new_m);
  Write(e, v, new_v);
  Write(e, var, b.Sub(var.value, step));
}

OpSchemaBuilder Momentum(absl::string_view name, absl::string_view summary) {
  return OpSchemaBuilder(name)
      .Input("var: resource")
      .Input("accum: resource")
      .Input("lr: T")
      .Input("grad: T")
      .Input("momentum: T")
      .Attr(kNumbers)
      .Attr("use_locking: bool = false")
      .Attr("use_nesterov: bool = false")
      .SetIsStateful()
      .Summary(summary);
}

}  // namespace

void RegisterOptimizers(compiler::OpSet& ops) {
  ops.Add(OpSchemaBuilder("ResourceApplyGradientDescent")
              .Input("var: resource")
              .Input("alpha: T")
              .Input("delta: T")
              .Attr(kNumbers)
              .Attr("use_locking: bool = false")
              .SetIsStateful()
              .Summary("var -= alpha * delta"),
          ExpandGradientDescent);
  ops.Add(Momentum("ResourceApplyMomentum", "accum = accum * momentum + grad; var -= lr * accum"),
          ExpandMomentum);
  ops.Add(
      Momentum("ResourceApplyKerasMomentum", "accum = accum * momentum - lr * grad; var += accum"),
      ExpandKerasMomentum);
  ops.Add(OpSchemaBuilder("ResourceApplyAdam")
              .Input("var: resource")
              .Input("m: resource")
              .Input("v: resource")
              .Input("beta1_power: T")
              .Input("beta2_power: T")
              .Input("lr: T")
              .Input("beta1: T")
              .Input("beta2: T")
              .Input("epsilon: T")
              .Input("grad: T")
              .Attr(kNumbers)
              .Attr("use_locking: bool = false")
              .Attr("use_nesterov: bool = false")
              .SetIsStateful()
              .Summary("a step of Adam; the caller advances beta1_power and beta2_power"),
          ExpandAdam);
}

}  // namespace stator::ops
