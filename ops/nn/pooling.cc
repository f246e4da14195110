// MaxPool and AvgPool.

#include "compiler/import/expansion.h"
#include "compiler/import/op_set.h"
#include "ops/nn/windows.h"
#include "ops/schema_types.h"

namespace stator::ops {
namespace {

using compiler::Expansion;
using core::CoreBuilder;
using core::DimExpr;
using core::Dims;
using core::ReduceKind;
using graph::OpSchemaBuilder;
using mlir::Value;

// The window over all dimensions of the image.
struct Pool {
  CoreBuilder::Window window;
  ImageLayout layout;
  std::vector<int64_t> sizes, strides;  // spatial
  WindowPadding padding;                // spatial
};

Pool PoolOf(Expansion& e, Value x) {
  Pool pool;
  pool.layout = LayoutOf(e);
  if (core::RankOf(x) != static_cast<int64_t>(pool.layout.spatial.size()) + 2) {
    e.Fail("the input must have rank 4, found " + llvm::Twine(core::RankOf(x)));
    return pool;
  }
  pool.sizes = SpatialAttr(e, "ksize", pool.layout);
  pool.strides = SpatialAttr(e, "strides", pool.layout);
  const Dims dims = core::DimsOf(x);
  Dims spatial, windows;
  for (size_t i = 0; i < pool.layout.spatial.size(); ++i) {
    spatial.push_back(dims[pool.layout.spatial[i]]);
    windows.push_back(e.b.Dim(pool.sizes[i]));
  }
  pool.padding = PaddingOf(e, pool.layout, spatial, windows, pool.strides,
                           std::vector<int64_t>(spatial.size(), 1));
  if (!e.b.ok()) return pool;
  pool.window.sizes.assign(dims.size(), 1);
  pool.window.strides.assign(dims.size(), 1);
  pool.window.padding_low.assign(dims.size(), e.b.Dim(0));
  pool.window.padding_high.assign(dims.size(), e.b.Dim(0));
  for (size_t i = 0; i < spatial.size(); ++i) {
    const int64_t axis = pool.layout.spatial[i];
    pool.window.sizes[axis] = pool.sizes[i];
    pool.window.strides[axis] = pool.strides[i];
    pool.window.padding_low[axis] = pool.padding.low[i];
    pool.window.padding_high[axis] = pool.padding.high[i];
  }
  return pool;
}

void ExpandMaxPool(Expansion& e) {
  Value x = e.In("input");
  if (!x) return e.Out(Value());
  const Pool pool = PoolOf(e, x);
  e.Out(e.b.ok() ? e.b.ReduceWindow(ReduceKind::kMax, x, pool.window) : Value());
}

// How many elements of the input each window covers along one spatial dimension, as numbers along
// it.
Value Coverage(Expansion& e, const Pool& pool, size_t i, DimExpr input_size, DimExpr output_size) {
  CoreBuilder& b = e.b;
  mlir::Type i64 = b.builder().getI64Type();
  Value begin = b.Sub(b.Mul(b.Iota(i64, {output_size}, 0), b.ScalarInt(i64, pool.strides[i])),
                      b.DimScalar(pool.padding.low[i], i64));
  Value end = b.Min(b.Add(begin, b.ScalarInt(i64, pool.sizes[i])), b.DimScalar(input_size, i64));
  return b.Sub(end, b.Max(begin, b.ScalarInt(i64, 0)));
}

// The sum of each window over the number of elements in it; padding does not count.
void ExpandAvgPool(Expansion& e) {
  Value x = e.In("value");
  if (!x) return e.Out(Value());
  const Pool pool = PoolOf(e, x);
  if (!e.b.ok()) return e.Out(Value());
  mlir::Type element = core::ElementTypeOf(x);
  Value sum = e.b.ReduceWindow(ReduceKind::kAdd, x, pool.window);
  if (!sum) return e.Out(Value());
  const Dims input = core::DimsOf(x), output = core::DimsOf(sum);
  int64_t full = 1;
  Value count;  // of windows that may reach into the padding, broadcast to the output
  for (size_t i = 0; i < pool.layout.spatial.size(); ++i) {
    if (pool.padding.low[i].IsConstant(0) && pool.padding.high[i].IsConstant(0)) {
      full *= pool.sizes[i];
      continue;
    }
    const int64_t axis = pool.layout.spatial[i];
    Value along =
        e.b.BroadcastInDim(Coverage(e, pool, i, input[axis], output[axis]), {axis}, output);
    count = count ? e.b.Mul(count, along) : along;
  }
  Value divisor = e.b.ScalarInt(element, full);
  if (count) {
    count = e.b.Mul(count, e.b.ScalarInt(e.b.builder().getI64Type(), full));
    divisor = e.b.Convert(count, element);
  }
  e.Out(e.b.Div(sum, divisor));
}

}  // namespace

void RegisterPooling(compiler::OpSet& ops) {
  ops.Add(OpSchemaBuilder("MaxPool")
              .Input("input: T")
              .Output("output: T")
              .Attr("T: {half, bfloat16, float, double, int32, int64, uint8, int16, int8, uint16, "
                    "qint8} = DT_FLOAT")
              .Attr("ksize: list(int) >= 4")
              .Attr("strides: list(int) >= 4")
              .Attr("padding: {'SAME', 'VALID', 'EXPLICIT'}")
              .Attr("explicit_paddings: list(int) = []")
              .Attr("data_format: {'NHWC', 'NCHW', 'NCHW_VECT_C'} = 'NHWC'")
              .Summary("the largest element of each window"),
          ExpandMaxPool);
  ops.Add(OpSchemaBuilder("AvgPool")
              .Input("value: T")
              .Output("output: T")
              .Attr("ksize: list(int) >= 4")
              .Attr("strides: list(int) >= 4")
              .Attr("padding: {'SAME', 'VALID'}")
              .Attr("data_format: {'NHWC', 'NCHW'} = 'NHWC'")
              .Attr(kFloatsHalfFirst)
              .Summary("the mean of each window; padding does not count"),
          ExpandAvgPool);
}

}  // namespace stator::ops
