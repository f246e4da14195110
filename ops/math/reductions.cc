// Reductions over axes that are known at compile time.

#include "compiler/import/expansion.h"
#include "compiler/import/op_set.h"
#include "ops/schema_types.h"

namespace stator::ops {
namespace {

using compiler::ExpandFunction;
using compiler::Expansion;
using core::DimExpr;
using core::ReduceKind;
using graph::OpSchemaBuilder;
using mlir::Value;

constexpr char kMaxTypes[] =
    "T: {float, double, int32, uint8, int16, int8, int64, bfloat16, uint16, half, uint32, uint64, "
    "qint8, quint8, qint32, "
    "qint16, quint16}";
constexpr char kArgMaxTypes[] =
    "T: {float, double, int32, uint8, int16, int8, complex64, int64, qint8, quint8, qint32, "
    "bfloat16, uint16, complex128, "
    "half, uint32, uint64, bool}";

// The axes to reduce, none after an error.
std::vector<int64_t> Axes(Expansion& e, Value x) {
  return x ? e.NormalizeAxes(e.RequiredInts("reduction_indices"), core::RankOf(x))
           : std::vector<int64_t>();
}

ExpandFunction Reduce(ReduceKind kind) {
  return [kind](Expansion& e) {
    Value x = e.In("input");
    e.Out(e.b.Reduce(kind, x, Axes(e, x), e.Bool("keep_dims")));
  };
}

void ExpandMean(Expansion& e) {
  Value x = e.In("input");
  const std::vector<int64_t> axes = Axes(e, x);
  Value sum = e.b.ReduceAdd(x, axes, e.Bool("keep_dims"));
  if (!sum) return e.Out(Value());
  DimExpr count = e.b.Dim(1);
  for (int64_t axis : axes) count = count * core::DimsOf(x)[axis];
  mlir::Type element = core::ElementTypeOf(x);
  std::optional<int64_t> known = count.AsConstant();
  e.Out(e.b.Div(sum, known
                         ? e.b.ScalarInt(element, *known)
                         : e.b.Convert(e.b.DimScalar(count, e.b.builder().getI64Type()), element)));
}

ExpandFunction ArgReduce(ReduceKind kind) {
  return [kind](Expansion& e) {
    Value x = e.In("input");
    const std::vector<int64_t> axes = e.RequiredInts("dimension");
    if (!x || !e.b.ok()) return e.Out(Value());
    if (axes.size() != 1) return e.Out(e.Fail("'dimension' must be one number"));
    const int64_t axis = e.NormalizeAxis(axes[0], core::RankOf(x));
    if (core::ElementTypeOf(x).isInteger(1)) x = e.b.Convert(x, e.b.builder().getIntegerType(32));
    e.Out(e.b.ArgReduce(kind, x, axis, e.ElementTypeAttr("output_type")));
  };
}

OpSchemaBuilder Schema(absl::string_view name, absl::string_view types, absl::string_view summary) {
  return OpSchemaBuilder(name)
      .Input("input: T")
      .Input("reduction_indices: Tidx")
      .Output("output: T")
      .Attr("keep_dims: bool = false")
      .Attr(types)
      .Attr(kIndexType)
      .Summary(summary);
}

OpSchemaBuilder LogicalSchema(absl::string_view name, absl::string_view summary) {
  return OpSchemaBuilder(name)
      .Input("input: bool")
      .Input("reduction_indices: Tidx")
      .Output("output: bool")
      .Attr("keep_dims: bool = false")
      .Attr(kIndexType)
      .Summary(summary);
}

OpSchemaBuilder ArgSchema(absl::string_view name, absl::string_view summary) {
  return OpSchemaBuilder(name)
      .Input("input: T")
      .Input("dimension: Tidx")
      .Output("output: output_type")
      .Attr(kArgMaxTypes)
      .Attr(kIndexType)
      .Attr("output_type: {int32, int64} = DT_INT64")
      .Summary(summary);
}

}  // namespace

void RegisterReductions(compiler::OpSet& ops) {
  ops.Add(Schema("Sum", kNumbers, "the sum over the axes"), Reduce(ReduceKind::kAdd));
  ops.Add(Schema("Mean", kNumbers, "the mean over the axes"), ExpandMean);
  ops.Add(Schema("Prod", kNumbers, "the product over the axes"), Reduce(ReduceKind::kMul));
  ops.Add(Schema("Max", kMaxTypes, "the largest element over the axes"), Reduce(ReduceKind::kMax));
  ops.Add(Schema("Min", kMaxTypes, "the smallest element over the axes"), Reduce(ReduceKind::kMin));
  ops.Add(LogicalSchema("All", "whether all elements over the axes are true"),
          Reduce(ReduceKind::kAnd));
  ops.Add(LogicalSchema("Any", "whether some element over the axes is true"),
          Reduce(ReduceKind::kOr));
  ops.Add(ArgSchema("ArgMax", "the index of the first largest element along an axis"),
          ArgReduce(ReduceKind::kArgMax));
  ops.Add(ArgSchema("ArgMin", "the index of the first smallest element along an axis"),
          ArgReduce(ReduceKind::kArgMin));
}

}  // namespace stator::ops
