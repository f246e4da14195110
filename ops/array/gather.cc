// Elements chosen by indices, and indices of elements.

#include "compiler/import/expansion.h"
#include "compiler/import/op_set.h"
#include "ops/schema_types.h"
#include "ops/shape_input.h"

namespace stator::ops {
namespace {

using compiler::Expansion;
using core::CoreBuilder;
using core::DimExpr;
using core::Dims;
using graph::OpSchemaBuilder;
using mlir::Value;

constexpr int kInvalidArgument = 3;

Value CheckedGather(Expansion& e, Value params, Value indices, int64_t axis, int64_t batch_dims) {
  if (!params || !indices || !e.b.ok()) return {};
  CoreBuilder& b = e.b;
  mlir::Type index = core::ElementTypeOf(indices);
  const Dims dims = core::DimsOf(params);
  b.Check(
      b.And(b.Ge(indices, b.ScalarInt(index, 0)), b.Lt(indices, b.DimScalar(dims[axis], index))),
      kInvalidArgument, "indices must be in [0, " + dims[axis].ToString() + ")", indices);
  if (batch_dims > 0) {
    // The leading dimensions are shared; the indices are seen under the parameters' names.
    Dims shared = core::DimsOf(indices);
    std::copy(dims.begin(), dims.begin() + batch_dims, shared.begin());
    indices =
        b.AssumeDims(indices, shared, "batch dimensions of 'params' and 'indices' must be equal");
  }
  return b.Gather(params, indices, axis, batch_dims);
}

void ExpandGather(Expansion& e) {
  Value params = e.In("params");
  if (params && core::RankOf(params) == 0)
    return e.Out(e.Fail("'params' must be at least a vector"));
  e.Out(CheckedGather(e, params, e.In("indices"), 0, 0));
}

void ExpandGatherV2(Expansion& e) {
  Value params = e.In("params"), indices = e.In("indices");
  if (!params || !indices) return e.Out(Value());
  const int64_t axis = AxisInput(e, "axis", core::RankOf(params));
  int64_t batch_dims = e.Int("batch_dims");
  if (batch_dims < 0) batch_dims += core::RankOf(indices);
  if (batch_dims < 0 || batch_dims > core::RankOf(indices) || batch_dims > axis) {
    return e.Out(e.Fail("'batch_dims' must be at most 'axis' and the rank of 'indices', found " +
                        llvm::Twine(batch_dims)));
  }
  e.Out(CheckedGather(e, params, indices, axis, batch_dims));
}

// The flat positions of non-zero elements, as many as there are, taken apart into one column per
// dimension.
void ExpandWhere(Expansion& e) {
  Value x = e.In("input");
  if (!x) return e.Out(Value());
  CoreBuilder& b = e.b;
  mlir::Type i64 = b.builder().getI64Type();
  const Dims dims = core::DimsOf(x);
  if (!core::ElementTypeOf(x).isInteger(1)) x = b.Ne(x, b.ScalarInt(core::ElementTypeOf(x), 0));
  DimExpr total = core::Product(b.dims(), dims);
  Value flat = b.Compact(b.Iota(i64, {total}, 0), b.Reshape(x, {total}), "where");
  if (!flat) return e.Out(Value());
  DimExpr count = core::DimsOf(flat)[0];
  if (dims.empty()) return e.Out(b.Splat(i64, {count, b.Dim(0)}, 0));
  CoreBuilder::Values columns(dims.size());
  DimExpr stride = b.Dim(1);
  for (size_t i = dims.size(); i-- > 0;) {
    Value position = i + 1 < dims.size() ? b.Div(flat, b.DimScalar(stride, i64)) : flat;
    if (i > 0) position = b.Rem(position, b.DimScalar(dims[i], i64));
    columns[i] = b.Reshape(position, {count, b.Dim(1)});
    stride = stride * dims[i];
  }
  e.Out(b.Concatenate(columns, 1));
}

}  // namespace

void RegisterGather(compiler::OpSet& ops) {
  ops.Add(OpSchemaBuilder("Gather")
              .Input("params: Tparams")
              .Input("indices: Tindices")
              .Output("output: Tparams")
              .Attr("validate_indices: bool = true")
              .Attr("Tparams: type")
              .Attr("Tindices: {int32, int64}")
              .Summary("slices along the first dimension, chosen by indices"),
          ExpandGather);
  ops.Add(OpSchemaBuilder("GatherV2")
              .Input("params: Tparams")
              .Input("indices: Tindices")
              .Input("axis: Taxis")
              .Output("output: Tparams")
              .Attr("batch_dims: int = 0")
              .Attr("Tparams: type")
              .Attr("Tindices: {int32, int64}")
              .Attr("Taxis: {int32, int64}")
              .Summary("slices along a dimension, chosen by indices"),
          ExpandGatherV2);
  ops.Add(OpSchemaBuilder("Where")
              .Input("input: T")
              .Output("index: int64")
              .Attr("T: {float, double, int32, uint8, int16, int8, complex64, int64, qint8, "
                    "quint8, qint32, bfloat16, "
                    "uint16, complex128, half, uint32, uint64, bool} = DT_BOOL")
              .Summary("the positions of elements that are not zero, in row-major order"),
          ExpandWhere);
}

}  // namespace stator::ops
