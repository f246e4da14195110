// Resource variables. A handle is resolved at compile time; reads and writes are effects on its
// symbol.

#include "compiler/import/expansion.h"
#include "compiler/import/op_set.h"
#include "ops/schema_types.h"

namespace stator::ops {
namespace {

using compiler::ExpandFunction;
using compiler::Expansion;
using compiler::VariableRef;
using graph::OpSchemaBuilder;
using mlir::Value;

void ExpandVarHandle(Expansion& e) {
  mlir::Type element = e.ElementTypeAttr("dtype");
  core::Dims dims = e.ShapeAttr("shape", e.node().name());
  if (!e.b.ok()) return e.Out(Value());
  // A run's strings end with it, a variable's content does not.
  if (llvm::isa<core::ObjectType>(element)) {
    return e.Out(e.Fail("variables of strings are not supported yet"));
  }
  const std::string shared_name = e.Str("shared_name");
  e.OutRaw({Value(), e.context().DeclareVariable(
                         e.Str("container"), shared_name.empty() ? e.node().name() : shared_name,
                         core::TensorType(dims, element))});
}

// The variable of input 0; fails unless it holds elements of the node's dtype.
VariableRef Variable(Expansion& e) {
  VariableRef variable = e.VariableIn(0);
  mlir::Type element = e.ElementTypeAttr("dtype");
  if (e.b.ok() && variable.type.getElementType() != element) {
    e.Fail("'dtype' must be the element type of variable '" + variable.symbol + "'");
  }
  return variable;
}

void ExpandRead(Expansion& e) {
  VariableRef variable = Variable(e);
  e.Out(e.b.ReadVariable(variable.symbol, variable.type));
}

// Sizes that the variable leaves open take any value.
void ExpandAssign(Expansion& e) {
  VariableRef variable = Variable(e);
  Value value = e.In("value");
  if (!value || !e.b.ok()) return;
  if (llvm::isa<core::ObjectType>(core::ElementTypeOf(value)) &&
      core::ElementTypeOf(value) != variable.type.getElementType()) {
    // A restored tensor, whose shape only the run knows; the host function checks it against the
    // variable's.
    core::CoreBuilder::Values tensor =
        e.b.HostCall("RestoredTensor", value, variable.type, e.b.builder().getDictionaryAttr({}));
    return e.b.AssignVariable(variable.symbol, tensor[0]);
  }
  core::Dims dims = core::DimsOf(value), declared = core::DimsOf(variable.type);
  for (size_t i = 0; i < dims.size() && i < declared.size(); ++i) {
    if (declared[i].IsConstant()) dims[i] = declared[i];
  }
  if (dims.size() != declared.size()) dims = declared;  // reports the ranks
  e.b.AssignVariable(variable.symbol,
                     e.b.AssumeDims(value, dims, "cannot assign to '" + variable.symbol + "'"));
}

ExpandFunction Update(bool subtract) {
  return [subtract](Expansion& e) {
    VariableRef variable = Variable(e);
    if (!e.b.ok()) return;
    Value value = e.b.AssumeDims(e.In("value"), core::DimsOf(variable.type),
                                 "cannot update '" + variable.symbol + "'");
    Value old = e.b.ReadVariable(variable.symbol, variable.type);
    e.b.AssignVariable(variable.symbol, subtract ? e.b.Sub(old, value) : e.b.Add(old, value));
  };
}

void ExpandIsInitialized(Expansion& e) {
  VariableRef variable = e.VariableIn(0);
  if (!e.b.ok()) return e.Out(Value());
  mlir::OpBuilder& builder = e.b.builder();
  auto type = mlir::RankedTensorType::get({}, builder.getI1Type());
  e.Out(builder.create<core::VariableInitializedOp>(e.b.loc(), type, variable.symbol).getResult());
}

void ExpandVariableShape(Expansion& e) {
  VariableRef variable = e.VariableIn(0);
  if (!e.b.ok()) return e.Out(Value());
  e.Out(e.b.DimVector(core::DimsOf(variable.type), e.ElementTypeAttr("out_type")));
}

OpSchemaBuilder Assignment(absl::string_view name, absl::string_view summary) {
  return OpSchemaBuilder(name)
      .Input("resource: resource")
      .Input("value: dtype")
      .Attr("dtype: type")
      .SetIsStateful()
      .Summary(summary);
}

}  // namespace

void RegisterVariables(compiler::OpSet& ops) {
  ops.Add(
      OpSchemaBuilder("VarHandleOp")
          .Output("resource: resource")
          .Attr("container: string = ''")
          .Attr("shared_name: string = ''")
          .Attr("dtype: type")
          .Attr("shape: shape")
          .Attr("allowed_devices: list(string) = []")
          .Attr("debug_name: string = ''")
          .SetIsStateful()
          .Summary(
              "a handle to a variable of the session; its name is shared_name, else the node's"),
      ExpandVarHandle);
  ops.Add(OpSchemaBuilder("ReadVariableOp")
              .Input("resource: resource")
              .Output("value: dtype")
              .Attr("dtype: type")
              .SetIsStateful()
              .Summary("the variable's value"),
          ExpandRead);
  ops.Add(Assignment("AssignVariableOp", "sets the variable"), ExpandAssign);
  ops.Add(Assignment("AssignAddVariableOp", "adds to the variable"), Update(/*subtract=*/false));
  ops.Add(Assignment("AssignSubVariableOp", "subtracts from the variable"),
          Update(/*subtract=*/true));
  ops.Add(OpSchemaBuilder("VarIsInitializedOp")
              .Input("resource: resource")
              .Output("is_initialized: bool")
              .SetIsStateful()
              .Summary("whether the variable holds a value"),
          ExpandIsInitialized);
  ops.Add(OpSchemaBuilder("VariableShape")
              .Input("input: resource")
              .Output("output: out_type")
              .Attr("out_type: {int32, int64} = DT_INT32")
              .SetIsStateful()
              .Summary("the shape of the variable's value"),
          ExpandVariableShape);
}

}  // namespace stator::ops
