#include "formats/idx.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <cstdlib>

#include "formats/file.h"

namespace stator::formats {
namespace {

std::string Path(const std::string& name) { return testing::TempDir() + "/" + name; }

void WriteBytes(const std::string& path, const std::string& bytes) {
  ASSERT_TRUE(WriteFileAtomically(path, bytes).ok());
}

std::string Gzip(const std::string& bytes) {
  const std::string path = Path("packed.gz");
  gzFile file = gzopen(path.c_str(), "wb");
  EXPECT_EQ(gzwrite(file, bytes.data(), bytes.size()), static_cast<int>(bytes.size()));
  gzclose(file);
  return *ReadFile(path, 1 << 20);
}

// A 2x3 file.
std::string Small() { return std::string("\0\0\x08\x02\0\0\0\x02\0\0\0\x03", 12) + "abcdef"; }

TEST(Idx, RoundTripsPlainAndPacked) {
  const IdxArray array{{2, 3}, {'a', 'b', 'c', 'd', 'e', 'f'}};
  ASSERT_TRUE(WriteIdx(Path("array"), array).ok());
  EXPECT_EQ(*ReadFile(Path("array"), 100), Small());
  WriteBytes(Path("only.gz"), Gzip(Small()));
  for (const std::string& path : {Path("array"), Path("only")}) {
    const auto read = ReadIdxOrGz(path);
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_EQ(read->dims, array.dims);
    EXPECT_EQ(read->values, array.values);
  }
}

TEST(Idx, EveryTruncationIsAnErrorThatNamesItsOffset) {
  const std::string packed = Gzip(Small());
  for (size_t n = 0; n < Small().size(); ++n) {
    WriteBytes(Path("short"), Small().substr(0, n));
    const auto read = ReadIdx(Path("short"));
    ASSERT_FALSE(read.ok()) << n;
    EXPECT_NE(read.status().message().find("offset"), absl::string_view::npos) << read.status();
    EXPECT_NE(read.status().message().find(Path("short")), absl::string_view::npos);
  }
  for (size_t n = 0; n < packed.size(); ++n) {
    WriteBytes(Path("short.gz"), packed.substr(0, n));
    EXPECT_FALSE(ReadIdx(Path("short.gz")).ok()) << n;
  }
}

TEST(Idx, RefusesWhatItCannotTrust) {
  const auto code = [](const std::string& bytes) {
    WriteBytes(Path("bad"), bytes);
    return ReadIdx(Path("bad")).status().code();
  };
  EXPECT_EQ(code(Small() + "x"), absl::StatusCode::kDataLoss);
  EXPECT_EQ(code("\x01" + Small().substr(1)), absl::StatusCode::kDataLoss);
  EXPECT_EQ(code(std::string("\0\0\x0d\x01\0\0\0\x01", 8) + "abcd"),
            absl::StatusCode::kUnimplemented);
  // Four dimensions of 2^32-1 each, and a header that claims 2 GiB which are not there.
  EXPECT_EQ(code(std::string("\0\0\x08\x04", 4) + std::string(16, '\xff')),
            absl::StatusCode::kDataLoss);
  EXPECT_EQ(code(std::string("\0\0\x08\x01\x7f\xff\xff\xff", 8)), absl::StatusCode::kDataLoss);
  std::string flipped = Gzip(Small());
  flipped[flipped.size() - 6] ^= 1;  // the checksum
  EXPECT_EQ(code(flipped), absl::StatusCode::kDataLoss);
}

TEST(Idx, WriterChecksTheCount) {
  EXPECT_FALSE(WriteIdx(Path("wrong"), IdxArray{{2, 2}, {1, 2, 3}}).ok());
  EXPECT_FALSE(WriteIdx(Path("wrong"), IdxArray{{-1}, {}}).ok());
}

TEST(Idx, ReadsRealMnist) {
  const char* data = std::getenv("STATOR_TEST_DATA");
  if (data == nullptr || *data == '\0') GTEST_SKIP() << "STATOR_TEST_DATA is not set";
  const std::string folder = std::string(data) + "/mnist/";
  const auto images = ReadIdxOrGz(folder + "t10k-images-idx3-ubyte");
  const auto labels = ReadIdxOrGz(folder + "t10k-labels-idx1-ubyte");
  ASSERT_TRUE(images.ok()) << images.status();
  ASSERT_TRUE(labels.ok()) << labels.status();
  EXPECT_EQ(images->dims, (std::vector<int64_t>{10000, 28, 28}));
  EXPECT_EQ(labels->values[0], 7);
}

}  // namespace
}  // namespace stator::formats
