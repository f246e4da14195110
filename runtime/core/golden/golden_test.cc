// Bundles that earlier builds wrote: every kept version that this runtime reads gives the bits that
// it gave then, and what it does not read is refused by name. Arguments: the files.
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "executable/image_model.h"
#include "executable/image_view.h"
#include "executable/kernel_frame.h"
#include "gtest/gtest.h"
#include "runtime/core/golden/golden_run.h"

namespace stator::runtime {
namespace {

std::vector<std::string>& Files() {
  static auto* const files = new std::vector<std::string>;
  return *files;
}

std::vector<uint8_t> ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

Tensor FromImage(const Executable& e, const executable::StoredTensor& stored) {
  return *Tensor::FromBytes(stored.dtype, stored.dims, e.Bytes(stored), stored.constant_size);
}

void RunSamples(const std::string& path) {
  const auto loaded = LoadGolden(ReadFile(path));
  ASSERT_TRUE(loaded.ok()) << path << ": " << loaded.status().ToString();
  const executable::ImageModel& model = (*loaded)->model();
  ASSERT_EQ(model.samples.size(), model.entry_points.size()) << path;
  for (const executable::Sample& sample : model.samples) {
    const std::string where = path + ", entry " + model.entry_points[sample.entry].name;
    std::vector<Tensor> feeds;
    for (const auto& input : sample.inputs) feeds.push_back(FromImage(**loaded, input));
    const auto fetched = RunFromTheStart(*loaded, sample.entry, feeds);
    ASSERT_TRUE(fetched.ok()) << where << ": " << fetched.status().ToString();
    for (size_t i = 0; i < fetched->size(); ++i) {
      const Tensor expected = FromImage(**loaded, sample.outputs[i]);
      const Tensor& found = (*fetched)[i];
      EXPECT_EQ(found.TypeToString(), expected.TypeToString()) << where;
      ASSERT_EQ(found.bytes(), expected.bytes()) << where;
      EXPECT_EQ(std::memcmp(found.raw(), expected.raw(), static_cast<size_t>(found.bytes())), 0)
          << where << ", " << sample.outputs[i].name;
    }
  }
}

TEST(Golden, KeptBundlesGiveTheirBits) {
  int current = 0;
  for (const std::string& path : Files()) {
    const std::vector<uint8_t> bytes = ReadFile(path);
    uint32_t version = 0;
    ASSERT_GE(bytes.size(), sizeof(executable::ImageHeader)) << path;
    std::memcpy(&version, bytes.data() + offsetof(executable::ImageHeader, version), 4);
    EXPECT_NE(path.find("/v" + std::to_string(version) + "_"), std::string::npos) << path;
    if (version == executable::kImageVersion) {
      ++current;
      RunSamples(path);
    } else {
      const auto refused = LoadGolden(bytes);
      ASSERT_FALSE(refused.ok()) << path;
      EXPECT_NE(refused.status().message().find("version " + std::to_string(version)),
                std::string::npos)
          << refused.status().ToString();
    }
  }
  EXPECT_GE(current, 3) << "write_golden writes those of a new version";
}

// What code in kept bundles was compiled for. A change here needs a new STATOR_KERNEL_ABI_VERSION.
TEST(Golden, TheKernelInterfaceIsThatOfItsVersion) {
  static_assert(STATOR_KERNEL_ABI_VERSION == 1, "write down the layout of the new version here");
  EXPECT_EQ(sizeof(executable::Frame), 48u);
  EXPECT_EQ(offsetof(executable::Frame, buffers), 0u);
  EXPECT_EQ(offsetof(executable::Frame, scalars), 8u);
  EXPECT_EQ(offsetof(executable::Frame, scratch), 16u);
  EXPECT_EQ(offsetof(executable::Frame, scratch_stride), 24u);
  EXPECT_EQ(offsetof(executable::Frame, error), 32u);
  EXPECT_EQ(offsetof(executable::Frame, helpers), 40u);
  EXPECT_EQ(sizeof(executable::ErrorSlot), 16u);
  EXPECT_EQ(offsetof(executable::ErrorSlot, check), 4u);
  EXPECT_EQ(offsetof(executable::ErrorSlot, index), 8u);
  EXPECT_EQ(offsetof(executable::Helpers, version), 0u);
  EXPECT_EQ(offsetof(executable::Helpers, size), 4u);
  EXPECT_EQ(offsetof(executable::Helpers, run), 8u);
  EXPECT_EQ(offsetof(executable::Helpers, poll), 16u);
  EXPECT_GE(sizeof(executable::Helpers), 24u);  // functions may be appended
}

// Numbers of a plan that the schema does not name.
TEST(Golden, NumbersKeepTheirMeaning) {
  using namespace executable;  // NOLINT: nothing else is meant here
  static_assert(kImageVersion == 2, "write down the numbers of the new version here");
  EXPECT_EQ(static_cast<int>(SymbolLife::kLoop), 2);
  EXPECT_EQ(static_cast<int>(ExprKind::kAdd), 3);
  EXPECT_EQ(static_cast<int>(ExprKind::kMax), 9);
  EXPECT_EQ(static_cast<int>(BufferKind::kArena), 0);
  EXPECT_EQ(static_cast<int>(BufferKind::kPersistent), 7);
  EXPECT_EQ(static_cast<int>(Access::kReadWrite), 2);
  EXPECT_EQ(static_cast<int>(ListAction::kPop), 2);
  EXPECT_EQ(static_cast<int>(Relation::kDivides), 2);
  EXPECT_EQ(static_cast<int>(DType::kFloat32), 1);
  EXPECT_EQ(static_cast<int>(DType::kString), 7);
  EXPECT_EQ(static_cast<int>(DType::kFloat16), 19);
  EXPECT_EQ(static_cast<int>(Code::kDataLoss), 15);
  EXPECT_EQ(sizeof(ImageHeader), 128u);
  EXPECT_EQ(sizeof(VariantHeader), 48u);
  EXPECT_EQ(HashBytes("stator", 6), 2994961951258851674u);
}

}  // namespace
}  // namespace stator::runtime

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  stator::runtime::Files().assign(argv + 1, argv + argc);
  return RUN_ALL_TESTS();
}
