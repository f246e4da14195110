#include "formats/npy.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>

#include "formats/file.h"
#include "graph/data_type.h"

namespace stator::formats {
namespace {

std::string Version1(const std::string& header, const std::string& bytes) {
  std::string file("\x93NUMPY\x01\x00", 8);
  file.push_back(static_cast<char>(header.size()));
  file.push_back(static_cast<char>(header.size() >> 8));
  return file + header + bytes;
}

TEST(Npy, RoundTripsEveryType) {
  const std::string path = testing::TempDir() + "/all.npy";
  for (const DataType dtype :
       {DT_BOOL, DT_INT8, DT_INT16, DT_INT32, DT_INT64, DT_UINT8, DT_UINT16, DT_UINT32, DT_UINT64,
        DT_HALF, DT_BFLOAT16, DT_FLOAT, DT_DOUBLE, DT_COMPLEX64, DT_COMPLEX128}) {
    for (const std::vector<int64_t>& dims :
         std::vector<std::vector<int64_t>>{{}, {3}, {2, 3}, {0, 5}, {2, 1, 2, 2}}) {
      size_t size = graph::DataTypeSize(dtype);
      for (const int64_t dim : dims) size *= dim;
      std::string bytes;
      for (size_t i = 0; i < size; ++i) bytes.push_back(static_cast<char>(i * 31 + 1));
      ASSERT_TRUE(WriteNpy(path, dtype, dims, bytes).ok());
      const auto read = ReadNpy(path);
      ASSERT_TRUE(read.ok()) << read.status();
      EXPECT_EQ(read->dtype, dtype);
      EXPECT_EQ(read->dims, dims);
      EXPECT_EQ(read->bytes, bytes);
    }
  }
}

// What numpy.save writes for numpy.arange(6, dtype="<i2").reshape(2, 3), byte for byte.
TEST(Npy, WritesNumPysBytes) {
  const std::string bytes("\0\0\1\0\2\0\3\0\4\0\5\0", 12);
  std::string header = "{'descr': '<i2', 'fortran_order': False, 'shape': (2, 3), }";
  header.resize(117, ' ');
  header.push_back('\n');
  const auto file = SerializeNpy(DT_INT16, {2, 3}, bytes);
  ASSERT_TRUE(file.ok());
  EXPECT_EQ(*file, Version1(header, bytes));
}

TEST(Npy, TurnsOtherOrdersIntoOurs) {
  const std::string rows("\0\0\1\0\2\0\3\0\4\0\5\0", 12);
  const std::string big = Version1("{'descr': '>i2', 'fortran_order': False, 'shape': (2, 3)}",
                                   std::string("\0\0\0\1\0\2\0\3\0\4\0\5", 12));
  EXPECT_EQ(ParseNpy("big", big)->bytes, rows);
  const std::string columns = Version1("{'shape': (2, 3), 'fortran_order': True, 'descr': '<i2'}",
                                       std::string("\0\0\3\0\1\0\4\0\2\0\5\0", 12));
  EXPECT_EQ(ParseNpy("columns", columns)->bytes, rows);
  std::string version2 = columns;
  version2[6] = 2;
  version2.insert(10, std::string(2, '\0'));
  EXPECT_EQ(ParseNpy("version 2", version2)->bytes, rows);
}

TEST(Npy, RefusesWhatIsNotThere) {
  const std::string good = *SerializeNpy(DT_FLOAT, {2, 3}, std::string(24, 'x'));
  for (size_t n = 0; n < good.size(); ++n) {
    const auto parsed = ParseNpy("short.npy", absl::string_view(good).substr(0, n));
    ASSERT_FALSE(parsed.ok()) << n;
    EXPECT_NE(parsed.status().message().find("short.npy: offset"), absl::string_view::npos);
  }
  EXPECT_FALSE(ParseNpy("long", good + "x").ok());
  const auto code = [](const std::string& header) {
    return ParseNpy("bad", Version1(header, "1234")).status().code();
  };
  EXPECT_EQ(code("{'descr': '<f4', 'fortran_order': False, 'shape': ()}"), absl::StatusCode::kOk);
  for (const char* header :
       {"{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 8)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387905,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}",
        "{'descr': '<f4', 'fortran_order': 1, 'shape': ()}", "{'descr': '<f4'}", "{", "",
        "{'descr': '<f4, 'fortran_order': False, 'shape': ()}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (), 'x': True}"}) {
    EXPECT_EQ(code(header), absl::StatusCode::kDataLoss) << header;
  }
  for (const char* descr : {"|O", "<U4", "<M8", "", "f4", "?f4"}) {
    EXPECT_EQ(code("{'descr': '" + std::string(descr) + "', 'fortran_order': False, 'shape': ()}"),
              absl::StatusCode::kUnimplemented)
        << descr;
  }
  EXPECT_FALSE(SerializeNpy(DT_FLOAT, {2}, "abc").ok());
  EXPECT_FALSE(SerializeNpy(DT_STRING, {}, "").ok());
}

TEST(Npy, ReadsRealFiles) {
  const char* data = std::getenv("STATOR_TEST_DATA");
  if (data == nullptr || *data == '\0') GTEST_SKIP() << "STATOR_TEST_DATA is not set";
  const std::string folder = std::string(data) + "/tf_cifar_small/golden/";
  const auto input = ReadNpy(folder + "input_4x32x32x3.npy");
  ASSERT_TRUE(input.ok()) << input.status();
  EXPECT_EQ(input->dtype, DT_FLOAT);
  EXPECT_EQ(input->dims, (std::vector<int64_t>{4, 32, 32, 3}));
  double sum = 0;  // NumPy's sum of the same file
  for (size_t i = 0; i < input->bytes.size(); i += 4) {
    float value;
    std::memcpy(&value, input->bytes.data() + i, 4);
    sum += value;
  }
  EXPECT_NEAR(sum, 6144.000122062862, 1e-6);
}

}  // namespace
}  // namespace stator::formats
