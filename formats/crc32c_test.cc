#include "formats/crc32c.h"

#include <gtest/gtest.h>

#include <string>

namespace stator::formats {
namespace {

// The examples of RFC 3720, B.4.
TEST(Crc32c, MatchesThePublishedVectors) {
  EXPECT_EQ(Crc32c(std::string(32, '\0')), 0x8a9136aau);
  EXPECT_EQ(Crc32c(std::string(32, '\xff')), 0x62a8ab43u);
  std::string up, down;
  for (int i = 0; i < 32; ++i) {
    up.push_back(static_cast<char>(i));
    down.push_back(static_cast<char>(31 - i));
  }
  EXPECT_EQ(Crc32c(up), 0x46dd794eu);
  EXPECT_EQ(Crc32c(down), 0x113fdb5cu);
  EXPECT_EQ(Crc32c("123456789"), 0xe3069283u);
  EXPECT_EQ(Crc32c(""), 0u);
}

TEST(Crc32c, InstructionAndTableAgreeAtEveryLengthAndSplit) {
  if (!internal::HasCrc32cInstruction()) GTEST_SKIP() << "no CRC instruction on this machine";
  std::string bytes;
  for (int i = 0; i < 100; ++i) bytes.push_back(static_cast<char>(i * i * 7 + 13));
  for (size_t n = 0; n <= bytes.size(); ++n) {
    const absl::string_view all(bytes.data(), n);
    const uint32_t expected = internal::ExtendCrc32cByTable(0, all);
    ASSERT_EQ(internal::ExtendCrc32cByInstruction(0, all), expected);
    for (size_t k = 0; k <= n; k += 3) {
      ASSERT_EQ(ExtendCrc32c(Crc32c(all.substr(0, k)), all.substr(k)), expected);
    }
  }
}

TEST(Crc32c, MaskIsUndone) {
  EXPECT_NE(MaskCrc32c(0x12345678), 0x12345678u);
  EXPECT_EQ(UnmaskCrc32c(MaskCrc32c(0x12345678)), 0x12345678u);
  // Known from the footer of every empty record: the mask of the checksum of nothing.
  EXPECT_EQ(MaskCrc32c(0), 0xa282ead8u);
}

}  // namespace
}  // namespace stator::formats
