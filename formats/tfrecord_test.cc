#include "formats/tfrecord.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <string>
#include <vector>

#include "formats/file.h"

namespace stator::formats {
namespace {

const std::vector<std::string> kRecords = {"first", "", std::string(40000, 'x'),
                                           std::string("\0\xff\n", 3)};

std::string Path(const std::string& name) { return testing::TempDir() + "/" + name + ".tfrecord"; }

std::string Write(const std::string& path) {
  auto writer = TfRecordWriter::Create(path);
  EXPECT_TRUE(writer.ok()) << writer.status();
  for (const std::string& record : kRecords) EXPECT_TRUE(writer->Append(record).ok());
  EXPECT_TRUE(writer->Finish().ok());
  return ReadFile(path, 1 << 20).value_or("");
}

// Opens a file of these bytes and reads all of it.
absl::Status ReadAll(const std::string& bytes, const TfRecordOptions& options = {},
                     int64_t* count = nullptr) {
  const std::string path = Path("damaged");
  EXPECT_TRUE(WriteFileAtomically(path, bytes).ok());
  const auto file = TfRecordFile::Open(path, options);
  if (!file.ok()) return file.status();
  if (count != nullptr) *count = file->count();
  for (int64_t i = 0; i < file->count(); ++i) {
    if (const auto record = file->Read(i); !record.ok()) return record.status();
  }
  return absl::OkStatus();
}

TEST(TfRecord, WritesWhatTensorFlowWrites) {
  auto writer = TfRecordWriter::Create(Path("known"));
  ASSERT_TRUE(writer->Append("abc").ok());
  ASSERT_TRUE(writer->Finish().ok());
  // Length 3 and its masked CRC, the bytes and theirs.
  const std::string bytes = ReadFile(Path("known"), 100).value_or("");
  ASSERT_EQ(bytes.size(), 19u);
  EXPECT_EQ(bytes.substr(0, 8), std::string("\3\0\0\0\0\0\0\0", 8));
  EXPECT_EQ(bytes.substr(12, 3), "abc");
  // CRC-32C("abc") = 0x364b3fb7; rotated by 15 bits, plus 0xa282ead8.
  EXPECT_EQ(bytes.substr(15), std::string("\x6e\x57\xf1\x21", 4));
}

TEST(TfRecord, ReadsInAnyOrder) {
  Write(Path("order"));
  const auto file = TfRecordFile::Open(Path("order"));
  ASSERT_TRUE(file.ok()) << file.status();
  ASSERT_EQ(file->count(), 4);
  for (const int64_t i : {3, 0, 2, 1, 2}) EXPECT_EQ(*file->Read(i), kRecords[i]);
  EXPECT_TRUE(absl::IsOutOfRange(file->Read(4).status()));
  EXPECT_TRUE(absl::IsNotFound(TfRecordFile::Open(Path("none")).status()));
  EXPECT_TRUE(ReadAll("").ok());
}

TEST(TfRecord, EveryFlippedBitIsNoticed) {
  const std::string bytes = Write(Path("flip"));
  for (size_t i = 0; i < bytes.size(); i = i < 60 || i > 39990 ? i + 1 : i + 501) {
    std::string damaged = bytes;
    damaged[i] ^= 4;
    const absl::Status status = ReadAll(damaged);
    ASSERT_TRUE(absl::IsDataLoss(status)) << i << status;
    ASSERT_NE(status.message().find("record"), std::string::npos) << status;
    ASSERT_NE(status.message().find("at offset"), std::string::npos) << status;
  }
}

TEST(TfRecord, AShortTailIsAnErrorUnlessItIsStillWritten) {
  const std::string bytes = Write(Path("tail"));
  TfRecordOptions growing;
  growing.allow_short_tail = true;
  for (const size_t size : {size_t{1}, size_t{20}, size_t{22}, size_t{30}, bytes.size() - 1}) {
    EXPECT_TRUE(absl::IsDataLoss(ReadAll(bytes.substr(0, size)))) << size;
    int64_t count = -1;
    EXPECT_TRUE(ReadAll(bytes.substr(0, size), growing, &count).ok()) << size;
    EXPECT_EQ(count, size < 21 ? 0 : size < 37 ? 1 : 3) << size;
  }
}

// A gzip (31) or zlib (15) stream of these bytes.
std::string Pack(const std::string& bytes, int window) {
  z_stream stream = {};
  EXPECT_EQ(deflateInit2(&stream, 9, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string packed(deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<unsigned>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<unsigned>(packed.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  packed.resize(packed.size() - stream.avail_out);
  deflateEnd(&stream);
  return packed;
}

TEST(TfRecord, UnpacksGzipAndZlib) {
  // Larger than any buffer on the way, and well packed.
  std::string bytes;
  const std::string once = Write(Path("plain"));
  while (bytes.size() < (1 << 20)) bytes += once;
  const int64_t records = static_cast<int64_t>(bytes.size() / once.size() * kRecords.size());
  const std::string gzip = Pack(bytes, 31);
  for (const std::string& packed : {gzip, Pack(bytes, 15)}) {
    int64_t count = 0;
    const absl::Status status = ReadAll(packed, {}, &count);
    EXPECT_TRUE(status.ok()) << status;
    EXPECT_EQ(count, records);
  }
  int64_t count = 0;
  EXPECT_TRUE(ReadAll(gzip + gzip, {}, &count).ok());
  EXPECT_EQ(count, 2 * records);
  ASSERT_TRUE(WriteFileAtomically(Path("packed"), Pack(once, 31)).ok());
  const auto file = TfRecordFile::Open(Path("packed"));
  ASSERT_TRUE(file.ok()) << file.status();
  for (const int64_t i : {3, 0, 2, 1}) EXPECT_EQ(*file->Read(i), kRecords[i]);
}

TEST(TfRecord, RefusesDamagedStreams) {
  const std::string packed = Pack(Write(Path("plain")), 31);
  for (const size_t size : {size_t{18}, packed.size() / 2, packed.size() - 1}) {
    EXPECT_TRUE(absl::IsDataLoss(ReadAll(packed.substr(0, size)))) << size;
  }
  std::string changed = packed;
  changed[packed.size() - 5] ^= 1;  // its checksum
  EXPECT_TRUE(absl::IsDataLoss(ReadAll(changed)));
  EXPECT_TRUE(absl::IsDataLoss(ReadAll(packed + "rest")));
  EXPECT_TRUE(absl::IsDataLoss(ReadAll(Pack(packed, 31))));  // packed twice
  TfRecordOptions small;
  small.max_unpacked_bytes = 1000;
  EXPECT_TRUE(absl::IsResourceExhausted(ReadAll(packed, small)));
}

TEST(TfRecord, RefusesLargeRecords) {
  TfRecordOptions small;
  small.max_record_bytes = 1000;
  EXPECT_TRUE(absl::IsResourceExhausted(ReadAll(Write(Path("large")), small)));
}

}  // namespace
}  // namespace stator::formats
