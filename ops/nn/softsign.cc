// Softsign: x / (1 + |x|), a bounded activation with polynomial tails.

#include "compiler/import/expansion.h"
#include "compiler/import/op_set.h"
#include "ops/schema_types.h"

namespace stator::ops {

void RegisterSoftsign(compiler::OpSet& ops) {
  ops.Add(graph::OpSchemaBuilder("Softsign")
              .Input("features: T")
              .Output("activations: T")
              .Attr(kFloatsHalfFirst)
              .Summary("x / (1 + |x|)"),
          [](compiler::Expansion& e) {
            mlir::Value x = e.In(0);
            mlir::Value one = x ? e.b.Scalar(core::ElementTypeOf(x), 1) : mlir::Value();
            e.Out(e.b.Div(x, e.b.Add(one, e.b.Abs(x))));
          });
}

}  // namespace stator::ops
