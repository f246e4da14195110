#include "data/pipeline.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "data/digits.h"
#include "data/shuffle.h"

namespace stator::data {
namespace {

TEST(Permutation, IsOneForEverySize) {
  for (const int64_t size : {1, 2, 3, 4, 5, 16, 17, 100, 1000, 4097}) {
    const Permutation order(5, 2, size);
    std::vector<int64_t> seen;
    for (int64_t i = 0; i < size; ++i) seen.push_back(order[i]);
    std::sort(seen.begin(), seen.end());
    for (int64_t i = 0; i < size; ++i) ASSERT_EQ(seen[i], i) << size;
  }
}

TEST(Permutation, LooksRandom) {
  // Fixed points and neighbours that stay neighbours: about one each in a random permutation.
  constexpr int64_t kSize = 60000;
  for (uint64_t epoch = 0; epoch < 5; ++epoch) {
    const Permutation order(1, epoch, kSize);
    int fixed = 0, neighbours = 0;
    double correlation = 0;
    for (int64_t i = 0; i < kSize; ++i) {
      fixed += order[i] == i;
      neighbours += i > 0 && order[i] == order[i - 1] + 1;
      correlation += (i - kSize / 2.0) * (order[i] - kSize / 2.0);
    }
    EXPECT_LT(fixed, 12);
    EXPECT_LT(neighbours, 12);
    EXPECT_LT(std::abs(correlation / (kSize * (kSize * double{kSize} / 12))), 0.02);
  }
}

TEST(BatchPlan, AnEpochVisitsEveryExampleOnceInANewOrder) {
  BatchOptions options;
  options.batch_size = 7;
  options.seed = 3;
  const auto plan = BatchPlan::Create(100, options);
  ASSERT_TRUE(plan.ok());
  ASSERT_EQ(plan->steps_per_epoch(), 15);
  std::vector<std::vector<int64_t>> epochs;
  for (int epoch = 0; epoch < 2; ++epoch) {
    std::vector<int64_t> all;
    for (int step = 0; step < 15; ++step) {
      const std::vector<int64_t> batch = plan->Examples(epoch, step);
      EXPECT_EQ(batch.size(), step < 14 ? 7u : 2u);
      EXPECT_EQ(batch, plan->Examples(epoch, step));
      all.insert(all.end(), batch.begin(), batch.end());
    }
    epochs.push_back(all);
    std::sort(all.begin(), all.end());
    for (int i = 0; i < 100; ++i) ASSERT_EQ(all[i], i);
  }
  EXPECT_NE(epochs[0], epochs[1]);
  options.seed = 4;
  EXPECT_NE(BatchPlan::Create(100, options)->Examples(0, 0), plan->Examples(0, 0));
}

TEST(BatchPlan, KeepsOrderAndDropsTheRestWhenAsked) {
  BatchOptions options;
  options.batch_size = 30;
  options.shuffle = false;
  options.drop_remainder = true;
  const auto plan = BatchPlan::Create(100, options);
  ASSERT_TRUE(plan.ok());
  EXPECT_EQ(plan->steps_per_epoch(), 3);
  EXPECT_EQ(plan->Examples(9, 1).front(), 30);
  options.batch_size = 101;
  EXPECT_FALSE(BatchPlan::Create(100, options).ok());
  options.batch_size = 0;
  EXPECT_FALSE(BatchPlan::Create(100, options).ok());
  EXPECT_FALSE(BatchPlan::Create(0, BatchOptions()).ok());
}

TEST(LoadMnist, LoadsAndGathers) {
  DigitSetOptions options;
  options.train_count = 10;
  options.test_count = 5;
  ASSERT_TRUE(WriteDigitSet(testing::TempDir(), options).ok());
  const auto set = LoadMnist(testing::TempDir(), "train");
  ASSERT_TRUE(set.ok()) << set.status();
  EXPECT_EQ(set->count, 10);
  std::vector<float> images(2 * 784);
  int32_t labels[2];
  GatherImages(*set, {7, 2}, images.data(), labels);
  EXPECT_EQ(labels[0], DrawDigit(1, 7).label);
  EXPECT_EQ(images[784 + 400], DrawDigit(1, 2).pixels[400] * (1.0f / 255.0f));
  EXPECT_FALSE(LoadMnist(testing::TempDir(), "valid").ok());
}

}  // namespace
}  // namespace stator::data
