// What each rule for virtual replicas gives, beside the same computed here: batch normalization,
// clipping, dropout, metrics. Each holds for every number of replicas that share the shards.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "distribute/worker/replica.h"
#include "graph/node_builder.h"
#include "nn/layers.h"
#include "nn/optimizers.h"
#include "ops/gradients.h"
#include "ops/wrappers.h"
#include "stator.h"
#include "tests/distribute/classifier.h"
#include "tests/distribute/run_replicas.h"

namespace stator::distribute {
namespace {

using graph::Output;
using runtime::Tensor;

constexpr int kShards = 4;
constexpr int64_t kExamples = 4;  // of a shard

// A program of one float input of some features, which a test completes.
class Program {
 public:
  explicit Program(int64_t features, uint64_t seed = 1)
      : scope(NewProgram()), variables(scope, seed), context(scope, &variables, true) {
    x = Input("x", {-1, features});
  }

  Output Input(const std::string& name, const std::vector<int64_t>& dims) {
    result_.step.inputs.push_back(name + ":0");
    return ops::Placeholder(scope.WithOpName(name), DT_FLOAT, {.shape = graph::PartialShape(dims)});
  }
  Output Weight(const std::string& name, int64_t size) {
    return context.Weight(name, DT_FLOAT, {size}, nn::Zeros());
  }
  void AddMetric(const std::string& name, const Output& value, Aggregation aggregation) {
    ops::Identity(scope.WithOpName(name), value);
    result_.step.metrics.push_back({name, name + ":0", aggregation});
  }

  TrainingProgram Finish(const Output& loss, float rate, float clip_norm,
                         decltype(TrainingProgram::batch) batch) {
    const graph::Operation step =
        nn::Minimize(context, loss, *nn::Sgd(rate), {.clip_norm = clip_norm});
    std::vector<graph::Operation> initializers;
    for (const nn::Variable& v : variables.all()) initializers.push_back(v.initialize);
    ops::NoOp(scope.WithOpName("init").WithControlDependencies(initializers));
    auto graph = scope.ToGraphDef();
    EXPECT_TRUE(graph.ok()) << graph.status();
    if (graph.ok()) result_.graph = *std::move(graph);
    result_.initialize = "init";
    result_.step.target = step.valid() ? step.node().name() : "";
    result_.batch = std::move(batch);
    return std::move(result_);
  }

  graph::Scope scope;
  nn::Variables variables;
  nn::Context context;
  Output x;

 private:
  TrainingProgram result_;
};

std::vector<float> ValueOf(Replica& replica, const std::string& name) {
  const auto value = replica.variables()->Read(name);
  EXPECT_TRUE(value.ok()) << value.status().message();
  if (!value.ok()) return {};
  return {(*value).data<float>(), (*value).data<float>() + (*value).num_elements()};
}

// Steps `first` up to `end` of a replica whose variables have values.
std::vector<std::vector<double>> Steps(Replica& replica, int64_t first, int64_t end) {
  std::vector<std::vector<double>> metrics;
  for (int64_t step = first; step < end; ++step) {
    auto values = replica.Step(step);
    EXPECT_TRUE(values.ok()) << values.status();
    metrics.push_back(values.ok() ? *std::move(values) : std::vector<double>());
  }
  return metrics;
}

// On every replica of 1, 2 and 4.
void OnReplicas(const TrainingProgram& program, const std::function<void(Replica&)>& work) {
  const auto sharded = Shard(program, 64);
  ASSERT_TRUE(sharded.ok()) << sharded.status();
  for (const int replicas : {1, 2, 4}) {
    RunReplicas(program, &*sharded, replicas, kShards, [&](Replica& replica) {
      SCOPED_TRACE("replica " + std::to_string(replica.rank()) + " of " + std::to_string(replicas));
      ASSERT_TRUE(replica.Initialize().ok());
      work(replica);
    });
  }
}

// The shard's rows of a batch whose values are a function of (step, example, feature).
decltype(TrainingProgram::batch) Batches(
    int64_t features, std::function<double(int64_t step, int64_t i, int64_t k)> value) {
  return [features, value](int64_t step, int shard,
                           int shards) -> absl::StatusOr<std::vector<Tensor>> {
    const int64_t count = kShards * kExamples / shards;
    std::vector<float> x;
    for (int64_t i = shard * count; i < (shard + 1) * count; ++i) {
      for (int64_t k = 0; k < features; ++k) x.push_back(static_cast<float>(value(step, i, k)));
    }
    return std::vector<Tensor>{Tensor::Of<float>({count, features}, x)};
  };
}

// ---- Batch normalization ----

constexpr int64_t kFeatures = 3;
constexpr double kEpsilon = 1e-3;

// Small whole numbers, far from those of other shards.
double Image(int64_t step, int64_t i, int64_t k) {
  const int64_t shard = i / kExamples;
  return static_cast<double>(20 * shard * (k + 1) + (i * i * (k + 2) + 3 * step * i + k) % 7);
}

struct Statistics {
  double mean = 0;
  double variance = 0;  // that normalizes
};

// Of one feature of the examples from `begin` up to `end`.
Statistics Measure(int64_t step, int64_t k, int64_t begin, int64_t end) {
  Statistics result;
  const auto count = static_cast<double>(end - begin);
  for (int64_t i = begin; i < end; ++i) result.mean += Image(step, i, k) / count;
  for (int64_t i = begin; i < end; ++i) {
    result.variance += std::pow(Image(step, i, k) - result.mean, 2) / count;
  }
  return result;
}

// Its weights stay; the metric is the sum of what was normalized times what it was.
TrainingProgram Normalizer() {
  Program p(kFeatures);
  const Output y = nn::BatchNorm({.momentum = 0.75f, .epsilon = kEpsilon})->Build(p.context, p.x);
  const Output product = ops::Sum(p.scope, ops::Mul(p.scope, y, p.x), {0, 1});
  p.AddMetric("product", product, Aggregation::kSum);
  return p.Finish(product, 0, 0, Batches(kFeatures, Image));
}

TEST(BatchNormRuleTest, EachShardIsNormalizedByItsOwnStatistics) {
  OnReplicas(Normalizer(), [](Replica& replica) {
    const auto metrics = Steps(replica, 0, 2);
    for (int64_t step = 0; step < 2; ++step) {
      double shards = 0, whole = 0;
      for (int64_t i = 0; i < kShards * kExamples; ++i) {
        for (int64_t k = 0; k < kFeatures; ++k) {
          const int64_t begin = i / kExamples * kExamples;
          const Statistics own = Measure(step, k, begin, begin + kExamples);
          const Statistics all = Measure(step, k, 0, kShards * kExamples);
          const double x = Image(step, i, k);
          shards += x * (x - own.mean) / std::sqrt(own.variance + kEpsilon);
          whole += x * (x - all.mean) / std::sqrt(all.variance + kEpsilon);
        }
      }
      EXPECT_NEAR(metrics[step].at(0), shards, 1e-4 * shards) << step;
      EXPECT_GT(whole, 2 * shards);  // it would be seen
    }
  });
}

TEST(BatchNormRuleTest, MovingMeanFollowsTheMeanOfShards) {
  OnReplicas(Normalizer(), [](Replica& replica) {
    std::vector<double> expected(kFeatures, 0);
    for (int64_t step = 0; step < 3; ++step) {
      Steps(replica, step, step + 1);
      const std::vector<float> moving = ValueOf(replica, "batch_norm/moving_mean");
      for (int64_t k = 0; k < kFeatures; ++k) {
        double mean = 0;
        for (int64_t s = 0; s < kShards; ++s) {
          mean += Measure(step, k, s * kExamples, (s + 1) * kExamples).mean / kShards;
        }
        expected[k] = 0.75 * expected[k] + 0.25 * mean;
        EXPECT_EQ(moving.at(k), expected[k]) << step;  // no digit of these is rounded
      }
    }
  });
}

TEST(BatchNormRuleTest, MovingVarianceFollowsTheMeanOfShardsVariances) {
  OnReplicas(Normalizer(), [](Replica& replica) {
    constexpr double kUnbiased = static_cast<double>(kExamples) / (kExamples - 1);
    std::vector<double> expected(kFeatures, 1);
    for (int64_t step = 0; step < 3; ++step) {
      Steps(replica, step, step + 1);
      const std::vector<float> moving = ValueOf(replica, "batch_norm/moving_variance");
      for (int64_t k = 0; k < kFeatures; ++k) {
        double mean = 0;
        for (int64_t s = 0; s < kShards; ++s) {
          mean +=
              kUnbiased * Measure(step, k, s * kExamples, (s + 1) * kExamples).variance / kShards;
        }
        expected[k] = 0.75 * expected[k] + 0.25 * mean;
        EXPECT_NEAR(moving.at(k), expected[k], 1e-5 * expected[k]) << step;
      }
    }
  });
}

// ---- Clipping by the global norm ----

using Gradient = std::vector<double>;  // of a (2 elements), of b (1)

// Trains one step at rate 1 from zeros with these gradients of the shards' losses, and expects the
// step to be `update`, whatever the number of replicas.
void ExpectUpdate(const std::vector<Gradient>& shards, Aggregation aggregation, float clip_norm,
                  const Gradient& update) {
  Program p(3);
  const Output weights = ops::ConcatV2(p.scope, {p.Weight("a", 2), p.Weight("b", 1)}, 0);
  const Output loss =
      ops::Mean(p.scope, ops::Sum(p.scope, ops::Mul(p.scope, p.x, weights), {1}), {0});
  TrainingProgram program =
      p.Finish(loss, 1, clip_norm,
               Batches(3, [&](int64_t, int64_t i, int64_t k) { return shards[i / kExamples][k]; }));
  program.step.gradients = aggregation;
  OnReplicas(program, [&](Replica& replica) {
    Steps(replica, 0, 1);
    const std::vector<float> a = ValueOf(replica, "a"), b = ValueOf(replica, "b");
    EXPECT_FLOAT_EQ(a.at(0), -update[0]);
    EXPECT_FLOAT_EQ(a.at(1), -update[1]);
    EXPECT_FLOAT_EQ(b.at(0), -update[2]);
  });
}

// Shards clipped alone would cancel to nothing; the sum's norm, 1.25, is not what counts.
TEST(ClipRuleTest, LargeGradientsThatCancelAreNotClipped) {
  ExpectUpdate({{6, 8, 0}, {-3, -4, 0}, {-3, -4, 0}, {0.75, 1, 0}}, Aggregation::kMean, 0.5f,
               {0.1875, 0.25, 0});
}

// One shard clipped alone would leave a quarter of this; so would one weight without the other
// leave another share.
TEST(ClipRuleTest, MeanIsClippedByItsNormOverAllWeights) {
  ExpectUpdate({{8, 12, 24}, {0, 0, 0}, {0, 0, 0}, {0, 0, 0}}, Aggregation::kMean, 3.5f,
               {1, 1.5, 3});
}

// No shard alone, nor the mean, reaches the limit.
TEST(ClipRuleTest, SumIsClippedByItsNorm) {
  ExpectUpdate({{1, 1.5, 3}, {0, 0, 0}, {1, 1.5, 3}, {0, 0, 0}}, Aggregation::kSum, 3.5f,
               {1, 1.5, 3});
}

// ---- Dropout ----

constexpr int kElements = 20;
using Masks = std::vector<std::vector<double>>;  // by step and shard, bit i for element i

// Its inputs are powers of 2, so that the sum of those that are kept is the mask; by shard: one
// metric for each.
TrainingProgram Dropper(uint64_t seed) {
  Program p(kElements, seed);
  const Output shard = p.Input("shard", {kShards});  // one-hot
  const Output kept = nn::Dropout(0.5f)->Build(p.context, p.x);
  const Output mask = ops::Mul(p.scope, ops::Sum(p.scope, kept, {0, 1}), 0.5f);
  for (int s = 0; s < kShards; ++s) {
    std::vector<float> only(kShards, 0);
    only[s] = 1;
    const Output own = ops::Mul(p.scope, shard, graph::Constant(p.scope, only));
    p.AddMetric("mask_" + std::to_string(s), ops::Sum(p.scope, ops::Mul(p.scope, own, mask), {0}),
                Aggregation::kSum);
  }
  const Output loss = ops::Sum(p.scope, ops::Mul(p.scope, kept, p.Weight("w", kElements)), {0, 1});
  return p.Finish(loss, 0, 0, [](int64_t, int shard, int) -> absl::StatusOr<std::vector<Tensor>> {
    std::vector<float> x, own(kShards, 0);
    for (int i = 0; i < kElements; ++i) x.push_back(std::ldexp(1.0f, i));
    own[shard] = 1;
    return std::vector<Tensor>{Tensor::Of<float>({1, kElements}, x),
                               Tensor::Of<float>({kShards}, own)};
  });
}

Masks MasksOf(const TrainingProgram& program, int virtual_replicas) {
  Masks masks;
  const auto sharded = Shard(program, 64);
  EXPECT_TRUE(sharded.ok()) << sharded.status();
  if (!sharded.ok()) return masks;
  RunReplicas(program, virtual_replicas > 1 ? &*sharded : nullptr, 1, virtual_replicas,
              [&](Replica& replica) {
                ASSERT_TRUE(replica.Initialize().ok());
                masks = Steps(replica, 0, 3);
              });
  return masks;
}

TEST(DropoutRuleTest, EveryShardAndStepHasAMaskOfItsOwn) {
  std::set<double> seen;
  for (const std::vector<double>& step : MasksOf(Dropper(1), kShards)) {
    for (const double mask : step) {
      EXPECT_EQ(mask, std::floor(mask));  // what is kept is scaled by 2, exactly
      EXPECT_GT(mask, 0);
      EXPECT_LT(mask, std::ldexp(1.0, kElements) - 1);
      seen.insert(mask);
    }
  }
  EXPECT_EQ(seen.size(), 3u * kShards);
}

TEST(DropoutRuleTest, MasksAreTheSameOnAnyNumberOfReplicas) {
  const TrainingProgram program = Dropper(1);
  const Masks masks = MasksOf(program, kShards);
  OnReplicas(program, [&](Replica& replica) { EXPECT_EQ(Steps(replica, 0, 3), masks); });
}

TEST(DropoutRuleTest, MasksOfAStepNeedNoEarlierOne) {
  const TrainingProgram program = Dropper(1);
  const Masks masks = MasksOf(program, kShards);
  OnReplicas(program, [&](Replica& replica) {
    ASSERT_TRUE(replica.variables()->Write("global_step", Tensor::Scalar<int64_t>(2)).ok());
    EXPECT_EQ(Steps(replica, 2, 3), Masks{masks.at(2)});
  });
}

TEST(DropoutRuleTest, FirstShardHasTheMasksOfThePlainProgram) {
  const TrainingProgram program = Dropper(1);
  const Masks plain = MasksOf(program, 1), shards = MasksOf(program, kShards);
  ASSERT_EQ(plain.size(), shards.size());
  for (size_t step = 0; step < plain.size(); ++step) {
    EXPECT_EQ(plain[step].at(0), shards[step].at(0)) << step;
  }
}

TEST(DropoutRuleTest, OtherSeedsGiveOtherMasks) {
  const Masks one = MasksOf(Dropper(1), kShards), two = MasksOf(Dropper(2), kShards);
  ASSERT_EQ(one.size(), two.size());
  for (size_t step = 0; step < one.size(); ++step) {
    for (int s = 0; s < kShards; ++s) EXPECT_NE(one[step].at(s), two[step].at(s)) << step;
  }
}

// ---- Metrics ----

double Number(int64_t step, int64_t i, int64_t) {
  return static_cast<double>((i * i + step) % 11 - (i < kExamples ? 40 : 0));
}

struct Expected {
  double mean = 0, sum = 0, gradient_square = 0;
};

Expected OverTheBatch(int64_t step) {
  Expected expected;
  for (int64_t i = 0; i < kShards * kExamples; ++i) expected.sum += Number(step, i, 0);
  expected.mean = expected.sum / (kShards * kExamples);
  expected.gradient_square = expected.mean * expected.mean;
  return expected;
}

TrainingProgram Meter(decltype(TrainingProgram::batch) batch) {
  Program p(1);
  const Output w = p.Weight("w", 1);
  const Output loss = ops::Mean(p.scope, ops::Mul(p.scope, p.x, w), {0, 1});
  const Output gradient = ops::AddGradients(p.scope.WithOpName("gradient"), {loss}, {w})[0];
  p.AddMetric("mean", ops::Mean(p.scope, p.x, {0, 1}), Aggregation::kMean);
  p.AddMetric("sum", ops::Sum(p.scope, p.x, {0, 1}), Aggregation::kSum);
  p.AddMetric("count", ops::Size(p.scope, p.x), Aggregation::kSum);
  p.AddMetric("gradient_square", ops::Sum(p.scope, ops::Square(p.scope, gradient), {0}),
              Aggregation::kSum);
  return p.Finish(loss, 0, 0, std::move(batch));
}

TEST(MetricsRuleTest, MeansAndSumsAreOverTheWholeBatch) {
  OnReplicas(Meter(Batches(1, Number)), [](Replica& replica) {
    const auto metrics = Steps(replica, 0, 3);
    for (int64_t step = 0; step < 3; ++step) {
      EXPECT_EQ(metrics[step].at(0), OverTheBatch(step).mean) << step;
      EXPECT_EQ(metrics[step].at(1), OverTheBatch(step).sum) << step;
      EXPECT_EQ(metrics[step].at(2), kShards * kExamples) << step;
    }
  });
}

// What is computed from gradients has one value, which replicas neither add up nor average.
TEST(MetricsRuleTest, MetricOfGradientsSeesTheirMeanOnce) {
  OnReplicas(Meter(Batches(1, Number)), [](Replica& replica) {
    EXPECT_FLOAT_EQ(Steps(replica, 0, 1)[0].at(3), OverTheBatch(0).gradient_square);
  });
}

// (10^8 + 1) + (-10^8 + 1) is 0 as each 1 is lost; one shard after the other it would be 1.
TEST(MetricsRuleTest, ShardsAreAddedAsOneTree) {
  const auto batch = Batches(1, [](int64_t, int64_t i, int64_t) {
    return i % kExamples != 0 ? 0.0 : std::vector<double>{1e8, 1, -1e8, 1}[i / kExamples];
  });
  OnReplicas(Meter(batch), [](Replica& replica) { EXPECT_EQ(Steps(replica, 0, 1)[0].at(1), 0); });
}

TEST(MetricsRuleTest, EvaluationWeighsBatchesByTheirExamples) {
  TrainingProgram program = Meter(Batches(1, Number));
  program.evaluation_inputs = program.step.inputs;
  program.evaluation_metrics = {program.step.metrics[0], program.step.metrics[1]};
  program.evaluation_batches = 2;
  program.evaluation_batch = [](int64_t i) -> absl::StatusOr<std::vector<Tensor>> {
    if (i == 0) return std::vector<Tensor>{Tensor::Of<float>({3, 1}, {1, 2, 3})};
    return std::vector<Tensor>{Tensor::Of<float>({1, 1}, {10})};
  };
  OnReplicas(program, [](Replica& replica) {
    const auto values = replica.Evaluate();
    ASSERT_TRUE(values.ok()) << values.status();
    EXPECT_EQ(*values, (std::vector<double>{4, 4}));  // the mean, and the share
  });
}

}  // namespace
}  // namespace stator::distribute
