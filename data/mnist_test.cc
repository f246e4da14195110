#include "data/mnist.h"

#include <gtest/gtest.h>

#include "data/digits.h"

namespace stator::data {
namespace {

TEST(LoadMnist, LoadsImagesAndLabels) {
  DigitSetOptions options;
  options.train_count = 10;
  options.test_count = 5;
  ASSERT_TRUE(WriteDigitSet(testing::TempDir(), options).ok());
  const auto set = LoadMnist(testing::TempDir(), "train");
  ASSERT_TRUE(set.ok()) << set.status();
  EXPECT_EQ(set->count, 10);
  EXPECT_EQ(set->labels[7], DrawDigit(1, 7).label);
  EXPECT_EQ(set->pixels[2 * 784 + 400], DrawDigit(1, 2).pixels[400]);
  EXPECT_FALSE(LoadMnist(testing::TempDir(), "valid").ok());
}

}  // namespace
}  // namespace stator::data
