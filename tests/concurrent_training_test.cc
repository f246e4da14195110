// Two trainings at the same time, each with a session and a pool of two threads of its own, compute
// what each computes alone. Programs, compiles and first uses of what a process has once overlap,
// too: run it under the thread sanitizer (--config=tsan).

#include <gtest/gtest.h>

#include <latch>
#include <thread>
#include <vector>

#include "tests/digits_training.h"

namespace stator::tests {
namespace {

constexpr int kSteps = 8;

std::vector<float> Losses(uint64_t seed) { return DigitsTraining(/*threads=*/2, seed).Run(kSteps); }

TEST(ConcurrentTrainingTest, EachComputesWhatItComputesAlone) {
  // Together first: nothing has warmed the process up.
  std::vector<float> together[2];
  std::latch start(2);
  auto train = [&](uint64_t seed) {
    start.arrive_and_wait();
    together[seed] = Losses(seed);
  };
  std::thread first(train, 0), second(train, 1);
  first.join();
  second.join();
  for (uint64_t seed : {0, 1}) {
    ASSERT_EQ(together[seed].size(), static_cast<size_t>(kSteps));
    EXPECT_EQ(together[seed], Losses(seed)) << "seed " << seed;
  }
  // Or else what they share could not be told from what they compute.
  EXPECT_NE(together[0], together[1]);
}

}  // namespace
}  // namespace stator::tests
