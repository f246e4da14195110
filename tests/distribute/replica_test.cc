// Training on virtual replicas: the same bits however many replicas share them.
#include "distribute/worker/replica.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "distribute/collectives/shared_memory.h"
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
constexpr int64_t kSteps = 5;

struct Built {
  TrainingProgram program;
  graph::Graph graph;
};

struct NetOptions {
  bool batch_norm = true;
  bool dropout = true;
  float clip_norm = 0.5f;
};

// A small classifier that has all that shards treat in a special way.
TrainingProgram Classifier(const NetOptions& options) {
  const Scope scope = NewProgram();
  nn::Variables variables(scope, 1);
  std::vector<nn::LayerPtr> layers = {nn::Dense(16, {.activation = nn::Relu})};
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
  program.batch = [](int64_t step, int shard, int shards) -> absl::StatusOr<std::vector<Tensor>> {
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
  };
  return program;
}

absl::StatusOr<ShardedStep> Shard(const TrainingProgram& program, int64_t bucket_bytes) {
  auto graph = graph::Graph::FromGraphDef(program.graph, &Ops());
  if (!graph.ok()) return graph.status();
  return ShardGraph(*graph, program.step, {.bucket_bytes = bucket_bytes});
}

struct Outcome {
  std::map<std::string, std::string> variables;  // bytes
  std::vector<std::vector<double>> metrics;      // by step
  bool operator==(const Outcome&) const = default;
};

absl::StatusOr<std::unique_ptr<runtime::Session>> MakeSession(GraphDef graph,
                                                              runtime::SessionOptions options) {
  return NewSession(std::move(graph), std::move(options));
}

Outcome TrainRank(Replica& replica) {
  Outcome outcome;
  EXPECT_TRUE(replica.Initialize().ok());
  EXPECT_TRUE(replica.Broadcast().ok());
  for (int64_t step = 0; step < kSteps; ++step) {
    const auto metrics = replica.Step(step);
    EXPECT_TRUE(metrics.ok()) << metrics.status();
    if (!metrics.ok()) return outcome;
    outcome.metrics.push_back(*metrics);
  }
  const absl::Status equal = replica.CheckEqual();
  EXPECT_TRUE(equal.ok()) << equal;
  for (const std::string& name : replica.variables()->Names()) {
    const auto value = replica.variables()->Read(name);
    if (value.ok()) outcome.variables[name].assign((*value).data<char>(), (*value).bytes());
  }
  return outcome;
}

// The outcome on every replica.
std::vector<Outcome> Train(const TrainingProgram& program, const ShardedStep* sharded, int replicas,
                           int virtual_replicas) {
  std::vector<std::string> names;
  for (int i = 0; i < replicas; ++i) names.push_back("replica " + std::to_string(i));
  auto mesh = InProcessMesh(names, 1 << 16);
  EXPECT_TRUE(mesh.ok());
  std::vector<Outcome> outcomes(replicas);
  std::vector<std::thread> threads;
  for (int rank = 0; rank < replicas; ++rank) {
    threads.emplace_back([&, rank] {
      auto group = Group::Create({.rank = rank, .tasks = names}, std::move((*mesh)[rank]));
      ASSERT_TRUE(group.ok()) << group.status();
      auto replica = Replica::Create(&program, sharded, MakeSession,
                                     {.virtual_replicas = virtual_replicas, .threads = 1},
                                     *std::move(group), nullptr);
      ASSERT_TRUE(replica.ok()) << replica.status();
      outcomes[rank] = TrainRank(**replica);
    });
  }
  for (std::thread& thread : threads) thread.join();
  return outcomes;
}

TEST(ReplicaTest, OneTwoAndFourReplicasTrainTheSameBits) {
  const TrainingProgram program = Classifier({});
  const auto sharded = Shard(program, 256);
  ASSERT_TRUE(sharded.ok()) << sharded.status();
  EXPECT_GE(sharded->buckets.size(), 4u);
  const Outcome one = Train(program, &*sharded, 1, 4)[0];
  ASSERT_EQ(one.metrics.size(), static_cast<size_t>(kSteps));
  EXPECT_GT(one.metrics[0][0], 0);
  for (const int replicas : {2, 4}) {
    for (const Outcome& outcome : Train(program, &*sharded, replicas, 4)) {
      EXPECT_TRUE(outcome == one) << replicas << " replicas";
    }
  }
}

TEST(ReplicaTest, OneVirtualReplicaIsThePlainProgram) {
  const TrainingProgram program = Classifier({});
  const auto sharded = Shard(program, 1 << 20);
  ASSERT_TRUE(sharded.ok()) << sharded.status();
  EXPECT_TRUE(Train(program, nullptr, 1, 1)[0] == Train(program, &*sharded, 1, 1)[0]);
}

// Without what depends on a shard's statistics and random numbers, the mean of the shards'
// gradients is the gradient of the whole batch but for rounding.
TEST(ReplicaTest, ShardsAverageToTheWholeBatch) {
  const TrainingProgram program =
      Classifier({.batch_norm = false, .dropout = false, .clip_norm = 0});
  const auto sharded = Shard(program, 1 << 20);
  ASSERT_TRUE(sharded.ok()) << sharded.status();
  const Outcome whole = Train(program, nullptr, 1, 1)[0];
  const Outcome shards = Train(program, &*sharded, 2, 4)[0];
  ASSERT_EQ(whole.metrics.size(), shards.metrics.size());
  for (size_t i = 0; i < whole.metrics.size(); ++i) {
    EXPECT_NEAR(whole.metrics[i][0], shards.metrics[i][0], 1e-4) << i;
    EXPECT_EQ(whole.metrics[i][1], shards.metrics[i][1]) << i;
  }
}

TEST(ReplicaTest, ShardsDrawDifferentNumbers) {
  TrainingProgram program = Classifier({.batch_norm = false, .clip_norm = 0});
  const auto sharded = Shard(program, 1 << 20);
  ASSERT_TRUE(sharded.ok()) << sharded.status();
  // Every shard gets the same examples: only what it draws tells one from another.
  program.batch = [batch = program.batch](int64_t step, int, int) { return batch(step, 0, 4); };
  const Outcome one = Train(program, &*sharded, 1, 1)[0];
  const Outcome four = Train(program, &*sharded, 1, 4)[0];
  ASSERT_FALSE(one.metrics.empty());
  ASSERT_FALSE(four.metrics.empty());
  EXPECT_NE(one.metrics[0][0], four.metrics[0][0]);
}

}  // namespace
}  // namespace stator::distribute
