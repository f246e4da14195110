#include "data/philox.h"

#include <gtest/gtest.h>

namespace stator::data {
namespace {

// The known answers that Random123 publishes for philox4x32-10.
TEST(Philox, MatchesThePublishedVectors) {
  EXPECT_EQ(Philox4x32({0, 0, 0, 0}, 0),
            (PhiloxBlock{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(Philox4x32({~0u, ~0u, ~0u, ~0u}, ~uint64_t{0}),
            (PhiloxBlock{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(Philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, 0x299f31d0a4093822),
            (PhiloxBlock{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(RandomStream, IsAFunctionOfKeyAndStream) {
  RandomStream a(7, 1), b(7, 1), c(7, 2), d(8, 1);
  int same_c = 0, same_d = 0;
  for (int i = 0; i < 1000; ++i) {
    const uint32_t bits = a.NextBits();
    ASSERT_EQ(bits, b.NextBits());
    same_c += bits == c.NextBits();
    same_d += bits == d.NextBits();
  }
  EXPECT_EQ(same_c + same_d, 0);
}

TEST(RandomStream, HasTheMomentsItClaims) {
  RandomStream random(1, 1);
  double uniform = 0, bell = 0, bell2 = 0;
  constexpr int kCount = 100000;
  for (int i = 0; i < kCount; ++i) {
    const float u = random.NextUniform(2, 4);
    ASSERT_GE(u, 2);
    ASSERT_LT(u, 4);
    uniform += u;
    const float g = random.NextBell();
    bell += g;
    bell2 += g * g;
  }
  EXPECT_NEAR(uniform / kCount, 3, 0.01);
  EXPECT_NEAR(bell / kCount, 0, 0.02);
  EXPECT_NEAR(bell2 / kCount, 1, 0.02);
}

}  // namespace
}  // namespace stator::data
