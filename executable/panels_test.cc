#include "executable/panels.h"

#include <gtest/gtest.h>

#include <numeric>

namespace stator::executable {
namespace {

// Where element [i, j] of 32 x 48 elements lies.
std::vector<int32_t> Places(Layout layout) {
  std::vector<int32_t> plain(32 * 48), placed(plain.size());
  std::iota(plain.begin(), plain.end(), 0);
  ToLayout(layout, {32, 48}, sizeof(int32_t), plain.data(), placed.data());
  return placed;
}

TEST(Panels, HoldSixteenColumnsEach) {
  const std::vector<int32_t> last = Places(Layout::kPanelsOfLast);
  const std::vector<int32_t> first = Places(Layout::kPanelsOfFirst);
  for (int i = 0; i < 32; ++i) {
    for (int j = 0; j < 48; ++j) {
      const int element = i * 48 + j;
      ASSERT_EQ(last[(j / 16 * 32 + i) * 16 + j % 16], element);
      ASSERT_EQ(first[(i / 16 * 48 + j) * 16 + i % 16], element);
    }
  }
}

TEST(Panels, ComeBackForEveryElementSize) {
  for (Layout layout : {Layout::kRowMajor, Layout::kPanelsOfLast, Layout::kPanelsOfFirst}) {
    for (int64_t size : {1, 2, 4, 8, 16}) {
      const std::vector<int64_t> dims = {16, 3, 5, 32};
      std::vector<uint8_t> plain(16 * 3 * 5 * 32 * size), packed(plain.size()), back(plain.size());
      for (size_t i = 0; i < plain.size(); ++i) plain[i] = static_cast<uint8_t>(i * 7 + i / 251);
      ToLayout(layout, dims, size, plain.data(), packed.data());
      EXPECT_EQ(plain == packed, layout == Layout::kRowMajor);
      FromLayout(layout, dims, size, packed.data(), back.data());
      EXPECT_EQ(plain, back) << LayoutText(layout) << " " << size;
    }
  }
}

TEST(Panels, FitWholePanelsOnly) {
  EXPECT_TRUE(FitsLayout(Layout::kRowMajor, {}));
  EXPECT_TRUE(FitsLayout(Layout::kPanelsOfLast, {3, 16}));
  EXPECT_FALSE(FitsLayout(Layout::kPanelsOfFirst, {3, 16}));
  EXPECT_TRUE(FitsLayout(Layout::kPanelsOfFirst, {48, 5}));
  EXPECT_FALSE(FitsLayout(Layout::kPanelsOfLast, {16}));
  EXPECT_FALSE(FitsLayout(Layout::kPanelsOfLast, {0, 16}));
  EXPECT_FALSE(FitsLayout(Layout::kPanelsOfFirst, {16, 0}));
  EXPECT_FALSE(FitsLayout(static_cast<Layout>(3), {16, 16}));
}

}  // namespace
}  // namespace stator::executable
