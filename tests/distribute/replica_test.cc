// Training on virtual replicas: the same bits however many replicas share them.
#include "distribute/worker/replica.h"

#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <string>
#include <vector>

#include "tests/distribute/classifier.h"
#include "tests/distribute/run_replicas.h"

namespace stator::distribute {
namespace {

constexpr int64_t kSteps = 5;

struct Outcome {
  std::map<std::string, std::string> variables;  // bytes
  std::vector<std::vector<double>> metrics;      // by step
  bool operator==(const Outcome&) const = default;
};

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
  std::vector<Outcome> outcomes(replicas);
  RunReplicas(program, sharded, replicas, virtual_replicas,
              [&](Replica& replica) { outcomes[replica.rank()] = TrainRank(replica); });
  return outcomes;
}

TEST(ReplicaTest, OneTwoAndFourReplicasTrainTheSameBits) {
  const TrainingProgram program = Classifier();
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
  const TrainingProgram program = Classifier();
  const auto sharded = Shard(program, 1 << 20);
  ASSERT_TRUE(sharded.ok()) << sharded.status();
  EXPECT_TRUE(Train(program, nullptr, 1, 1)[0] == Train(program, &*sharded, 1, 1)[0]);
}

TEST(ReplicaTest, ReadsInputsAheadInOrder) {
  TrainingProgram program = Classifier();
  const auto sharded = Shard(program, 1 << 20);
  ASSERT_TRUE(sharded.ok()) << sharded.status();
  const Outcome inline_outcome = Train(program, &*sharded, 1, 4)[0];
  std::atomic<int64_t> last = -1;
  program.batch = [&last, batch = program.batch](
                      int64_t step, int shard,
                      int shards) -> absl::StatusOr<std::vector<runtime::Tensor>> {
    int64_t seen = last;
    while (seen < step && !last.compare_exchange_weak(seen, step)) {
    }
    if (step == kSteps) return absl::DataLossError("a broken file");
    return batch(step, shard, shards);
  };
  RunReplicas(program, &*sharded, 2, 4, [&](Replica& replica) {
    ASSERT_TRUE(replica.ReadAhead(0, kSteps).ok());
    EXPECT_TRUE(TrainRank(replica) == inline_outcome);
    EXPECT_LT(last, kSteps);  // it ends where it was told to
  });
  last = -1;
  RunReplicas(program, &*sharded, 1, 4, [&](Replica& replica) {
    ASSERT_TRUE(replica.Initialize().ok());
    ASSERT_TRUE(replica.ReadAhead(kSteps - 2, kSteps + 1).ok());
    EXPECT_TRUE(replica.Step(kSteps - 2).ok());
    EXPECT_TRUE(replica.Step(kSteps - 1).ok());
    EXPECT_EQ(replica.Step(kSteps).status(), absl::DataLossError("a broken file"));
    EXPECT_TRUE(replica.Step(0).ok());  // out of order: not from those read ahead
  });
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

TEST(ReplicaTest, VariableThatDiffersIsNamed) {
  const TrainingProgram program = Classifier();
  const auto sharded = Shard(program, 1 << 20);
  ASSERT_TRUE(sharded.ok()) << sharded.status();
  std::vector<absl::Status> statuses(2);
  RunReplicas(program, &*sharded, 2, 4, [&](Replica& replica) {
    ASSERT_TRUE(replica.Initialize().ok());
    ASSERT_TRUE(replica.CheckEqual().ok());
    if (replica.rank() == 1) {
      auto bias = replica.variables()->Read("dense/bias");
      ASSERT_TRUE(bias.ok()) << bias.status().message();
      bias->data<float>()[3] += 1;
      ASSERT_TRUE(replica.variables()->Write("dense/bias", *bias).ok());
    }
    statuses[replica.rank()] = replica.CheckEqual();
  });
  for (const absl::Status& status : statuses) {
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << status;
    const std::string message(status.message());
    EXPECT_NE(message.find("'dense/bias'"), std::string::npos) << status;
    EXPECT_NE(message.find("replica 1"), std::string::npos) << status;
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
