#include "data/array_file.h"

#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "formats/idx.h"
#include "formats/npy.h"

namespace stator::data {
namespace {

using runtime::DType;
using runtime::Tensor;

std::string InFolder(const std::string& name) { return std::string(testing::TempDir()) + name; }

TEST(ReadArrayFile, TakesNpyAndIdx) {
  const float values[] = {1, 2, 3, 4};
  ASSERT_TRUE(formats::WriteNpy(InFolder("a.npy"), DT_FLOAT, {2, 2},
                                absl::string_view(reinterpret_cast<const char*>(values), 16))
                  .ok());
  auto array = ReadArrayFile(InFolder("a.npy"));
  ASSERT_TRUE(array.ok()) << array.status();
  EXPECT_EQ(array->TypeToString(), "float[2, 2]");
  EXPECT_EQ(array->data<float>()[3], 4);
  ASSERT_TRUE(formats::WriteIdx(InFolder("b"), {{3}, {7, 8, 9}}).ok());
  array = ReadArrayFile(InFolder("b"));
  ASSERT_TRUE(array.ok()) << array.status();
  EXPECT_EQ(array->TypeToString(), "uint8[3]");
  EXPECT_EQ(array->data<uint8_t>()[2], 9);
}

TEST(ReadArrayFile, NamesTheFile) {
  EXPECT_TRUE(absl::IsNotFound(ReadArrayFile(InFolder("none")).status()));
  std::ofstream(InFolder("text")) << "hello";
  const absl::Status status = ReadArrayFile(InFolder("text")).status();
  EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
  EXPECT_NE(status.message().find(InFolder("text") + ": expected a .npy or IDX file"),
            absl::string_view::npos);
}

TEST(Widen, KeepsValuesOrRefuses) {
  const Tensor bytes = Tensor::Of<uint8_t>({2}, {0, 255});
  const auto numbers = Widen(bytes, DType::kFloat32);
  ASSERT_TRUE(numbers.ok());
  EXPECT_EQ(numbers->data<float>()[1], 255.0f);
  EXPECT_EQ(Widen(bytes, DType::kInt32)->data<int32_t>()[1], 255);
  EXPECT_TRUE(CanWiden(DType::kInt32, DType::kFloat64));
  EXPECT_TRUE(CanWiden(DType::kString, DType::kString));
  for (const auto& [from, to] :
       {std::pair(DType::kInt32, DType::kFloat32), std::pair(DType::kInt64, DType::kInt32),
        std::pair(DType::kInt8, DType::kUInt32), std::pair(DType::kFloat32, DType::kInt64)}) {
    EXPECT_FALSE(CanWiden(from, to));
  }
  EXPECT_FALSE(Widen(Tensor::Of<int32_t>({1}, {1}), DType::kFloat32).ok());
}

}  // namespace
}  // namespace stator::data
