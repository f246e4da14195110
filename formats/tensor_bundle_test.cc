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

TEST(TensorSlice, KeysAreTensorFlows) {
  // Tensor `w`, rows [0, 2), all columns.
  EXPECT_EQ(SliceKey("w", {{0, 2}, {}}), std::string("\0w\0\x01\x01\x02\x80\x82\x80\x7f", 10));
  // The order of the keys is the order of the starts, across every width of a number.
  std::string last;
  for (const int64_t start :
       {int64_t{0}, int64_t{1}, int64_t{63}, int64_t{64}, int64_t{8191}, int64_t{8192},
        int64_t{1} << 20, (int64_t{1} << 34) - 1, int64_t{1} << 34, int64_t{1} << 55,
        (int64_t{1} << 62) - 1, int64_t{1} << 62, INT64_MAX}) {
    const std::string key = SliceKey("w", {{start, 1}});
    EXPECT_LT(last, key) << start;
    last = key;
  }
  EXPECT_EQ(SliceKey("w", {{64, 1}}), std::string("\0w\0\x01\x01\x01\xc0\x40\x81", 9));
}

TEST(TensorSlice, ParsesShapeAndSlice) {
  const auto parsed = ParseShapeAndSlice("4 5 0,2:-");
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(parsed->dims, (std::vector<int64_t>{4, 5}));
  EXPECT_EQ(parsed->slice, (TensorSlice{{0, 2}, {}}));
  EXPECT_TRUE(ParseShapeAndSlice("")->whole);
  for (const char* bad : {"4 5", "4 5 0,2", "4 5 0,2:-:-", "4 5 3,2:-", "4 5 -1,2:-", "4 5 0,0:-",
                          "x 5 0,2:-", "4 5 0,9223372036854775807:-", " ", "4  5 -:-"}) {
    EXPECT_FALSE(ParseShapeAndSlice(bad).ok()) << bad;
  }
}

TEST(TensorBundle, SlicedTensorsReadWholeAndInParts) {
  const std::string prefix = Folder("sliced") + "/model";
  // A 3x4 tensor of 0 to 11: the upper two rows in two parts, the last row in one.
  auto writer = BundleWriter::Create(prefix);
  ASSERT_TRUE(writer.ok());
  ASSERT_TRUE(writer->AddSlice("w", DT_FLOAT, {3, 4}, {{0, 2}, {0, 1}}, Floats({0, 4})).ok());
  ASSERT_TRUE(writer->AddSlice("w", DT_FLOAT, {3, 4}, {{2, 1}, {}}, Floats({8, 9, 10, 11})).ok());
  ASSERT_TRUE(
      writer->AddSlice("w", DT_FLOAT, {3, 4}, {{0, 2}, {1, 3}}, Floats({1, 2, 3, 5, 6, 7})).ok());
  ASSERT_TRUE(writer->AddSlice("v", DT_FLOAT, {2}, {{0, 2}}, Floats({1, 2})).ok());  // the whole
  EXPECT_FALSE(writer->AddSlice("w", DT_FLOAT, {3, 5}, {{0, 1}, {}}, Floats({1, 2, 3, 4, 5})).ok());
  EXPECT_FALSE(writer->AddSlice("v", DT_FLOAT, {2}, {{0, 1}}, Floats({1})).ok());
  ASSERT_TRUE(writer->Finish().ok());

  const auto reader = BundleReader::Open(prefix);
  ASSERT_TRUE(reader.ok()) << reader.status();
  EXPECT_EQ(reader->entries().size(), 2u);
  EXPECT_TRUE(reader->VerifyAll().ok());
  std::string all(48, '\0'), part(16, '\0');
  ASSERT_TRUE(reader->Read("w", absl::MakeSpan(&all[0], all.size())).ok());
  EXPECT_EQ(all, Floats({0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}));
  ASSERT_TRUE(reader->ReadSlice("w", {{1, 2}, {0, 2}}, absl::MakeSpan(&part[0], 16)).ok());
  EXPECT_EQ(part, Floats({4, 5, 8, 9}));
  EXPECT_EQ(ReadAll(*reader, "v"), Floats({1, 2}));
  std::string one(4, '\0');
  ASSERT_TRUE(reader->ReadSlice("v", {{1, 1}}, absl::MakeSpan(&one[0], 4)).ok());
  EXPECT_EQ(one, Floats({2}));
  EXPECT_FALSE(reader->ReadSlice("w", {{1, 3}, {}}, absl::MakeSpan(&all[0], 48)).ok());
}

TEST(TensorBundle, SlicesThatDoNotCoverAreRefused) {
  const auto open = [](const std::vector<TensorSlice>& slices) {
    const std::string prefix = Folder("uncovered") + "/model";
    auto writer = BundleWriter::Create(prefix);
    for (const TensorSlice& slice : slices) {
      EXPECT_TRUE(writer->AddSlice("w", DT_FLOAT, {4}, slice, Floats({1, 2})).ok());
    }
    EXPECT_TRUE(writer->Finish().ok());
    const auto reader = BundleReader::Open(prefix);
    if (!reader.ok()) return reader.status();
    std::string all(16, '\0');
    return reader->Read("w", absl::MakeSpan(&all[0], all.size()));
  };
  EXPECT_TRUE(open({{{0, 2}}, {{2, 2}}}).ok());
  EXPECT_EQ(open({{{0, 2}}}).code(), absl::StatusCode::kDataLoss);
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
