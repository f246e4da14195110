// Conv2D and BiasAdd.

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
using graph::OpSchemaBuilder;
using mlir::Value;

// How many groups of input channels there are: each filter sees one.
int64_t GroupCount(Expansion& e, DimExpr channels, DimExpr filter_channels) {
  std::optional<int64_t> total = channels.AsConstant(), group = filter_channels.AsConstant();
  if (!total || !group || *group == *total || *group <= 0 || *total % *group != 0) {
    e.b.AssumeEqual(channels, filter_channels, "the input's channels must be the filter's");
    return 1;
  }
  return *total / *group;
}

void ExpandConv2D(Expansion& e) {
  Value x = e.In("input"), filter = e.In("filter");
  if (!x || !filter) return e.Out(Value());
  const ImageLayout layout = LayoutOf(e);
  if (core::RankOf(x) != 4 || core::RankOf(filter) != 4) {
    return e.Out(e.Fail("input and filter must have rank 4, found " + llvm::Twine(core::RankOf(x)) +
                        " and " + llvm::Twine(core::RankOf(filter))));
  }
  const std::vector<int64_t> strides = SpatialAttr(e, "strides", layout),
                             dilations = SpatialAttr(e, "dilations", layout);
  const Dims dims = core::DimsOf(x), filter_dims = core::DimsOf(filter);
  Dims sizes, windows;
  for (size_t i = 0; i < 2; ++i) {
    sizes.push_back(dims[layout.spatial[i]]);
    windows.push_back(filter_dims[i]);
  }
  const WindowPadding padding = PaddingOf(e, layout, sizes, windows, strides, dilations);
  if (!e.b.ok()) return e.Out(Value());
  CoreBuilder::Conv conv;
  conv.strides.assign(strides.begin(), strides.end());
  conv.lhs_dilation.assign(2, 1);
  conv.rhs_dilation.assign(dilations.begin(), dilations.end());
  conv.padding_low = padding.low;
  conv.padding_high = padding.high;
  conv.feature_group_count = GroupCount(e, dims[layout.channels], filter_dims[2]);
  if (conv.feature_group_count == 1 && dims[layout.channels] != filter_dims[2]) {
    Dims assumed = dims;
    assumed[layout.channels] = filter_dims[2];
    x = e.b.AssumeDims(x, assumed, "the input's channels must be the filter's");
  }
  // The filter is always [height, width, in, out]; the result has the input's layout.
  conv.dimension_numbers =
      core::ConvDimensionsAttr::get(e.b.context(), layout.batch, layout.channels, layout.spatial, 2,
                                    3, {0, 1}, layout.batch, layout.channels, layout.spatial);
  e.Out(e.b.Convolution(x, filter, conv));
}

void ExpandBiasAdd(Expansion& e) {
  Value x = e.In("value"), bias = e.In("bias");
  if (!x || !bias) return e.Out(Value());
  Dims dims = core::DimsOf(x);
  const int64_t rank = core::RankOf(x);
  if (rank < 2 || core::RankOf(bias) != 1) {
    return e.Out(e.Fail("'value' must have rank 2 or more and 'bias' rank 1, found " +
                        llvm::Twine(rank) + " and " + llvm::Twine(core::RankOf(bias))));
  }
  const int64_t axis = e.Str("data_format") == "NCHW" ? 1 : rank - 1;
  bias = e.b.AssumeDims(bias, {dims[axis]}, "'bias' must have one element for each channel");
  e.Out(e.b.Add(x, e.b.BroadcastInDim(bias, {axis}, dims)));
}

}  // namespace

void RegisterConv2D(compiler::OpSet& ops) {
  ops.Add(OpSchemaBuilder("Conv2D")
              .Input("input: T")
              .Input("filter: T")
              .Output("output: T")
              .Attr("T: {half, bfloat16, float, double, int32}")
              .Attr("strides: list(int)")
              .Attr("use_cudnn_on_gpu: bool = true")
              .Attr("padding: {'SAME', 'VALID', 'EXPLICIT'}")
              .Attr("explicit_paddings: list(int) = []")
              .Attr("data_format: {'NHWC', 'NCHW'} = 'NHWC'")
              .Attr("dilations: list(int) = [1, 1, 1, 1]")
              .Summary("convolution of images with filters [height, width, in, out]"),
          ExpandConv2D);
  ops.Add(OpSchemaBuilder("BiasAdd")
              .Input("value: T")
              .Input("bias: T")
              .Output("output: T")
              .Attr(kNumbers)
              .Attr("data_format: {'NHWC', 'NCHW'} = 'NHWC'")
              .Summary("adds one number per channel"),
          ExpandBiasAdd);
}

}  // namespace stator::ops
