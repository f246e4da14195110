// Ops that return their inputs.

#include "compiler/import/expansion.h"
#include "compiler/import/op_set.h"
#include "ops/schema_types.h"

namespace stator::ops {
namespace {

using compiler::Expansion;
using graph::OpSchemaBuilder;

// Tensors, lists and handles alike.
void ExpandIdentity(Expansion& e) {
  for (int i = 0; i < e.num_inputs(); ++i) e.OutRaw(e.RawIn(i));
}

void ExpandStopGradient(Expansion& e) {
  if (e.RawIn(0).variable) return e.OutRaw(e.RawIn(0));
  e.Out(e.b.StopGradient(e.In("input")));
}

OpSchemaBuilder Schema(absl::string_view name, absl::string_view summary) {
  return OpSchemaBuilder(name)
      .Input("input: T")
      .Output("output: T")
      .Attr(kAnyType)
      .Summary(summary);
}

}  // namespace

void RegisterIdentities(compiler::OpSet& ops) {
  ops.Add(Schema("Identity", "the input"), ExpandIdentity);
  ops.Add(Schema("Snapshot", "the input as it is now"), ExpandIdentity);
  ops.Add(Schema("StopGradient", "the input, constant to gradients"), ExpandStopGradient);
  ops.Add(OpSchemaBuilder("IdentityN")
              .Input("input: T")
              .Output("output: T")
              .Attr("T: list(type) >= 1")
              .Summary("the inputs"),
          ExpandIdentity);
}

}  // namespace stator::ops
