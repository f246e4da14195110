// ReduceBucket, our own op: hands tensors of one virtual replica to the thread that communicates.

#include "compiler/import/expansion.h"
#include "compiler/import/op_set.h"
#include "compiler/passes/early_host_calls/early_host_calls.h"

namespace stator::ops {
namespace {

using compiler::Expansion;
using core::CoreBuilder;

void ExpandReduceBucket(Expansion& e) {
  CoreBuilder::Values tensors = e.InList("tensors");
  if (!e.b.ok()) return;
  mlir::Builder& builder = e.b.builder();
  // Host functions read strings: see host_attributes.h.
  const mlir::Attribute bucket = builder.getStringAttr(llvm::Twine(e.Int("bucket")));
  e.b.HostCall("ReduceBucket", mlir::ValueRange(tensors), {},
               builder.getDictionaryAttr(
                   {builder.getNamedAttr("bucket", builder.getArrayAttr({bucket})),
                    builder.getNamedAttr(compiler::kEarly, builder.getUnitAttr())}));
}

}  // namespace

void RegisterReduceBucket(compiler::OpSet& ops) {
  ops.Add(graph::OpSchemaBuilder("ReduceBucket")
              .Input("tensors: T")
              .Attr("T: list(type) >= 1")
              .Attr("bucket: int >= 0")
              .SetIsStateful()
              .Summary("starts the sum of these tensors over all virtual replicas"),
          ExpandReduceBucket);
}

}  // namespace stator::ops
