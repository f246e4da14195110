// Several tensors in one, and one tensor made larger: Concat, Pack, Tile, Pad.

#include "compiler/import/expansion.h"
#include "compiler/import/op_set.h"
#include "ops/schema_types.h"
#include "ops/shape_input.h"

namespace stator::ops {
namespace {

using compiler::ExpandFunction;
using compiler::Expansion;
using core::CoreBuilder;
using core::DimExpr;
using core::Dims;
using graph::OpSchemaBuilder;
using mlir::Value;

ExpandFunction Concat(const char* axis_argument) {
  return [axis_argument](Expansion& e) {
    CoreBuilder::Values values = e.InList("values");
    if (!e.b.ok()) return e.Out(Value());
    e.Out(e.b.Concatenate(values, AxisInput(e, axis_argument, core::RankOf(values[0]))));
  };
}

void ExpandPack(Expansion& e) {
  CoreBuilder::Values values = e.InList("values");
  if (!e.b.ok()) return e.Out(Value());
  const int64_t axis = e.NormalizeAxis(e.Int("axis"), core::RankOf(values[0]) + 1);
  for (Value& value : values) {
    Dims dims = core::DimsOf(value);
    if (axis > static_cast<int64_t>(dims.size()))
      return e.Out(e.Fail("all inputs must have the same rank"));
    dims.insert(dims.begin() + axis, e.b.Dim(1));
    value = e.b.Reshape(value, dims);
  }
  e.Out(e.b.Concatenate(values, axis));
}

// Each repeated dimension is broadcast along a new one before it, and the two are joined.
void ExpandTile(Expansion& e) {
  Value x = e.In("input");
  const Dims multiples = ShapeInput(e, "multiples");
  if (!x || !e.b.ok()) return e.Out(Value());
  const Dims dims = core::DimsOf(x);
  if (multiples.size() != dims.size()) {
    return e.Out(e.Fail("'multiples' must have one element for each of " +
                        llvm::Twine(dims.size()) + " dimensions"));
  }
  Dims spread, result;
  llvm::SmallVector<int64_t> kept;
  for (size_t i = 0; i < dims.size(); ++i) {
    const bool is_repeated = !multiples[i].IsConstant(1), is_one = dims[i].IsConstant(1);
    if (is_repeated && !is_one) spread.push_back(multiples[i]);
    kept.push_back(static_cast<int64_t>(spread.size()));
    spread.push_back(is_repeated && is_one ? multiples[i] : dims[i]);
    result.push_back(dims[i] * multiples[i]);
  }
  e.Out(e.b.Reshape(e.b.BroadcastInDim(x, kept, spread), result));
}

void ExpandPad(Expansion& e) {
  Value x = e.In("input"), paddings = e.In("paddings");
  if (!x || !paddings) return e.Out(Value());
  const int64_t rank = core::RankOf(x);
  paddings = e.b.Reshape(paddings, {e.b.Dim(2 * rank)});
  const Dims values = e.b.ValuesAsDims(paddings, "padding");
  if (!e.b.ok()) return e.Out(Value());
  Dims low, high;
  for (int64_t i = 0; i < rank; ++i) {
    if (IsNegative(values[2 * i]) || IsNegative(values[2 * i + 1])) {
      return e.Out(e.Fail("'paddings' must not be negative, found [" + values[2 * i].ToString() +
                          ", " + values[2 * i + 1].ToString() + "] for dimension " +
                          llvm::Twine(i)));
    }
    low.push_back(values[2 * i]);
    high.push_back(values[2 * i + 1]);
  }
  Value fill =
      e.node().op() == "PadV2" ? e.In("constant_values") : e.b.Scalar(core::ElementTypeOf(x), 0);
  e.Out(e.b.Pad(x, fill, low, high, llvm::SmallVector<int64_t>(rank, 0)));
}

}  // namespace

void RegisterJoins(compiler::OpSet& ops) {
  ops.Add(OpSchemaBuilder("Concat")
              .Input("concat_dim: int32")
              .Input("values: N * T")
              .Output("output: T")
              .Attr("N: int >= 2")
              .Attr(kAnyType)
              .Summary("the inputs one after another along a dimension"),
          Concat("concat_dim"));
  ops.Add(OpSchemaBuilder("ConcatV2")
              .Input("values: N * T")
              .Input("axis: Tidx")
              .Output("output: T")
              .Attr("N: int >= 2")
              .Attr(kAnyType)
              .Attr(kIndexType)
              .Summary("the inputs one after another along a dimension"),
          Concat("axis"));
  ops.Add(OpSchemaBuilder("Pack")
              .Input("values: N * T")
              .Output("output: T")
              .Attr("N: int >= 1")
              .Attr(kAnyType)
              .Attr("axis: int = 0")
              .Summary("the inputs along a new dimension"),
          ExpandPack);
  ops.Add(OpSchemaBuilder("Tile")
              .Input("input: T")
              .Input("multiples: Tmultiples")
              .Output("output: T")
              .Attr(kAnyType)
              .Attr("Tmultiples: {int32, int64} = DT_INT32")
              .Summary("the input repeated along its dimensions"),
          ExpandTile);
  ops.Add(OpSchemaBuilder("Pad")
              .Input("input: T")
              .Input("paddings: Tpaddings")
              .Output("output: T")
              .Attr(kAnyType)
              .Attr("Tpaddings: {int32, int64} = DT_INT32")
              .Summary("the input with zeros around it"),
          ExpandPad);
  ops.Add(OpSchemaBuilder("PadV2")
              .Input("input: T")
              .Input("paddings: Tpaddings")
              .Input("constant_values: T")
              .Output("output: T")
              .Attr(kAnyType)
              .Attr("Tpaddings: {int32, int64} = DT_INT32")
              .Summary("the input with a value around it"),
          ExpandPad);
}

}  // namespace stator::ops
