#include "formats/sorted_table.h"

#include <gtest/gtest.h>
#include <leveldb/env.h>
#include <leveldb/iterator.h>
#include <leveldb/options.h>
#include <leveldb/table.h>
#include <leveldb/table_builder.h>

#include <memory>

#include "formats/crc32c.h"
#include "formats/file.h"
#include "formats/snappy.h"
#include "formats/varint.h"

namespace stator::formats {
namespace {

TableEntries Many(int count) {
  TableEntries entries;
  for (int i = 0; i < count; ++i) {
    entries["layer" + std::to_string(i * 7919 % count) + "/weights"] =
        std::string(i % 300, 'a' + i % 26);
  }
  entries[""] = "header";
  return entries;
}

// What LevelDB itself makes of `entries`.
std::string BuildWithLevelDb(const TableEntries& entries, leveldb::CompressionType compression) {
  const std::string path = testing::TempDir() + "/leveldb.table";
  leveldb::WritableFile* file = nullptr;
  EXPECT_TRUE(leveldb::Env::Default()->NewWritableFile(path, &file).ok());
  leveldb::Options options;
  options.compression = compression;
  leveldb::TableBuilder builder(options, file);
  for (const auto& [key, value] : entries) builder.Add(key, value);
  EXPECT_TRUE(builder.Finish().ok());
  EXPECT_TRUE(file->Close().ok());
  delete file;
  return *ReadFile(path, int64_t{1} << 30);
}

TEST(SortedTable, ReadsWhatItWrites) {
  for (const int count : {0, 1, 15, 16, 17, 5000}) {
    const TableEntries entries = Many(count);
    const auto bytes = BuildSortedTable(entries);
    ASSERT_TRUE(bytes.ok());
    const auto read = ParseSortedTable("t", *bytes);
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_EQ(*read, entries);
  }
}

TEST(SortedTable, ReadsLevelDbsBlocksPlainAndPacked) {
  const TableEntries entries = Many(3000);
  const std::string plain = BuildWithLevelDb(entries, leveldb::kNoCompression);
  const std::string packed = BuildWithLevelDb(entries, leveldb::kSnappyCompression);
  EXPECT_LT(packed.size(), plain.size());  // or nothing below is tested
  for (const std::string& bytes : {plain, packed}) {
    const auto read = ParseSortedTable("t", bytes);
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_EQ(*read, entries);
  }
}

TEST(SortedTable, LevelDbReadsWhatWeWrite) {
  const TableEntries entries = Many(500);
  const std::string path = testing::TempDir() + "/ours.table";
  const std::string bytes = *BuildSortedTable(entries);
  ASSERT_TRUE(WriteFileAtomically(path, bytes).ok());
  leveldb::RandomAccessFile* file = nullptr;
  ASSERT_TRUE(leveldb::Env::Default()->NewRandomAccessFile(path, &file).ok());
  leveldb::Table* table = nullptr;
  ASSERT_TRUE(leveldb::Table::Open(leveldb::Options(), file, bytes.size(), &table).ok());
  leveldb::ReadOptions verify;
  verify.verify_checksums = true;
  TableEntries read;
  std::unique_ptr<leveldb::Iterator> it(table->NewIterator(verify));
  for (it->SeekToFirst(); it->Valid(); it->Next()) {
    read[it->key().ToString()] = it->value().ToString();
  }
  EXPECT_TRUE(it->status().ok());
  EXPECT_EQ(read, entries);
  it.reset();
  delete table;
  delete file;
}

TEST(SortedTable, EveryFlippedBitAndTruncationIsNoticed) {
  const TableEntries entries = Many(40);
  const std::string good = *BuildSortedTable(entries);
  for (size_t n = 0; n < good.size(); ++n) {
    EXPECT_FALSE(ParseSortedTable("t", absl::string_view(good).substr(0, n)).ok()) << n;
  }
  // The footer's padding and the unused metaindex are all that may change without harm.
  for (size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] ^= 0x10;
    const auto read = ParseSortedTable("t", bad);
    if (read.ok()) {
      EXPECT_EQ(*read, entries) << i;
    } else {
      EXPECT_NE(read.status().message().find("t: offset"), absl::string_view::npos);
    }
  }
}

// A file whose one block claims `entries` entries that share a long key.
std::string Bomb(int entries) {
  std::string block;
  const auto append = [&block](std::string body) {
    body.push_back('\0');
    const uint32_t crc = MaskCrc32c(Crc32c(body));
    for (int i = 0; i < 4; ++i) body.push_back(static_cast<char>(crc >> (8 * i)));
    block += body;
  };
  std::string body;
  AppendVarint(0, &body);
  AppendVarint(60000, &body);
  AppendVarint(0, &body);
  body += std::string(60000, 'k');
  for (int i = 0; i < entries; ++i) {
    AppendVarint(60000, &body);
    AppendVarint(1, &body);
    AppendVarint(0, &body);
    body.push_back(static_cast<char>(i));
  }
  body += std::string("\0\0\0\0\1\0\0\0", 8);
  append(body);
  const size_t index_at = block.size();
  std::string index;
  std::string handle;
  AppendVarint(0, &handle);
  AppendVarint(body.size(), &handle);
  AppendVarint(0, &index);
  AppendVarint(1, &index);
  AppendVarint(handle.size(), &index);
  index += "z" + handle + std::string("\0\0\0\0\1\0\0\0", 8);
  append(index);
  std::string footer;
  AppendVarint(0, &footer);
  AppendVarint(0, &footer);
  AppendVarint(index_at, &footer);
  AppendVarint(index.size(), &footer);
  footer.resize(40, '\0');
  return block + footer + std::string("\x57\xfb\x80\x8b\x24\x75\x47\xdb", 8);
}

TEST(SortedTable, ExpansionIsBounded) {
  EXPECT_TRUE(ParseSortedTable("t", Bomb(20)).ok()) << ParseSortedTable("t", Bomb(20)).status();
  const auto read = ParseSortedTable("t", Bomb(200));
  ASSERT_FALSE(read.ok());
  EXPECT_NE(read.status().message().find("far more"), absl::string_view::npos) << read.status();
}

TEST(Snappy, UnpacksLiteralsAndCopies) {
  EXPECT_EQ(UncompressSnappy(std::string("\0", 1)), "");
  EXPECT_EQ(UncompressSnappy("\x03\x08"
                             "abc"),
            "abc");
  // "ab", then a copy of 8 bytes from 2 back: the pattern repeats.
  EXPECT_EQ(UncompressSnappy("\x0a\x04"
                             "ab"
                             "\x11\x02"),
            "ababababab");
  EXPECT_EQ(UncompressSnappy(std::string("\x0a\x04"
                                         "ab"
                                         "\x1e\x02\x00",
                                         7)),
            "ababababab");
  for (const std::string& bad : {std::string(), std::string("\xff"),
                                 std::string("\x03\x08"
                                             "ab"),
                                 std::string("\x0a\x04"
                                             "ab"
                                             "\x11\x03"),
                                 std::string("\x0a\x04"
                                             "ab"
                                             "\x11\x00",
                                             6),
                                 std::string("\x02\x08"
                                             "abc"),
                                 std::string("\x04\x08"
                                             "abc"),
                                 std::string("\xff\xff\xff\xff\x0f\x08"
                                             "abc")}) {
    EXPECT_FALSE(UncompressSnappy(bad).has_value()) << bad;
  }
}

}  // namespace
}  // namespace stator::formats
