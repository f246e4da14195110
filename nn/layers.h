#ifndef STATOR_NN_LAYERS_H_
#define STATOR_NN_LAYERS_H_

// Layers: functions of one tensor that own weights. They are described once and may be built into
// several passes, which share the weights:
//
//   nn::LayerPtr net = nn::Sequential({
//       nn::Conv2D(16, 3, {.activation = nn::Relu}),
//       nn::MaxPool2D(2),
//       nn::Flatten(),
//       nn::Dense(10),
//   });
//   Output logits = net->Build(context, images);
//
// A layer reads the sizes it needs from its input; the batch size may be unknown. A mistake is an
// error of the scope and names the line that built the layer. Images are NHWC.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "graph/scope.h"
#include "nn/context.h"
#include "nn/initializers.h"

namespace stator::nn {

// A function without weights, applied to a layer's result.
using Activation = std::function<graph::Output(const graph::Scope&, const graph::Output&)>;
graph::Output Relu(const graph::Scope& scope, const graph::Output& x);
graph::Output Tanh(const graph::Scope& scope, const graph::Output& x);
graph::Output Sigmoid(const graph::Scope& scope, const graph::Output& x);
graph::Output Softmax(const graph::Scope& scope, const graph::Output& x);
// x/2 * (1 + erf(x / sqrt(2)))
graph::Output Gelu(const graph::Scope& scope, const graph::Output& x);

class Layer {
 public:
  explicit Layer(std::string name) : name_(std::move(name)) {}
  virtual ~Layer() = default;
  Layer(const Layer&) = delete;
  Layer& operator=(const Layer&) = delete;

  // Adds the layer to a pass. The first build fixes the layer's name and makes its weights; later
  // ones, of the same program, use them.
  graph::Output Build(const Context& context, const graph::Output& x);

 protected:
  virtual graph::Output Call(const Context& context, const graph::Output& x) = 0;
  // "dense/kernel" for "kernel".
  std::string WeightName(const std::string& weight) const { return name_ + "/" + weight; }
  const std::string& name() const { return name_; }

 private:
  std::string name_;
  Variables* named_in_ = nullptr;  // whose names made name_ unique
};

using LayerPtr = std::shared_ptr<Layer>;

// One after another.
LayerPtr Sequential(std::vector<LayerPtr> layers);

struct DenseOptions {
  Activation activation;  // none
  bool use_bias = true;
  Initializer kernel = GlorotUniform();
  Initializer bias = Zeros();
  std::string name = "dense";
};
// x · kernel + bias over the last dimension of [batch, …, features].
LayerPtr Dense(int64_t units, DenseOptions options = {});

struct Conv2DOptions {
  int64_t stride = 1;
  std::string padding = "SAME";  // or "VALID"
  Activation activation;         // none
  bool use_bias = true;
  Initializer kernel = HeNormal();
  Initializer bias = Zeros();
  std::string name = "conv2d";
};
// `filters` square windows of side `window` over [batch, height, width, channels].
LayerPtr Conv2D(int64_t filters, int64_t window, Conv2DOptions options = {});

struct PoolOptions {
  int64_t stride = 0;  // 0: the window's side
  std::string padding = "VALID";
};
LayerPtr MaxPool2D(int64_t window, PoolOptions options = {});
LayerPtr AvgPool2D(int64_t window, PoolOptions options = {});

// [batch, a, b, …] to [batch, a·b·…]; those sizes must be known.
LayerPtr Flatten();

struct BatchNormOptions {
  float momentum = 0.99f;  // of the moving averages that inference uses
  float epsilon = 1e-3f;
  std::string name = "batch_norm";
};
// Normalizes each channel (the last dimension) over the batch; rank 2 or 4.
LayerPtr BatchNorm(BatchNormOptions options = {});

struct LayerNormOptions {
  float epsilon = 1e-3f;
  std::string name = "layer_norm";
};
// Normalizes each example over its last dimension.
LayerPtr LayerNorm(LayerNormOptions options = {});

// In training sets a share `rate` of the elements to zero and scales the others up; nothing in
// inference. The random numbers are a function of (seeds, layer, step), so a resumed run drops the
// same elements.
LayerPtr Dropout(float rate);

// Any function as a layer.
LayerPtr Lambda(std::function<graph::Output(const graph::Scope&, const graph::Output&)> function);

}  // namespace stator::nn

#endif  // STATOR_NN_LAYERS_H_
