#include "data/shuffle.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

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

}  // namespace
}  // namespace stator::data
