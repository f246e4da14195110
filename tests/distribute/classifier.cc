#include "tests/distribute/classifier.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "graph/node_builder.h"
#include "nn/layers.h"
#include "nn/losses.h"
#include "nn/optimizers.h"
#include "ops/wrappers.h"
#include "stator.h"

namespace stator::distribute {
namespace {

using graph::Output;
using graph::Scope;
using runtime::Tensor;

constexpr int64_t kFeatures = 12;
constexpr int64_t kBatch = 32;

absl::StatusOr<std::vector<Tensor>> Examples(int64_t step, int shard, int shards) {
  const int64_t count = kBatch / shards;
  std::vector<float> x;
  std::vector<int32_t> labels;
  for (int64_t i = shard * count; i < (shard + 1) * count; ++i) {
    const double phase = static_cast<double>(step * kBatch + i);
    for (int64_t k = 0; k < kFeatures; ++k) {
      x.push_back(static_cast<float>(std::sin(phase * 0.37 + static_cast<double>(k))));
    }
    labels.push_back(static_cast<int32_t>(i % 3));
  }
  return std::vector<Tensor>{Tensor::Of<float>({count, kFeatures}, x),
                             Tensor::Of<int32_t>({count}, labels)};
}

}  // namespace

TrainingProgram Classifier(const ClassifierOptions& options) {
  const Scope scope = NewProgram();
  nn::Variables variables(scope, 1);
  std::vector<nn::LayerPtr> layers;
  for (int i = 0; i < options.hidden_layers; ++i) {
    layers.push_back(nn::Dense(options.units, {.activation = nn::Relu}));
  }
  if (options.batch_norm) layers.push_back(nn::BatchNorm({}));
  if (options.dropout) layers.push_back(nn::Dropout(0.3f));
  layers.push_back(nn::Dense(3));
  const nn::LayerPtr net = nn::Sequential(layers);
  const Output x = ops::Placeholder(scope.WithOpName("x"), DT_FLOAT,
                                    {.shape = graph::PartialShape{-1, kFeatures}});
  const Output labels = ops::Placeholder(scope.WithOpName("labels"), DT_INT32,
                                         {.shape = graph::PartialShape{-1}});
  const nn::Context context(scope, &variables, /*training=*/true);
  const Output logits = net->Build(context, x);
  const Output loss = ops::Identity(scope.WithOpName("loss"),
                                    nn::SparseSoftmaxCrossEntropy(scope, logits, labels));
  const Output correct =
      ops::Identity(scope.WithOpName("correct"), nn::CountCorrect(scope, logits, labels));
  const nn::OptimizerPtr adam = nn::Adam(1e-2f);
  const graph::Operation step =
      nn::Minimize(context, loss, *adam, {.clip_norm = options.clip_norm});
  std::vector<graph::Operation> initializers;
  for (const nn::Variable& v : variables.all()) initializers.push_back(v.initialize);
  ops::NoOp(scope.WithOpName("init").WithControlDependencies(initializers));
  TrainingProgram program;
  auto graph = scope.ToGraphDef();
  EXPECT_TRUE(graph.ok()) << graph.status();
  if (graph.ok()) program.graph = *std::move(graph);
  program.initialize = "init";
  program.step.inputs = {"x:0", "labels:0"};
  program.step.metrics = {{"loss", "loss:0", Aggregation::kMean},
                          {"correct", "correct:0", Aggregation::kSum}};
  program.step.target = step.valid() ? step.node().name() : "";
  program.steps_per_epoch = 8;
  program.batch = Examples;
  program.evaluation_inputs = program.step.inputs;
  program.evaluation_metrics = program.step.metrics;
  program.evaluation_batches = 3;
  program.evaluation_batch = [](int64_t i) { return Examples(1000 + i, 0, 1); };
  return program;
}

absl::StatusOr<ShardedStep> Shard(const TrainingProgram& program, int64_t bucket_bytes) {
  auto graph = graph::Graph::FromGraphDef(program.graph, &Ops());
  if (!graph.ok()) return graph.status();
  return ShardGraph(*graph, program.step, {.bucket_bytes = bucket_bytes});
}

SessionFactory Sessions() {
  return [](GraphDef graph, runtime::SessionOptions options) {
    return NewSession(std::move(graph), std::move(options));
  };
}

}  // namespace stator::distribute
