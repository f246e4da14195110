// Tensors from nowhere: constants and placeholders.

#include "absl/status/statusor.h"
#include "compiler/import/expansion.h"
#include "compiler/import/op_set.h"
#include "graph/tensor_proto.h"
#include "ops/schema_types.h"

namespace stator::ops {
namespace {

using compiler::Expansion;
using graph::OpSchemaBuilder;
using mlir::Value;

// Strings are made by a host function; nothing but data movement and other host functions touches
// them.
Value StringConstant(Expansion& e, const graph::DenseTensor& tensor) {
  mlir::Builder& builder = e.b.builder();
  llvm::SmallVector<mlir::Attribute> values;
  for (const std::string& text : tensor.strings) values.push_back(builder.getStringAttr(text));
  auto config = builder.getDictionaryAttr({
      builder.getNamedAttr("has_side_effect", builder.getBoolAttr(false)),
      builder.getNamedAttr("values", builder.getArrayAttr(values)),
  });
  auto type = mlir::RankedTensorType::get(tensor.shape, e.ElementType(DT_STRING));
  core::CoreBuilder::Values results = e.b.HostCall("StringConstant", {}, type, config);
  return results.empty() ? Value() : results[0];
}

void ExpandConst(Expansion& e) {
  const TensorProto& proto = e.Attr("value").tensor();
  if (proto.dtype() != e.Type("dtype"))
    return e.Out(e.Fail("'value' must have the element type 'dtype'"));
  graph::DecodeOptions options;
  options.keep_splat = proto.dtype() != DT_STRING;
  absl::StatusOr<graph::DenseTensor> tensor = graph::DecodeTensor(proto, options);
  if (!tensor.ok()) return e.Out(e.Fail("value: " + std::string(tensor.status().message())));
  if (proto.dtype() == DT_STRING) return e.Out(StringConstant(e, *tensor));

  mlir::Type element = e.ElementType(proto.dtype());
  if (!e.b.ok()) return e.Out(Value());
  // A splat stays small, whatever size it stands for.
  auto type = mlir::RankedTensorType::get(tensor->is_splat ? std::vector<int64_t>() : tensor->shape,
                                          element);
  mlir::DenseElementsAttr value;
  if (element.isInteger(1)) {
    llvm::SmallVector<bool> bits(tensor->bytes.begin(), tensor->bytes.end());
    value = mlir::DenseElementsAttr::get(type, llvm::ArrayRef<bool>(bits));
  } else {
    value = mlir::DenseElementsAttr::getFromRawBuffer(type,
                                                      {tensor->bytes.data(), tensor->bytes.size()});
  }
  Value constant = e.b.Constant(value);
  e.Out(tensor->is_splat ? e.b.BroadcastInDim(constant, {}, e.b.StaticDims(tensor->shape))
                         : constant);
}

// The importer puts what is fed in the place of this; what remains is an error that names the node.
void ExpandPlaceholder(Expansion& e) {
  mlir::Type element = e.ElementTypeAttr("dtype");
  core::Dims dims = e.ShapeAttr("shape", e.node().name());
  if (!e.b.ok()) return e.Out(Value());
  mlir::Builder& builder = e.b.builder();
  auto config = builder.getDictionaryAttr(
      {builder.getNamedAttr("node", builder.getStringAttr(e.node().name()))});
  e.Out(e.b.HostCall("Placeholder", {}, core::TensorType(dims, element), config));
}

// Fed, the importer replaces it; otherwise it is its default.
void ExpandPlaceholderWithDefault(Expansion& e) { e.Out(e.In("input")); }

}  // namespace

void RegisterSources(compiler::OpSet& ops) {
  ops.Add(OpSchemaBuilder("Const")
              .Output("output: dtype")
              .Attr("value: tensor")
              .Attr("dtype: type")
              .Summary("a constant tensor"),
          ExpandConst);
  ops.Add(OpSchemaBuilder("Placeholder")
              .Output("output: dtype")
              .Attr("dtype: type")
              .Attr("shape: shape = { unknown_rank: true }")
              .Summary("a tensor that every run feeds"),
          ExpandPlaceholder);
  ops.Add(OpSchemaBuilder("PlaceholderWithDefault")
              .Input("input: dtype")
              .Output("output: dtype")
              .Attr("dtype: type")
              .Attr("shape: shape")
              .Summary("a tensor that a run may feed, else the input"),
          ExpandPlaceholderWithDefault);
}

}  // namespace stator::ops
