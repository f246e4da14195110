#include "graph/tensor_proto.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "google/protobuf/text_format.h"
#include "graph/data_type.h"
#include "proto/serialize.h"

namespace stator::graph {
namespace {

TensorProto Proto(const std::string& text) {
  TensorProto proto;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &proto)) << text;
  return proto;
}

template <typename T>
std::vector<T> Elements(const DenseTensor& tensor) {
  std::vector<T> values(tensor.bytes.size() / sizeof(T));
  std::memcpy(values.data(), tensor.bytes.data(), tensor.bytes.size());
  return values;
}

const char kShape2x3[] = "tensor_shape { dim { size: 2 } dim { size: 3 } } ";

TEST(TensorProtoTest, LastValueRepeats) {
  const auto tensor =
      DecodeTensor(Proto(std::string("dtype: DT_FLOAT float_val: [1, 2.5] ") + kShape2x3));
  ASSERT_TRUE(tensor.ok()) << tensor.status();
  EXPECT_EQ(tensor->shape, (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(Elements<float>(*tensor), (std::vector<float>{1, 2.5, 2.5, 2.5, 2.5, 2.5}));
}

TEST(TensorProtoTest, NoValuesAreZeros) {
  const auto tensor = DecodeTensor(Proto(std::string("dtype: DT_INT64 ") + kShape2x3));
  EXPECT_EQ(Elements<int64_t>(*tensor), std::vector<int64_t>(6, 0));
}

TEST(TensorProtoTest, SmallTypesLieInWideFields) {
  EXPECT_EQ(DecodeTensor(Proto("dtype: DT_HALF half_val: 15360 tensor_shape {}"))->bytes,
            std::string("\x00\x3c", 2));
  EXPECT_EQ(Elements<int8_t>(*DecodeTensor(Proto("dtype: DT_INT8 int_val: -3 tensor_shape {}")))[0],
            -3);
  EXPECT_EQ(DecodeTensor(Proto("dtype: DT_BOOL bool_val: true tensor_shape {}"))->bytes, "\x01");
  EXPECT_EQ(Elements<float>(*DecodeTensor(Proto(
                "dtype: DT_COMPLEX64 scomplex_val: [1, 2] tensor_shape { dim { size: 2 } }"))),
            (std::vector<float>{1, 2, 1, 2}));
}

TEST(TensorProtoTest, ContentIsExact) {
  EXPECT_EQ(
      Elements<int32_t>(*DecodeTensor(Proto("dtype: DT_INT32 tensor_shape { dim { size: 1 } } "
                                            "tensor_content: \"\\001\\002\\000\\000\"")))[0],
      513);
  const auto wrong = DecodeTensor(
      Proto("dtype: DT_INT32 tensor_shape { dim { size: 2 } } tensor_content: \"\\001\""));
  EXPECT_EQ(wrong.status().message(),
            "tensor of int32 [2]: expected 8 bytes in tensor_content, found 1");
}

TEST(TensorProtoTest, Strings) {
  const auto listed = DecodeTensor(
      Proto("dtype: DT_STRING string_val: [\"a\", \"bc\"] tensor_shape { dim { size: 3 } }"));
  EXPECT_EQ(listed->strings, (std::vector<std::string>{"a", "bc", "bc"}));
  const auto packed = DecodeTensor(
      Proto("dtype: DT_STRING tensor_content: \"\\001\\002abc\" tensor_shape { dim { size: 2 } }"));
  ASSERT_TRUE(packed.ok()) << packed.status();
  EXPECT_EQ(packed->strings, (std::vector<std::string>{"a", "bc"}));
  for (const char* bad :
       {"\\001\\003abc", "\\001\\002abcd", "\\377\\377\\377\\377\\017", "\\001"}) {
    EXPECT_FALSE(DecodeTensor(Proto(std::string("dtype: DT_STRING tensor_content: \"") + bad +
                                    "\" tensor_shape { dim { size: 2 } }"))
                     .ok())
        << bad;
  }
}

TEST(TensorProtoTest, HostileShapes) {
  const char splat[] = "dtype: DT_FLOAT float_val: 1 tensor_shape { ";
  EXPECT_EQ(
      DecodeTensor(Proto(std::string(splat) + "dim { size: 1000000000000 } }")).status().code(),
      absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(DecodeTensor(
                Proto(std::string(splat) + "dim { size: 4611686018427387904 } dim { size: 4 } }"))
                .status()
                .code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(DecodeTensor(Proto(std::string(splat) + "dim { size: 4611686018427387904 } }"))
                .status()
                .code(),
            absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(DecodeTensor(Proto(std::string(splat) + "dim { size: -2 } }")).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_FALSE(DecodeTensor(Proto(std::string(splat) + "dim { size: -1 } }")).ok());
  EXPECT_FALSE(DecodeTensor(Proto(std::string(splat) + "unknown_rank: true }")).ok());
  EXPECT_EQ(DecodeTensor(Proto("dtype: DT_STRING string_val: \"x\" tensor_shape { dim { size: "
                               "1000000000000 } }"))
                .status()
                .code(),
            absl::StatusCode::kResourceExhausted);
  DecodeOptions keep;
  keep.keep_splat = true;
  const auto kept = DecodeTensor(Proto(std::string(splat) + "dim { size: 1000000000000 } }"), keep);
  ASSERT_TRUE(kept.ok());
  EXPECT_TRUE(kept->is_splat);
  EXPECT_EQ(kept->bytes.size(), 4u);
  EXPECT_EQ(kept->num_elements(), 1000000000000);
}

TEST(TensorProtoTest, ValuesThatDisagree) {
  EXPECT_FALSE(DecodeTensor(Proto("dtype: DT_FLOAT float_val: [1, 2] tensor_shape {}")).ok());
  EXPECT_FALSE(DecodeTensor(Proto("dtype: DT_INT8 int_val: 128 tensor_shape {}")).ok());
  EXPECT_FALSE(DecodeTensor(Proto("dtype: DT_COMPLEX64 scomplex_val: 1 tensor_shape {}")).ok());
  EXPECT_FALSE(
      DecodeTensor(Proto("dtype: DT_BOOL tensor_content: \"\\002\" tensor_shape {}")).ok());
  EXPECT_FALSE(DecodeTensor(Proto("tensor_shape {}")).ok());
  EXPECT_EQ(DecodeTensor(Proto("dtype: DT_RESOURCE tensor_shape {}")).status().code(),
            absl::StatusCode::kUnimplemented);
}

TEST(TensorProtoTest, EncodesWhatItDecodes) {
  for (int type = 1; type < 40; ++type) {
    DenseTensor tensor;
    tensor.dtype = static_cast<DataType>(type);
    const int size = DataTypeSize(tensor.dtype);
    if (size == 0) continue;
    SCOPED_TRACE(DataTypeName(tensor.dtype));
    for (const int64_t count : {0, 1, 5}) {
      tensor.shape = {count};
      tensor.bytes.clear();
      for (int64_t i = 0; i < count * size; ++i) tensor.bytes.push_back(static_cast<char>(i % 2));
      tensor.is_splat = false;
      const auto proto = EncodeTensor(tensor);
      ASSERT_TRUE(proto.ok()) << proto.status();
      const auto decoded = DecodeTensor(*proto);
      ASSERT_TRUE(decoded.ok()) << decoded.status();
      EXPECT_EQ(decoded->bytes, tensor.bytes);
    }
    tensor.shape = {1000, 1000};
    tensor.bytes = std::string(size, '\1');
    tensor.is_splat = true;
    DecodeOptions keep;
    keep.keep_splat = true;
    const auto decoded = DecodeTensor(*EncodeTensor(tensor), keep);
    ASSERT_TRUE(decoded.ok()) << decoded.status();
    EXPECT_TRUE(decoded->is_splat);
    EXPECT_EQ(decoded->bytes, tensor.bytes);
  }
  DenseTensor wrong;
  wrong.dtype = DT_FLOAT;
  wrong.shape = {2};
  wrong.bytes = "123";
  EXPECT_FALSE(EncodeTensor(wrong).ok());
}

}  // namespace
}  // namespace stator::graph
