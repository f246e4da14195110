// Gradients, our own op: a mark that the compiler replaces by reverse mode over the primitives.

#include "compiler/import/expansion.h"
#include "compiler/import/op_set.h"

namespace stator::ops {
namespace {

using compiler::Expansion;
using core::CoreBuilder;
using mlir::Value;

bool IsDifferentiable(Value x) { return x && llvm::isa<mlir::FloatType>(core::ElementTypeOf(x)); }

void ExpandGradients(Expansion& e) {
  CoreBuilder::Values ys = e.InList("ys"), grad_ys = e.InList("grad_ys"), xs = e.InList("xs");
  if (e.b.ok() && !grad_ys.empty() && grad_ys.size() != ys.size()) {
    e.Fail("'grad_ys' must be empty or have one gradient for each of 'ys', found " +
           llvm::Twine(grad_ys.size()) + " for " + llvm::Twine(ys.size()));
  }
  for (size_t i = 0; i < grad_ys.size() && e.b.ok(); ++i) {
    grad_ys[i] =
        e.b.AssumeDims(grad_ys[i], core::DimsOf(ys[i]), "a gradient must have the shape of its y");
    if (grad_ys[i] && core::ElementTypeOf(grad_ys[i]) != core::ElementTypeOf(ys[i])) {
      e.Fail("gradient " + llvm::Twine(i) + " of 'grad_ys' must have the element type of its y");
    }
  }
  for (size_t i = 0; i < ys.size() && e.b.ok(); ++i) {
    if (!IsDifferentiable(ys[i]))
      e.Fail("element " + llvm::Twine(i) + " of 'ys' must be floating point");
  }
  for (size_t i = 0; i < xs.size() && e.b.ok(); ++i) {
    if (!IsDifferentiable(xs[i]))
      e.Fail("element " + llvm::Twine(i) + " of 'xs' must be floating point");
  }
  if (!e.b.ok()) return e.Out(CoreBuilder::Values(xs.size()));
  auto op = e.b.builder().create<core::GradientsOp>(e.b.loc(), mlir::ValueRange(xs).getTypes(),
                                                    mlir::ValueRange(ys), mlir::ValueRange(grad_ys),
                                                    mlir::ValueRange(xs));
  e.Out(CoreBuilder::Values(op.getResults()));
}

}  // namespace

void RegisterGradients(compiler::OpSet& ops) {
  ops.Add(graph::OpSchemaBuilder("Gradients")
              .Input("ys: Ty")
              .Input("grad_ys: Tgrad_y")
              .Input("xs: Tx")
              .Output("gradients: Tx")
              .Attr("Ty: list(type) >= 1")
              .Attr("Tgrad_y: list(type) >= 0")
              .Attr("Tx: list(type) >= 1")
              .Summary("the gradients of the sum of ys (weighted by grad_ys, if there are any) "
                       "with respect to xs")
              .Description("An x is a tensor: for a variable, the value that a ReadVariableOp "
                           "gave. An x that no y "
                           "depends on gets zeros."),
          ExpandGradients);
}

}  // namespace stator::ops
