// FusedBatchNormV3. Gradients flow through y only; the statistics are constant to them.

#include "compiler/import/expansion.h"
#include "compiler/import/op_set.h"
#include "ops/nn/windows.h"

namespace stator::ops {
namespace {

using compiler::Expansion;
using core::CoreBuilder;
using core::DimExpr;
using core::Dims;
using mlir::Value;
using Values = CoreBuilder::Values;

// One normalisation: everything but the channels is reduced, in f32.
struct BatchNorm {
  CoreBuilder& b;
  mlir::Type element;  // of x and y
  Dims dims;           // of x
  int64_t channels;    // the axis of the channels
  double epsilon;

  mlir::Type f32() const { return b.builder().getF32Type(); }
  llvm::SmallVector<int64_t> reduced() const {
    llvm::SmallVector<int64_t> axes;
    for (size_t i = 0; i < dims.size(); ++i) {
      if (static_cast<int64_t>(i) != channels) axes.push_back(static_cast<int64_t>(i));
    }
    return axes;
  }
  Value Spread(Value per_channel) const { return b.BroadcastInDim(per_channel, {channels}, dims); }
  // How many elements each channel has.
  DimExpr Count() const {
    DimExpr count = b.Dim(1);
    for (int64_t axis : reduced()) count = count * dims[axis];
    return count;
  }
  Value Number(DimExpr dim) const {
    std::optional<int64_t> known = dim.AsConstant();
    return known ? b.ScalarInt(f32(), *known)
                 : b.Convert(b.DimScalar(dim, b.builder().getI64Type()), f32());
  }
  Value Mean(Value x) const { return b.Div(b.ReduceAdd(x, reduced()), Number(Count())); }
  Value InverseDeviation(Value variance) const {
    return b.Rsqrt(b.Add(variance, b.Scalar(f32(), epsilon)));
  }

  Value Normalize(Value centered, Value variance, Value scale, Value offset) const {
    Value factor = b.Mul(InverseDeviation(variance), scale);
    return b.Convert(b.Add(b.Mul(centered, Spread(factor)), Spread(offset)), element);
  }

  // x minus its mean, the mean, and the biased variance.
  struct Statistics {
    Value centered, mean, variance;
  };
  Statistics StatisticsOf(Value x) const {
    x = b.Convert(x, f32());
    Value mean = Mean(x);
    Value centered = b.Sub(x, Spread(mean));
    return {centered, mean, Mean(b.Mul(centered, centered))};
  }

  // y, mean, variance from x, scale, offset. The derived gradient would need a third reduction over
  // x, after the other two; the given one needs two in one pass.
  Values Train(Value x, Value scale, Value offset) const {
    auto body = [this](mlir::ValueRange args) -> Values {
      Statistics s = StatisticsOf(args[0]);
      return {Normalize(s.centered, s.variance, args[1], args[2]), s.mean, s.variance};
    };
    auto vjp = [this](mlir::ValueRange args) -> Values {
      Statistics s = StatisticsOf(args[0]);
      Value gradient = b.Convert(args[6], f32());
      Value inverse = InverseDeviation(s.variance);
      Value normalized = b.Mul(s.centered, Spread(inverse));
      Value offset_gradient = b.ReduceAdd(gradient, reduced());
      Value scale_gradient = b.ReduceAdd(b.Mul(gradient, normalized), reduced());
      Value count = Number(Count());
      Value inner = b.Sub(b.Sub(gradient, Spread(b.Div(offset_gradient, count))),
                          b.Mul(normalized, Spread(b.Div(scale_gradient, count))));
      Value x_gradient = b.Mul(inner, Spread(b.Mul(args[1], inverse)));
      return {b.Convert(x_gradient, element), scale_gradient, offset_gradient};
    };
    return b.Composite("batch_norm", {x, scale, offset}, body, vjp);
  }
};

// old * (1 - factor) + value * factor; the value itself for a factor of 1, where TensorFlow passes
// no old one.
Value MovingAverage(Expansion& e, Value old, Value value) {
  const float factor = e.Float("exponential_avg_factor");
  if (factor == 1) return value;
  mlir::Type f32 = e.b.builder().getF32Type();
  return e.b.Add(e.b.Mul(old, e.b.Scalar(f32, 1 - factor)),
                 e.b.Mul(value, e.b.Scalar(f32, factor)));
}

void OutStatistics(Expansion& e, Value mean, Value variance, Value saved_mean,
                   Value saved_variance) {
  for (Value value : {mean, variance, saved_mean, saved_variance}) e.Out(e.b.StopGradient(value));
  e.Out(e.b.Scalar(e.b.builder().getF32Type(), 0));  // reserve_space_3 is for GPU libraries
}

void ExpandBatchNorm(Expansion& e) {
  Value x = e.In("x");
  const ImageLayout layout = LayoutOf(e);
  if (x && core::RankOf(x) != static_cast<int64_t>(layout.spatial.size()) + 2) {
    e.Fail("'x' must have the rank of its data format, found " + llvm::Twine(core::RankOf(x)));
  }
  if (!x || !e.b.ok()) return OutStatistics(e, {}, {}, {}, {});
  CoreBuilder& b = e.b;
  BatchNorm norm{b, core::ElementTypeOf(x), core::DimsOf(x), layout.channels, e.Float("epsilon")};
  DimExpr channels = norm.dims[layout.channels];
  auto per_channel = [&](const char* argument) {
    return b.AssumeDims(e.In(argument), {channels},
                        llvm::Twine("'") + argument + "' must have one element per channel");
  };
  Value scale = per_channel("scale"), offset = per_channel("offset");
  if (!e.Bool("is_training")) {
    Value mean = per_channel("mean"), variance = per_channel("variance");
    Value centered = b.Sub(b.Convert(x, norm.f32()), mean ? norm.Spread(mean) : Value());
    e.Out(norm.Normalize(centered, variance, scale, offset));
    return OutStatistics(e, mean, variance, mean, variance);
  }
  Values results = norm.Train(x, scale, offset);
  results.resize(3);
  e.Out(results[0]);
  // The variance that is handed out is unbiased; the one that normalises is not.
  DimExpr count = norm.Count();
  Value unbiased =
      b.Mul(results[2], b.Div(norm.Number(count), norm.Number(core::Max(count - 1, 1))));
  const bool averages = e.Float("exponential_avg_factor") != 1;
  OutStatistics(e, MovingAverage(e, averages ? per_channel("mean") : Value(), results[1]),
                MovingAverage(e, averages ? per_channel("variance") : Value(), unbiased),
                results[1], results[2]);
}

}  // namespace

void RegisterBatchNorm(compiler::OpSet& ops) {
  ops.Add(
      graph::OpSchemaBuilder("FusedBatchNormV3")
          .Input("x: T")
          .Input("scale: U")
          .Input("offset: U")
          .Input("mean: U")
          .Input("variance: U")
          .Output("y: T")
          .Output("batch_mean: U")
          .Output("batch_variance: U")
          .Output("reserve_space_1: U")
          .Output("reserve_space_2: U")
          .Output("reserve_space_3: U")
          .Attr("T: {half, bfloat16, float}")
          .Attr("U: {float}")
          .Attr("epsilon: float = 0.0001")
          .Attr("exponential_avg_factor: float = 1")
          .Attr("data_format: {'NHWC', 'NCHW', 'NDHWC', 'NCDHW'} = 'NHWC'")
          .Attr("is_training: bool = true")
          .Summary("normalises each channel by its mean and variance, then scales and shifts it"),
      ExpandBatchNorm);
}

}  // namespace stator::ops
