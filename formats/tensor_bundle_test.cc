#include "formats/tensor_bundle.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "formats/file.h"
#include "formats/sorted_table.h"

namespace stator::formats {
namespace {

namespace fs = std::filesystem;

std::string Folder(const std::string& name) {
  const fs::path folder = fs::path(testing::TempDir()) / name;
  fs::remove_all(folder);
  fs::create_directories(folder);
  return folder.string();
}

std::string Floats(const std::vector<float>& values) {
  return std::string(reinterpret_cast<const char*>(values.data()), values.size() * 4);
}

std::string ReadAll(const BundleReader& reader, const std::string& name) {
  const auto entry = reader.Find(name);
  if (!entry.ok()) return std::string(entry.status().message());
  std::string bytes((*entry)->size(), '\0');
  const absl::Status status = reader.Read(name, absl::MakeSpan(&bytes[0], bytes.size()));
  return status.ok() ? bytes : std::string(status.message());
}

std::string Content(const std::string& path) { return *ReadFile(path, 1 << 24); }

// A checkpoint with one of each.
void WriteSample(const std::string& prefix) {
  auto writer = BundleWriter::Create(prefix);
  ASSERT_TRUE(writer.ok()) << writer.status();
  ASSERT_TRUE(writer->Add("w", DT_FLOAT, {2, 2}, Floats({1, 2, 3, 4})).ok());
  ASSERT_TRUE(writer->Add("a/scalar", DT_INT64, {}, std::string(8, '\x05')).ok());
  ASSERT_TRUE(writer->Add("empty", DT_HALF, {0, 7}, "").ok());
  ASSERT_TRUE(writer->AddStrings("names", {3}, {"one", "", std::string(200, 'x')}).ok());
  ASSERT_TRUE(writer->AddStrings("word", {}, {"hello"}).ok());
  ASSERT_TRUE(writer->Finish().ok());
}

TEST(TensorBundle, RoundTrips) {
  const std::string prefix = Folder("round") + "/model";
  WriteSample(prefix);
  const auto reader = BundleReader::Open(prefix);
  ASSERT_TRUE(reader.ok()) << reader.status();
  EXPECT_EQ(reader->entries().size(), 5u);
  EXPECT_EQ(ReadAll(*reader, "w"), Floats({1, 2, 3, 4}));
  EXPECT_EQ(ReadAll(*reader, "a/scalar"), std::string(8, '\x05'));
  EXPECT_EQ(ReadAll(*reader, "empty"), "");
  EXPECT_EQ(*reader->ReadStrings("names"),
            (std::vector<std::string>{"one", "", std::string(200, 'x')}));
  EXPECT_EQ(*reader->ReadStrings("word"), std::vector<std::string>{"hello"});
  EXPECT_EQ((*reader->Find("w"))->shape().dim(1).size(), 2);
  EXPECT_EQ(reader->Find("v").status().code(), absl::StatusCode::kNotFound);
  EXPECT_FALSE(reader->ReadStrings("w").ok());
  EXPECT_NE(ReadAll(*reader, "word").find("no plain bytes"), std::string::npos);
  char small[4];
  EXPECT_FALSE(reader->Read("w", absl::MakeSpan(small)).ok());
}

TEST(TensorBundle, NothingAppearsBeforeFinish) {
  const std::string folder = Folder("unfinished");
  {
    auto writer = BundleWriter::Create(folder + "/model");
    ASSERT_TRUE(writer.ok());
    ASSERT_TRUE(writer->Add("w", DT_FLOAT, {1}, Floats({1})).ok());
    EXPECT_EQ(BundleReader::Open(folder + "/model").status().code(), absl::StatusCode::kNotFound);
  }
  EXPECT_TRUE(fs::is_empty(folder));
}

TEST(TensorBundle, WriterChecksItsInput) {
  auto writer = BundleWriter::Create(Folder("checks") + "/model");
  ASSERT_TRUE(writer.ok());
  EXPECT_TRUE(writer->Add("w", DT_FLOAT, {1}, Floats({1})).ok());
  EXPECT_EQ(writer->Add("w", DT_FLOAT, {1}, Floats({1})).code(), absl::StatusCode::kAlreadyExists);
  for (const absl::Status& status :
       {writer->Add("", DT_FLOAT, {1}, Floats({1})), writer->Add("x", DT_FLOAT, {2}, Floats({1})),
        writer->Add("x", DT_FLOAT, {-1}, ""), writer->Add("x", DT_STRING, {1}, "a"),
        writer->Add("x", DT_RESOURCE, {}, ""), writer->Add("x", DT_FLOAT_REF, {1}, Floats({1})),
        writer->AddStrings("x", {2}, {"a"})}) {
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
  }
  EXPECT_FALSE(BundleWriter::Create(testing::TempDir() + "/no/such/folder").ok());
}

TEST(TensorBundle, EveryFlippedDataBitIsFound) {
  const std::string prefix = Folder("flip") + "/model";
  WriteSample(prefix);
  const std::string path = prefix + ".data-00000-of-00001";
  const std::string good = *ReadFile(path, 1000);
  for (size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] ^= 0x40;
    ASSERT_TRUE(WriteFileAtomically(path, bad).ok());
    const auto reader = BundleReader::Open(prefix);
    ASSERT_TRUE(reader.ok());
    const bool same = ReadAll(*reader, "w") == Floats({1, 2, 3, 4}) &&
                      ReadAll(*reader, "a/scalar") == std::string(8, '\x05') &&
                      reader->ReadStrings("names").ok() && reader->ReadStrings("word").ok();
    EXPECT_FALSE(same) << i;
  }
  ASSERT_TRUE(WriteFileAtomically(path, good.substr(1)).ok());
  const auto shorter = BundleReader::Open(prefix);
  EXPECT_EQ(shorter.status().code(), absl::StatusCode::kDataLoss);
  EXPECT_NE(shorter.status().message().find("tensor '"), absl::string_view::npos);
  fs::remove(path);
  EXPECT_EQ(BundleReader::Open(prefix).status().code(), absl::StatusCode::kNotFound);
}

// Checkpoints that TensorFlow wrote: read every tensor, then write the same bytes again.
TEST(TensorBundle, RewritesTensorFlowsFilesByteForByte) {
  const char* data = std::getenv("STATOR_TEST_DATA");
  if (data == nullptr || *data == '\0') GTEST_SKIP() << "STATOR_TEST_DATA is not set";
  const std::string out = Folder("rewritten") + "/model";
  int checkpoints = 0, identical = 0;
  for (const auto& file : fs::recursive_directory_iterator(data)) {
    if (file.path().extension() != ".index") continue;
    const std::string prefix = fs::path(file.path()).replace_extension().string();
    const auto reader = BundleReader::Open(prefix);
    ASSERT_TRUE(reader.ok()) << reader.status();
    ASSERT_FALSE(reader->entries().empty()) << prefix;
    auto writer = BundleWriter::Create(out);
    ASSERT_TRUE(writer.ok());
    // The index is sorted, the data lies in the order of writing.
    std::map<std::pair<int64_t, std::string>, const BundleEntryProto*> by_offset;
    for (const auto& [name, entry] : reader->entries()) by_offset[{entry.offset(), name}] = &entry;
    for (const auto& [place, entry] : by_offset) {
      std::vector<int64_t> dims;
      for (const auto& dim : entry->shape().dim()) dims.push_back(dim.size());
      if (entry->dtype() == DT_STRING) {
        const auto values = reader->ReadStrings(place.second);
        ASSERT_TRUE(values.ok()) << values.status();
        ASSERT_TRUE(writer->AddStrings(place.second, dims, *values).ok());
      } else {
        std::string bytes(entry->size(), '\0');
        const absl::Status status =
            reader->Read(place.second, absl::MakeSpan(&bytes[0], bytes.size()));
        ASSERT_TRUE(status.ok()) << status;
        ASSERT_TRUE(writer->Add(place.second, entry->dtype(), dims, bytes).ok());
      }
    }
    ASSERT_TRUE(writer->Finish().ok());
    EXPECT_EQ(Content(out + ".data-00000-of-00001"), Content(prefix + ".data-00000-of-00001"));
    const std::string ours = Content(out + ".index");
    const std::string theirs = Content(prefix + ".index");
    EXPECT_EQ(*ParseSortedTable(out, ours), *ParseSortedTable(prefix, theirs)) << prefix;
    // One of them is from the time when TensorFlow packed the index with Snappy.
    identical += ours == theirs;
    ++checkpoints;
  }
  EXPECT_GE(checkpoints, 10);
  EXPECT_GE(identical, checkpoints - 1);
}

}  // namespace
}  // namespace stator::formats
