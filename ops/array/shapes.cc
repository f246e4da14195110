// Shapes as tensors, and tensors filled with a value.

#include "absl/strings/str_cat.h"
#include "compiler/import/expansion.h"
#include "compiler/import/op_set.h"
#include "ops/schema_types.h"
#include "ops/shape_input.h"

namespace stator::ops {
namespace {

using compiler::Expansion;
using core::Dims;
using graph::OpSchemaBuilder;
using mlir::Value;

void ExpandShape(Expansion& e) {
  for (int i = 0; i < e.num_inputs(); ++i) {
    Value x = e.In(i);
    e.Out(x ? e.b.DimVector(core::DimsOf(x), e.ElementTypeAttr("out_type")) : Value());
  }
}

void ExpandSize(Expansion& e) {
  Value x = e.In("input");
  if (!x) return e.Out(Value());
  e.Out(e.b.DimScalar(core::Product(e.b.dims(), core::DimsOf(x)), e.ElementTypeAttr("out_type")));
}

void ExpandRank(Expansion& e) {
  Value x = e.In("input");
  e.Out(x ? e.b.ScalarInt(e.ElementType(DT_INT32), core::RankOf(x)) : Value());
}

compiler::ExpandFunction SplatLike(double value) {
  return [value](Expansion& e) {
    Value x = e.In("x");
    if (x && llvm::isa<core::ObjectType>(core::ElementTypeOf(x)))
      return e.Out(e.Fail("is not defined for strings"));
    e.Out(e.b.SplatLike(x, value));
  };
}

void ExpandFill(Expansion& e) {
  Value value = e.In("value");
  if (value && core::RankOf(value) != 0) return e.Out(e.Fail("'value' must be a scalar"));
  e.Out(e.b.BroadcastInDim(value, {}, ShapeInput(e, "dims")));
}

void ExpandBroadcastTo(Expansion& e) {
  Value x = e.In("input");
  Dims dims = ShapeInput(e, "shape");
  e.Out(e.b.BroadcastTo(x, dims));
}

// on_value where the position along the new axis is the index. An index outside [0, depth) gives a
// row of off_value.
void ExpandOneHot(Expansion& e) {
  Value indices = e.In("indices"), depth = e.In("depth");
  if (!indices || !depth) return e.Out(Value());
  core::DimExpr size = e.b.ValueAsDim(depth, "depth");
  if (IsNegative(size))
    return e.Out(e.Fail("'depth' must not be negative, found " + size.ToString()));
  Dims dims = core::DimsOf(indices);
  const int64_t rank = core::RankOf(indices);
  const int64_t axis = e.Int("axis") == -1 ? rank : e.Int("axis");
  if (axis < 0 || axis > rank)
    return e.Out(e.Fail("axis " + llvm::Twine(axis) + " must be in [-1, rank of indices]"));
  llvm::SmallVector<int64_t> kept;
  for (int64_t i = 0; i <= rank; ++i) {
    if (i != axis) kept.push_back(i);
  }
  dims.insert(dims.begin() + axis, size);
  // An iota of bytes would wrap at 256.
  if (core::ElementTypeOf(indices).getIntOrFloatBitWidth() < 32) {
    indices = e.b.Convert(indices, e.b.builder().getI32Type());
  }
  Value position = e.b.Iota(core::ElementTypeOf(indices), dims, axis);
  e.Out(e.b.Select(e.b.Eq(e.b.BroadcastInDim(indices, kept, dims), position), e.In("on_value"),
                   e.In("off_value")));
}

constexpr char kOutType[] = "out_type: {int32, int64} = DT_INT32";

OpSchemaBuilder Inspection(absl::string_view name, absl::string_view summary) {
  return OpSchemaBuilder(name)
      .Input("input: T")
      .Output("output: out_type")
      .Attr(kAnyType)
      .Attr(kOutType)
      .Summary(summary);
}

OpSchemaBuilder Like(absl::string_view name, absl::string_view types, absl::string_view summary) {
  return OpSchemaBuilder(name).Input("x: T").Output("y: T").Attr(types).Summary(summary);
}

}  // namespace

void RegisterShapes(compiler::OpSet& ops) {
  ops.Add(Inspection("Shape", "the sizes of the dimensions"), ExpandShape);
  ops.Add(Inspection("Size", "the number of elements"), ExpandSize);
  ops.Add(OpSchemaBuilder("ShapeN")
              .Input("input: N * T")
              .Output("output: N * out_type")
              .Attr("N: int >= 1")
              .Attr(kAnyType)
              .Attr(kOutType)
              .Summary("the shape of each input"),
          ExpandShape);
  ops.Add(OpSchemaBuilder("Rank")
              .Input("input: T")
              .Output("output: int32")
              .Attr(kAnyType)
              .Summary("the number of dimensions"),
          ExpandRank);
  ops.Add(Like("ZerosLike", kAnyType, "zeros of the shape of x"), SplatLike(0));
  ops.Add(Like("OnesLike",
               "T: {bfloat16, half, float, double, int8, uint8, int16, uint16, int32, int64, "
               "complex64, complex128, bool}",
               "ones of the shape of x"),
          SplatLike(1));
  ops.Add(OpSchemaBuilder("Fill")
              .Input("dims: index_type")
              .Input("value: T")
              .Output("output: T")
              .Attr(kAnyType)
              .Attr("index_type: {int32, int64} = DT_INT32")
              .Summary("a tensor of that shape, filled with a scalar"),
          ExpandFill);
  ops.Add(OpSchemaBuilder("BroadcastTo")
              .Input("input: T")
              .Input("shape: Tidx")
              .Output("output: T")
              .Attr(kAnyType)
              .Attr(kIndexType)
              .Summary("the input repeated to a shape, by NumPy's rule"),
          ExpandBroadcastTo);
  ops.Add(OpSchemaBuilder("OneHot")
              .Input("indices: TI")
              .Input("depth: int32")
              .Input("on_value: T")
              .Input("off_value: T")
              .Output("output: T")
              .Attr("axis: int = -1")
              .Attr(kAnyType)
              .Attr("TI: {uint8, int32, int64} = DT_INT64")
              .Summary("on_value at each index along a new axis, off_value elsewhere"),
          ExpandOneHot);
}

}  // namespace stator::ops
