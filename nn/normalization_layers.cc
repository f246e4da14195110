// Layers that act differently in training or keep statistics: batch and layer normalization,
// dropout.

#include "absl/strings/str_cat.h"
#include "nn/layers.h"
#include "nn/random_numbers.h"
#include "ops/wrappers.h"

namespace stator::nn {
namespace {

using graph::Output;
using graph::Scope;

class BatchNormLayer : public Layer {
 public:
  explicit BatchNormLayer(BatchNormOptions options)
      : Layer(options.name), options_(std::move(options)) {}

 protected:
  Output Call(const Context& context, const Output& x) override {
    const Scope& scope = context.scope();
    const absl::StatusOr<int> rank = x.Rank();
    const absl::StatusOr<int64_t> channels = x.DimSize(-1);
    scope.UpdateStatus(rank.status());
    scope.UpdateStatus(channels.status());
    if (!scope.ok()) return {};
    if (*rank != 2 && *rank != 4) {
      scope.UpdateStatus(absl::InvalidArgumentError(
          absl::StrCat("layer '", name(), "': expected an input of rank 2 or 4, found ", *rank)));
      return {};
    }
    const std::vector<int64_t> dims = {*channels};
    const Output scale = context.Weight(WeightName("gamma"), DT_FLOAT, dims, Ones());
    const Output offset = context.Weight(WeightName("beta"), DT_FLOAT, dims, Zeros());
    const Variable& mean = context.State(WeightName("moving_mean"), DT_FLOAT, dims, Zeros());
    const Variable& variance = context.State(WeightName("moving_variance"), DT_FLOAT, dims, Ones());

    const Output image = *rank == 4 ? x : ops::Reshape(scope, x, {-1, 1, 1, *channels});
    // In training the statistics are the batch's, and the moving ones follow; the op wants them
    // empty.
    const Output empty = ops::Fill(scope, {0}, 0.0f);
    const ops::FusedBatchNormV3Outputs result = ops::FusedBatchNormV3(
        scope, image, scale, offset, context.training() ? empty : context.Read(mean),
        context.training() ? empty : context.Read(variance),
        {.epsilon = options_.epsilon, .is_training = context.training()});
    if (context.training()) {
      Follow(context, mean, result.batch_mean);
      Follow(context, variance, result.batch_variance);
    }
    return *rank == 4 ? result.y : ops::Reshape(scope, result.y, {-1, *channels});
  }

 private:
  // moving += (batch - moving) * (1 - momentum). Where the batch is spread over replicas, each
  // normalizes by its own shard's statistics, and the moving ones follow their mean.
  void Follow(const Context& context, const Variable& moving, const Output& batch) const {
    const Scope& scope = context.scope();
    const Output mean = graph::NodeBuilder(scope, "Identity")
                            .Input(batch)
                            .Attr("_aggregation", std::string("mean"))
                            .Finalize()
                            .output(0);
    const Output step =
        ops::Mul(scope, ops::Sub(scope, context.Read(moving), mean), 1 - options_.momentum);
    context.AddUpdate(ops::AssignSubVariableOp(scope, moving.handle, step));
  }

  BatchNormOptions options_;
};

class LayerNormLayer : public Layer {
 public:
  explicit LayerNormLayer(LayerNormOptions options)
      : Layer(options.name), options_(std::move(options)) {}

 protected:
  Output Call(const Context& context, const Output& x) override {
    const Scope& scope = context.scope();
    const absl::StatusOr<int64_t> features = x.DimSize(-1);
    if (!features.ok()) {
      scope.UpdateStatus(features.status());
      return {};
    }
    const Output scale = context.Weight(WeightName("gamma"), x.dtype(), {*features}, Ones());
    const Output offset = context.Weight(WeightName("beta"), x.dtype(), {*features}, Zeros());
    const Output mean = ops::Mean(scope, x, {-1}, {.keep_dims = true});
    const Output centered = ops::Sub(scope, x, mean);
    const Output variance =
        ops::Mean(scope, ops::Square(scope, centered), {-1}, {.keep_dims = true});
    const Output inverse = ops::Rsqrt(scope, ops::AddV2(scope, variance, options_.epsilon));
    const Output normal = ops::Mul(scope, centered, inverse);
    return ops::AddV2(scope, ops::Mul(scope, normal, scale), offset);
  }

 private:
  LayerNormOptions options_;
};

class DropoutLayer : public Layer {
 public:
  explicit DropoutLayer(float rate) : Layer("dropout"), rate_(rate) {}

 protected:
  Output Call(const Context& context, const Output& x) override {
    const Scope& scope = context.scope();
    if (!(rate_ >= 0 && rate_ < 1)) {
      scope.UpdateStatus(absl::InvalidArgumentError(
          absl::StrCat("layer '", name(), "': expected a rate in [0, 1), found ", rate_)));
      return {};
    }
    if (!context.training() || rate_ == 0) return x;
    const RandomSource source = {context.variables().KeyFor(name()), context.Step(),
                                 context.Seed()};
    const Output random = UniformNumbers(scope, ops::Shape(scope, x), source, x.dtype());
    const Output keep = ops::Cast(scope, ops::GreaterEqual(scope, random, rate_), x.dtype());
    return ops::Mul(scope, x, ops::Mul(scope, keep, 1 / (1 - rate_)));
  }

 private:
  float rate_;
};

}  // namespace

LayerPtr BatchNorm(BatchNormOptions options) {
  return std::make_shared<BatchNormLayer>(std::move(options));
}

LayerPtr LayerNorm(LayerNormOptions options) {
  return std::make_shared<LayerNormLayer>(std::move(options));
}

LayerPtr Dropout(float rate) { return std::make_shared<DropoutLayer>(rate); }

}  // namespace stator::nn
