#include "tools/bench/bench_models.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <utility>

#include "absl/strings/str_cat.h"
#include "data/philox.h"
#include "examples/bert/model.h"
#include "graph/node_builder.h"
#include "graph/status_macros.h"
#include "graph/tensor_proto.h"
#include "nn/context.h"
#include "nn/layers.h"
#include "nn/losses.h"
#include "nn/optimizers.h"
#include "nn/variables.h"
#include "ops/wrappers.h"

namespace stator::tools {
namespace {

using graph::Output;
using graph::Scope;
using runtime::Tensor;

constexpr uint64_t kSeed = 1;

std::vector<float> Normal(int64_t count, float deviation, uint64_t stream) {
  data::RandomStream random(kSeed, stream);
  std::vector<float> values(static_cast<size_t>(count));
  for (float& value : values) value = deviation * random.NextBell();
  return values;
}

Output Weights(const Scope& scope, const std::vector<int64_t>& dims, float deviation,
               uint64_t stream) {
  int64_t count = 1;
  for (int64_t dim : dims) count *= dim;
  const std::vector<float> values = Normal(count, deviation, stream);
  graph::DenseTensor tensor;
  tensor.dtype = DT_FLOAT;
  tensor.shape = dims;
  tensor.bytes.assign(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
  return graph::Constant(scope, tensor);
}

// A placeholder, with the values that every run feeds.
Output Feed(const Scope& scope, const std::string& name, const std::vector<int64_t>& dims,
            BenchModel* model) {
  int64_t count = 1;
  for (int64_t dim : dims) count *= dim;
  const Output x =
      ops::Placeholder(scope.WithOpName(name), DT_FLOAT, {.shape = graph::PartialShape(dims)});
  model->feeds.emplace_back(x.name(), Tensor::Of<float>(dims, Normal(count, 1, 1u << 20)));
  return x;
}

Output FeedLabels(const Scope& scope, int64_t count, int classes, BenchModel* model) {
  data::RandomStream random(kSeed, 1u << 21);
  std::vector<int32_t> labels(static_cast<size_t>(count));
  for (int32_t& label : labels) label = static_cast<int32_t>(random.NextBits() % classes);
  const Output y =
      ops::Placeholder(scope.WithOpName("labels"), DT_INT32, {.shape = graph::PartialShape{count}});
  model->feeds.emplace_back(y.name(), Tensor::Of<int32_t>({count}, labels));
  return y;
}

BenchModel MatMul(const Scope& scope, int64_t m, int64_t n, int64_t k) {
  BenchModel model;
  const Output a = Feed(scope, "a", {m, k}, &model);
  const Output b = Weights(scope, {k, n}, 0.05f, 0);
  model.fetches = {ops::MatMul(scope.WithOpName("product"), a, b).name()};
  model.gflop = 2e-9 * static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k);
  return model;
}

BenchModel TinyMlp(const Scope& scope) {
  constexpr int kLayers = 100, kWidth = 64;
  BenchModel model;
  Output x = Feed(scope, "x", {1, kWidth}, &model);
  for (uint64_t i = 0; i < kLayers; ++i) {
    const Output w = Weights(scope, {kWidth, kWidth}, 0.05f, 2 * i);
    const Output b = Weights(scope, {kWidth}, 0.1f, 2 * i + 1);
    x = ops::Tanh(scope, ops::AddV2(scope, ops::MatMul(scope, x, w), b));
  }
  model.fetches = {x.name()};
  model.gflop = 2e-9 * kLayers * kWidth * kWidth;
  return model;
}

// Normal with the deviation that the other frameworks' weights have: 1/sqrt(fan in), at most 0.05.
nn::Initializer Kernel() {
  return [](const Scope& scope, DataType dtype, const std::vector<int64_t>& dims, uint64_t key) {
    double fan = 1;
    for (size_t i = 0; i + 1 < dims.size(); ++i) fan *= static_cast<double>(dims[i]);
    const float deviation = static_cast<float>(std::min(0.05, 1 / std::sqrt(fan)));
    return Weights(scope, dims, deviation, key);
  };
}

nn::Initializer Bias() {
  return [](const Scope& scope, DataType dtype, const std::vector<int64_t>& dims, uint64_t key) {
    return Weights(scope, dims, 0.1f, key);
  };
}

nn::LayerPtr Dense(int64_t units, nn::Activation activation = {}) {
  return nn::Dense(units,
                   {.activation = std::move(activation), .kernel = Kernel(), .bias = Bias()});
}

nn::LayerPtr Conv(int64_t filters) {
  return nn::Conv2D(filters, 5, {.activation = nn::Relu, .kernel = Kernel(), .bias = Bias()});
}

// One step of training, its loss fetched.
void Train(const Scope& scope, const nn::LayerPtr& net, const Output& x, const Output& labels,
           nn::Optimizer& optimizer, BenchModel* model) {
  nn::Variables variables(scope, kSeed);
  const nn::Context context(scope, &variables, /*training=*/true);
  const Output loss = nn::SparseSoftmaxCrossEntropy(scope, net->Build(context, x), labels);
  const graph::Operation step = nn::Minimize(context, loss, optimizer);
  if (!step.valid()) return;
  model->fetches = {loss.name()};
  model->targets = {step.node().name()};
  for (const nn::Variable& variable : variables.all()) {
    model->initializers.push_back(variable.initialize.node().name());
  }
}

BenchModel MlpTrain(const Scope& scope) {
  constexpr int64_t kBatch = 256;
  BenchModel model;
  const Output x = Feed(scope, "x", {kBatch, 784}, &model);
  const Output labels = FeedLabels(scope, kBatch, 10, &model);
  const nn::LayerPtr net =
      nn::Sequential({Dense(1024, nn::Relu), Dense(1024, nn::Relu), Dense(10)});
  Train(scope, net, x, labels, *nn::Sgd(0.01f), &model);
  model.gflop = 2.84;
  return model;
}

BenchModel CnnTrain(const Scope& scope) {
  constexpr int64_t kBatch = 128;
  BenchModel model;
  const Output x = Feed(scope, "x", {kBatch, 28, 28, 1}, &model);
  const Output labels = FeedLabels(scope, kBatch, 10, &model);
  const nn::LayerPtr net = nn::Sequential({Conv(32), nn::MaxPool2D(2), Conv(64), nn::MaxPool2D(2),
                                           nn::Flatten(), Dense(1024, nn::Relu), Dense(10)});
  Train(scope, net, x, labels, *nn::Momentum(0.01f, 0.9f), &model);
  model.gflop = 10.6;
  return model;
}

// The standard deviation of one variable's values: Kernel's and Bias's.
float Deviation(const nn::Variable& variable) {
  if (variable.dims.size() < 2) return 0.1f;
  return static_cast<float>(std::min(0.05, 1 / std::sqrt(static_cast<double>(variable.dims[0]))));
}

BenchModel BertBase(const Scope& scope, int64_t length) {
  const examples::BertSizes sizes;
  examples::BertModel bert(scope, sizes, kSeed);
  BenchModel model;
  if (!scope.ok()) return model;
  const std::vector<int64_t> dims = {1, length, sizes.hidden};
  model.feeds.emplace_back(bert.embeddings().name(),
                           Tensor::Of<float>(dims, Normal(length * sizes.hidden, 1, 1u << 20)));
  model.fetches = {bert.encoded().name()};
  // Values, not initializers: constants of this size would be in the graph as well.
  uint64_t stream = 0;
  for (const nn::Variable& variable : bert.variables().all()) {
    int64_t count = 1;
    for (int64_t dim : variable.dims) count *= dim;
    model.variables.emplace_back(
        variable.name,
        Tensor::Of<float>(variable.dims, Normal(count, Deviation(variable), stream++)));
  }
  const int64_t weights = sizes.hidden * (4 * sizes.hidden + 2 * sizes.inner);
  const int64_t attention = 2 * length * sizes.hidden;
  model.gflop = 2e-9 * static_cast<double>(sizes.layers * length * (weights + attention));
  return model;
}

}  // namespace

absl::StatusOr<BenchModel> BuildBenchModel(const std::string& name, const Scope& program) {
  BenchModel model;
  int m = 0, n = 0, k = 0, end = 0, length = 0, length_end = 0;
  if (std::sscanf(name.c_str(), "matmul-%dx%dx%d%n", &m, &n, &k, &end) == 3 &&
      static_cast<size_t>(end) == name.size() && m > 0 && n > 0 && k > 0) {
    model = MatMul(program, m, n, k);
  } else if (std::sscanf(name.c_str(), "bert-base-%d%n", &length, &length_end) == 1 &&
             static_cast<size_t>(length_end) == name.size() && length > 0) {
    model = BertBase(program, length);
  } else if (name == "tiny-mlp") {
    model = TinyMlp(program);
  } else if (name == "mlp-train") {
    model = MlpTrain(program);
  } else if (name == "cnn-train") {
    model = CnnTrain(program);
  } else {
    return absl::NotFoundError(absl::StrCat("there is no such model, only ", BenchModelNames()));
  }
  STATOR_RETURN_IF_ERROR(program.status());
  return model;
}

std::string BenchModelNames() {
  return "matmul-MxNxK, tiny-mlp, mlp-train, cnn-train, bert-base-N";
}

}  // namespace stator::tools
