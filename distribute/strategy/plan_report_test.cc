#include "distribute/strategy/plan_report.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <utility>
#include <vector>

#include "absl/status/status.h"

namespace stator::distribute {
namespace {

ShardedStep OneBucket(int64_t bytes) {
  ShardedStep step;
  step.buckets.resize(1);
  step.buckets[0].tensors.push_back({"gradient:0", "sum", bytes});
  return step;
}

PlanRequest Request(int tasks, int devices) {
  PlanRequest request;
  request.tasks = tasks;
  request.devices = devices;
  return request;
}

TEST(BytesSentTest, HalvesGoToPartnersAndComeBack) {
  const ShardedStep step = OneBucket(1 << 20);
  const auto sent = BytesSent(step, Request(2, 2), 1);
  ASSERT_TRUE(sent.ok()) << sent.status();
  EXPECT_EQ(*sent, (std::vector<int64_t>{1 << 20, 0, 0, 1 << 19}));
}

TEST(BytesSentTest, SmallSumsGoWhole) {
  const auto sent = BytesSent(OneBucket(100), Request(4, 1), 0);
  ASSERT_TRUE(sent.ok()) << sent.status();
  EXPECT_EQ(*sent, (std::vector<int64_t>{0, 100, 100, 0}));
}

TEST(BytesSentTest, OtherCountsThanPowersOfTwoAreRefused) {
  const ShardedStep step = OneBucket(1 << 20);
  for (int rank = 0; rank < 3; ++rank) {
    EXPECT_EQ(BytesSent(step, Request(3, 1), rank).status(),
              absl::InvalidArgumentError("roles.worker x strategy.devices: expected a power of "
                                         "two, found 3 x 1 = 3"));
  }
  for (const auto& [tasks, devices] :
       std::vector<std::pair<int, int>>{{0, 1}, {1, 0}, {-1, -1}, {2, 3}, {1 << 20, 1 << 20}}) {
    EXPECT_TRUE(absl::IsInvalidArgument(BytesSent(step, Request(tasks, devices), 0).status()));
  }
}

TEST(BytesSentTest, RanksOutsideAreRefused) {
  for (const int rank : {-1, 4}) {
    EXPECT_TRUE(absl::IsInvalidArgument(BytesSent(OneBucket(100), Request(4, 1), rank).status()));
  }
}

}  // namespace
}  // namespace stator::distribute
