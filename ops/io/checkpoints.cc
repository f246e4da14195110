// SaveV2 and RestoreV2: host functions. A restored tensor's shape is in the file, so it travels as
// an object until an AssignVariableOp gives it the shape of its variable. A scalar of strings is an
// object by itself.

#include "compiler/import/expansion.h"
#include "compiler/import/op_set.h"

namespace stator::ops {
namespace {

using compiler::Expansion;
using core::CoreBuilder;
using graph::OpSchemaBuilder;
using mlir::Value;

// The numbers of the dtypes, as strings.
mlir::DictionaryAttr Config(Expansion& e) {
  mlir::Builder& builder = e.b.builder();
  llvm::SmallVector<mlir::Attribute> dtypes;
  for (DataType dtype : e.Types("dtypes")) dtypes.push_back(builder.getStringAttr(llvm::Twine(dtype)));
  return builder.getDictionaryAttr({builder.getNamedAttr("dtypes", builder.getArrayAttr(dtypes))});
}

CoreBuilder::Values AllInputs(Expansion& e) {
  CoreBuilder::Values inputs;
  for (int i = 0; i < e.num_inputs(); ++i) inputs.push_back(e.In(i));
  return inputs;
}

void ExpandSave(Expansion& e) {
  CoreBuilder::Values inputs = AllInputs(e);
  if (e.b.ok()) e.b.HostCall("SaveV2", mlir::ValueRange(inputs), {}, Config(e));
}

void ExpandRestore(Expansion& e) {
  CoreBuilder::Values inputs = AllInputs(e);
  const size_t count = e.Types("dtypes").size();
  if (!e.b.ok()) return e.Out(CoreBuilder::Values(count));
  llvm::SmallVector<mlir::Type> types(count,
                                      mlir::RankedTensorType::get({}, e.ElementType(DT_STRING)));
  e.Out(e.b.HostCall("RestoreV2", mlir::ValueRange(inputs), types, Config(e)));
}

}  // namespace

void RegisterCheckpoints(compiler::OpSet& ops) {
  ops.Add(OpSchemaBuilder("SaveV2")
              .Input("prefix: string")
              .Input("tensor_names: string")
              .Input("shape_and_slices: string")
              .Input("tensors: dtypes")
              .Attr("dtypes: list(type) >= 1")
              .SetIsStateful()
              .Summary("writes tensors to a checkpoint"),
          ExpandSave);
  ops.Add(OpSchemaBuilder("RestoreV2")
              .Input("prefix: string")
              .Input("tensor_names: string")
              .Input("shape_and_slices: string")
              .Output("tensors: dtypes")
              .Attr("dtypes: list(type) >= 1")
              .SetIsStateful()
              .Summary("reads tensors from a checkpoint"),
          ExpandRestore);
}

}  // namespace stator::ops
