// A convolutional network trains through the real pipeline: the same bits for any number of
// threads, and nothing but generated code at work.

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "executable/image_model.h"
#include "tests/digits_training.h"

namespace stator::tests {
namespace {

using executable::StepKind;
using runtime::Tensor;

TEST(TrainingTest, TheLossFalls) {
  DigitsTraining training(2);
  const std::vector<float> losses = training.Run(25);
  ASSERT_EQ(losses.size(), 25u);
  EXPECT_GT(losses.front(), 1.5f);
  EXPECT_LT(losses.back(), 0.5f * losses.front());
}

TEST(TrainingTest, OneThreadAndTwoGiveTheSameBits) {
  DigitsTraining one(1), two(2);
  ASSERT_TRUE(one.session() != nullptr && two.session() != nullptr);
  EXPECT_EQ(one.Run(6), two.Run(6));
  for (const std::string& name : one.session()->variables()->Names()) {
    const Tensor a = *one.session()->variables()->Read(name);
    const Tensor b = *two.session()->variables()->Read(name);
    ASSERT_EQ(a.bytes(), b.bytes()) << name;
    EXPECT_EQ(std::memcmp(a.raw(), b.raw(), static_cast<size_t>(a.bytes())), 0) << name;
  }
}

TEST(TrainingTest, GeneratedCodeDoesAllTheWork) {
  DigitsTraining training(1);
  ASSERT_NE(training.session(), nullptr);
  const std::vector<int64_t> before = training.session()->StepCounts();
  training.Run(3);
  const std::vector<int64_t> after = training.session()->StepCounts();
  auto steps = [&](StepKind kind) {
    return after[static_cast<size_t>(kind)] - before[static_cast<size_t>(kind)];
  };
  EXPECT_GT(steps(StepKind::kLaunchKernel), 0);
  EXPECT_EQ(steps(StepKind::kHostCall), 0);
  int64_t others = 0;
  for (size_t kind = 0; kind < after.size(); ++kind) others += after[kind] - before[kind];
  others -= steps(StepKind::kLaunchKernel) + steps(StepKind::kCheck) + steps(StepKind::kCopy);
  EXPECT_EQ(others, 0);
}

}  // namespace
}  // namespace stator::tests
