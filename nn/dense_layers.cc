// Layers of matrix products and convolutions, and those without weights.

#include <cmath>

#include "absl/strings/str_cat.h"
#include "nn/layers.h"
#include "ops/wrappers.h"

namespace stator::nn {
namespace {

using graph::Output;
using graph::Scope;

// The size of dimension `axis`, which the layer cannot do without; 1 after an error.
int64_t KnownSize(const Scope& scope, const Output& x, int axis) {
  const absl::StatusOr<int64_t> size = x.DimSize(axis);
  if (size.ok()) return *size;
  scope.UpdateStatus(size.status());
  return 1;
}

void CheckPositive(const Scope& scope, const std::string& layer, const char* what, int64_t value) {
  if (value > 0) return;
  scope.UpdateStatus(absl::InvalidArgumentError(
      absl::StrCat("layer '", layer, "': expected a positive ", what, ", found ", value)));
}

Output Activate(const Scope& scope, const Activation& activation, const Output& x) {
  return activation ? activation(scope, x) : x;
}

class DenseLayer : public Layer {
 public:
  DenseLayer(int64_t units, DenseOptions options)
      : Layer(options.name), units_(units), options_(std::move(options)) {}

 protected:
  Output Call(const Context& context, const Output& x) override {
    const Scope& scope = context.scope();
    CheckPositive(scope, name(), "number of units", units_);
    const int64_t features = KnownSize(scope, x, -1);
    const Output kernel =
        context.Weight(WeightName("kernel"), x.dtype(), {features, units_}, options_.kernel);
    const absl::StatusOr<int> rank = x.Rank();
    scope.UpdateStatus(rank.status());
    Output y = rank.value_or(2) == 2 ? ops::MatMul(scope, x, kernel)
                                     : ops::BatchMatMulV2(scope, x, kernel);
    if (options_.use_bias) {
      const Output bias = context.Weight(WeightName("bias"), x.dtype(), {units_}, options_.bias);
      y = ops::BiasAdd(scope, y, bias);
    }
    return Activate(scope, options_.activation, y);
  }

 private:
  int64_t units_;
  DenseOptions options_;
};

class Conv2DLayer : public Layer {
 public:
  Conv2DLayer(int64_t filters, int64_t window, Conv2DOptions options)
      : Layer(options.name), filters_(filters), window_(window), options_(std::move(options)) {}

 protected:
  Output Call(const Context& context, const Output& x) override {
    const Scope& scope = context.scope();
    CheckPositive(scope, name(), "number of filters", filters_);
    CheckPositive(scope, name(), "window", window_);
    const std::vector<int64_t> dims = {window_, window_, KnownSize(scope, x, -1), filters_};
    const Output kernel = context.Weight(WeightName("kernel"), x.dtype(), dims, options_.kernel);
    Output y =
        ops::Conv2D(scope, x, kernel, {1, options_.stride, options_.stride, 1}, options_.padding);
    if (options_.use_bias) {
      const Output bias = context.Weight(WeightName("bias"), x.dtype(), {filters_}, options_.bias);
      y = ops::BiasAdd(scope, y, bias);
    }
    return Activate(scope, options_.activation, y);
  }

 private:
  int64_t filters_;
  int64_t window_;
  Conv2DOptions options_;
};

class LambdaLayer : public Layer {
 public:
  using Function = std::function<Output(const Scope&, const Output&)>;
  LambdaLayer(std::string name, Function function)
      : Layer(std::move(name)), function_(std::move(function)) {}

 protected:
  Output Call(const Context& context, const Output& x) override {
    return function_(context.scope(), x);
  }

 private:
  Function function_;
};

class SequentialLayer : public Layer {
 public:
  explicit SequentialLayer(std::vector<LayerPtr> layers)
      : Layer("sequential"), layers_(std::move(layers)) {}

 protected:
  Output Call(const Context& context, const Output& x) override {
    Output y = x;
    for (const LayerPtr& layer : layers_) y = layer->Build(context, y);
    return y;
  }

 private:
  std::vector<LayerPtr> layers_;
};

// `pool(scope, x, ksize, strides, padding)`.
template <typename Pool>
LayerPtr MakePool(const char* name, Pool pool, int64_t window, const PoolOptions& options) {
  const int64_t stride = options.stride == 0 ? window : options.stride;
  return std::make_shared<LambdaLayer>(
      name, [pool, window, stride, padding = options.padding](const Scope& scope, const Output& x) {
        const std::vector<int64_t> ksize = {1, window, window, 1}, strides = {1, stride, stride, 1};
        return pool(scope, x, ksize, strides, padding);
      });
}

}  // namespace

Output Relu(const Scope& scope, const Output& x) { return ops::Relu(scope, x); }
Output Tanh(const Scope& scope, const Output& x) { return ops::Tanh(scope, x); }
Output Sigmoid(const Scope& scope, const Output& x) { return ops::Sigmoid(scope, x); }
Output Softmax(const Scope& scope, const Output& x) { return ops::Softmax(scope, x); }
Output Gelu(const Scope& scope, const Output& x) {
  const Output erf = ops::Erf(scope, ops::Mul(scope, x, std::sqrt(0.5)));
  return ops::Mul(scope, ops::Mul(scope, x, 0.5f), ops::AddV2(scope, erf, 1.0f));
}

Output Layer::Build(const Context& context, const Output& x) {
  if (!x.valid()) return {};  // the scope holds the reason
  if (named_in_ == nullptr) {
    name_ = context.variables().UniqueLayerName(name_);
    named_in_ = &context.variables();
  } else if (named_in_ != &context.variables()) {
    context.scope().UpdateStatus(absl::FailedPreconditionError(
        absl::StrCat("layer '", name_, "' belongs to another program")));
    return {};
  }
  return Call(context.Under(name_), x);
}

LayerPtr Sequential(std::vector<LayerPtr> layers) {
  return std::make_shared<SequentialLayer>(std::move(layers));
}

LayerPtr Dense(int64_t units, DenseOptions options) {
  return std::make_shared<DenseLayer>(units, std::move(options));
}

LayerPtr Conv2D(int64_t filters, int64_t window, Conv2DOptions options) {
  return std::make_shared<Conv2DLayer>(filters, window, std::move(options));
}

LayerPtr MaxPool2D(int64_t window, PoolOptions options) {
  return MakePool(
      "max_pool2d", [](const auto&... args) { return ops::MaxPool(args...); }, window, options);
}

LayerPtr AvgPool2D(int64_t window, PoolOptions options) {
  return MakePool(
      "avg_pool2d", [](const auto&... args) { return ops::AvgPool(args...); }, window, options);
}

LayerPtr Flatten() {
  return std::make_shared<LambdaLayer>("flatten", [](const Scope& scope, const Output& x) {
    const absl::StatusOr<int> rank = x.Rank();
    if (!rank.ok()) scope.UpdateStatus(rank.status());
    int64_t features = 1;
    for (int axis = 1; axis < rank.value_or(0); ++axis) features *= KnownSize(scope, x, axis);
    return ops::Reshape(scope, x, {-1, features});
  });
}

LayerPtr Lambda(std::function<Output(const Scope&, const Output&)> function) {
  return std::make_shared<LambdaLayer>("lambda", std::move(function));
}

}  // namespace stator::nn
