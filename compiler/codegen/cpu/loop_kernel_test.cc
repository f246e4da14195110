#include <cmath>
#include <random>

#include "compiler/codegen/cpu/expect_result.h"
#include "compiler/codegen/cpu/testing.h"
#include "gtest/gtest.h"

namespace stator::compiler {
namespace {

using core::CoreBuilder;
using mlir::Value;
using mlir::ValueRange;

std::vector<float> Random(int64_t count, int seed = 1) {
  std::mt19937 generator(seed);
  std::vector<float> values(count);
  for (float& value : values) value = static_cast<int>(generator() % 2001 - 1000) / 64.0f;
  return values;
}

template <typename T>
std::vector<T> Numbers(int64_t count) {
  std::vector<T> values(count);
  for (int64_t i = 0; i < count; ++i) values[i] = static_cast<T>(i * 7 - 50);
  return values;
}

TEST(LoopKernel, ElementwiseOfAnySize) {
  TestFusion fusion;
  fusion.Create("loop", {"f32[n]", "f32[n]"}, [](CoreBuilder& b, ValueRange args) {
    return std::vector<Value>{b.Sub(b.Mul(args[0], args[1]), b.Neg(args[0]))};
  });
  for (int64_t n : {0, 1, 5, 16, 31, 64, 1000, 8192, 20001}) {
    std::vector<float> x = Random(n, 1), y = Random(n, 2), expected(n);
    for (int64_t i = 0; i < n; ++i) expected[i] = x[i] * y[i] + x[i];
    ExpectResult(fusion, {{"n", n}}, {HostArray::Of({n}, x), HostArray::Of({n}, y)}, expected);
  }
}

TEST(LoopKernel, BroadcastsRowsAndColumns) {
  TestFusion fusion;
  fusion.Create("loop", {"f32[m, n]", "f32[n]", "f32[m, 1]"}, [](CoreBuilder& b, ValueRange args) {
    return std::vector<Value>{b.Add(b.Mul(args[0], args[1]), args[2])};
  });
  for (auto [m, n] : {std::pair<int64_t, int64_t>{3, 17}, {0, 4}, {5, 0}, {1, 1}, {2, 9000}}) {
    std::vector<float> x = Random(m * n, 1), row = Random(n, 2), column = Random(m, 3);
    std::vector<float> expected(m * n);
    for (int64_t i = 0; i < m * n; ++i) expected[i] = x[i] * row[i % n] + column[i / n];
    ExpectResult(
        fusion, {{"m", m}, {"n", n}},
        {HostArray::Of({m, n}, x), HostArray::Of({n}, row), HostArray::Of({m, 1}, column)},
        expected);
  }
}

TEST(LoopKernel, TransposesReshapesAndSlices) {
  TestFusion fusion;
  fusion.Create("loop", {"f32[b, 6, 5]"}, [](CoreBuilder& b, ValueRange args) {
    Value t = b.Transpose(args[0], {2, 0, 1});  // 5, b, 6
    Value s = b.SliceDim(t, 0, b.Dim(1), b.Dim(5), 2);  // 2, b, 6
    return std::vector<Value>{b.Reshape(s, {core::DimsOf(args[0])[0] * 4, b.Dim(3)})};
  });
  for (int64_t n : {0, 1, 7}) {
    std::vector<float> x = Random(n * 30), expected;
    for (int64_t i : {1, 3}) {
      for (int64_t j = 0; j < n; ++j) {
        for (int64_t k = 0; k < 6; ++k) expected.push_back(x[(j * 6 + k) * 5 + i]);
      }
    }
    ExpectResult(fusion, {{"b", n}}, {HostArray::Of({n, 6, 5}, x)}, expected);
  }
}

TEST(LoopKernel, PadsWithInteriorAndNegativeEdges) {
  TestFusion fusion;
  fusion.Create("loop", {"f32[h, w]", "f32[]"}, [](CoreBuilder& b, ValueRange args) {
    return std::vector<Value>{
        b.Pad(args[0], args[1], {b.Dim(2), b.Dim(-1)}, {b.Dim(-1), b.Dim(3)}, {0, 1})};
  });
  for (auto [h, w] : {std::pair<int64_t, int64_t>{4, 40}, {1, 1}, {3, 7}}) {
    std::vector<float> x = Random(h * w), expected;
    for (int64_t i = -2; i < h - 1; ++i) {
      for (int64_t j = 1; j < 2 * w - 1 + 3; ++j) {
        const bool inside = i >= 0 && j % 2 == 0 && j / 2 < w;
        expected.push_back(inside ? x[i * w + j / 2] : 7.5f);
      }
    }
    ExpectResult<float>(fusion, {{"h", h}, {"w", w}},
                        {HostArray::Of({h, w}, x), HostArray::Of<float>({}, {7.5f})}, expected);
  }
}

TEST(LoopKernel, ConcatenatesAndReverses) {
  TestFusion fusion;
  fusion.Create("loop", {"i32[m]", "i32[n]", "i32[3]"}, [](CoreBuilder& b, ValueRange args) {
    return std::vector<Value>{
        b.Concatenate({args[0], b.Reverse(args[1], {0}), args[2]}, 0)};
  });
  for (auto [m, n] : {std::pair<int64_t, int64_t>{5, 30}, {0, 0}, {40, 1}, {16, 0}}) {
    std::vector<int32_t> x = Numbers<int32_t>(m), y = Numbers<int32_t>(n), z = {7, 8, 9};
    std::vector<int32_t> expected = x;
    expected.insert(expected.end(), y.rbegin(), y.rend());
    expected.insert(expected.end(), z.begin(), z.end());
    ExpectResult(fusion, {{"m", m}, {"n", n}},
                 {HostArray::Of({m}, x), HostArray::Of({n}, y), HostArray::Of({3}, z)}, expected);
  }
}

TEST(LoopKernel, IotaConstantsAndDimensions) {
  TestFusion fusion;
  fusion.Create("loop", {"i64[n]"}, [](CoreBuilder& b, ValueRange args) {
    core::DimExpr n = core::DimsOf(args[0])[0];
    mlir::Type i64 = core::ElementTypeOf(args[0]);
    Value iota = b.Iota(i64, {n, b.Dim(3)}, 0);
    Value table = b.VectorInt(i64, {100, 200, 400});
    Value sizes = b.DimVector({n, b.Dim(5), n * 2}, i64);
    return std::vector<Value>{b.Add(b.Add(iota, table), sizes)};
  });
  for (int64_t n : {0, 1, 11}) {
    std::vector<int64_t> expected;
    for (int64_t i = 0; i < n; ++i) {
      expected.push_back(i + 100 + n);
      expected.push_back(i + 205);
      expected.push_back(i + 400 + 2 * n);
    }
    ExpectResult(fusion, {{"n", n}}, {HostArray::Of({n}, Numbers<int64_t>(n))}, expected);
  }
}

TEST(LoopKernel, IntegerDivisionNeverTraps) {
  TestFusion fusion;
  fusion.Create("loop", {"i32[n]", "i32[n]"}, [](CoreBuilder& b, ValueRange args) {
    return std::vector<Value>{b.Div(args[0], args[1]), b.Rem(args[0], args[1]),
                              b.Pow(args[0], args[1])};
  });
  const int32_t smallest = INT32_MIN;
  std::vector<int32_t> x = {7, -7, 7, smallest, 0, smallest, 2, -1, 3, -1, 1};
  std::vector<int32_t> y = {2, 2, 0, -1, 0, 0, 10, -3, -1, -2, -9};
  std::vector<int32_t> quotient = {3, -3, -1, smallest, -1, -1, 0, 0, -3, 0, 0};
  std::vector<int32_t> rest = {1, -1, 7, 0, 0, smallest, 2, -1, 0, -1, 1};
  std::vector<int32_t> power = {49, 49, 1, 0, 1, 1, 1024, -1, 0, 1, 1};
  const int64_t n = static_cast<int64_t>(x.size());
  std::vector<HostArray> operands = {HostArray::Of({n}, x), HostArray::Of({n}, y)};
  ExpectResult(fusion, {{"n", n}}, operands, quotient, 0);
  ExpectResult(fusion, {{"n", n}}, operands, rest, 1);
  ExpectResult(fusion, {{"n", n}}, operands, power, 2);
}

TEST(LoopKernel, ConvertsAndCompares) {
  TestFusion fusion;
  fusion.Create("loop", {"f32[n]"}, [](CoreBuilder& b, ValueRange args) {
    mlir::Builder types(b.context());
    Value positive = b.Gt(args[0], b.SplatLike(args[0], 0));
    Value i8 = b.Convert(args[0], types.getIntegerType(8));
    Value half = b.Convert(b.Convert(args[0], types.getF16Type()), types.getF32Type());
    Value brain = b.Convert(args[0], types.getBF16Type());
    return std::vector<Value>{positive, i8, half, b.Convert(b.Add(brain, brain), types.getF32Type()),
                              b.Select(positive, args[0], b.Neg(args[0]))};
  });
  std::vector<float> x = {1.5f, -2.75f, 300.0f, -129.5f, NAN, 0.0f, INFINITY, 1.00390625f, 3.1415927f};
  while (x.size() < 37) x.push_back(x.size() * 0.37f);
  const int64_t n = static_cast<int64_t>(x.size());
  std::vector<uint8_t> positive;
  std::vector<int8_t> bytes;
  std::vector<float> half, brain, magnitude;
  for (float v : x) {
    positive.push_back(v > 0);
    bytes.push_back(std::isnan(v) ? 0 : v > 127 ? 127 : v < -128 ? -128 : static_cast<int8_t>(v));
    half.push_back(static_cast<float>(static_cast<_Float16>(v)));
    uint32_t bits;
    std::memcpy(&bits, &v, 4);
    if (!std::isnan(v)) bits = (bits + 0x7fff + (bits >> 16 & 1)) & 0xffff0000;
    else bits = 0x7fc00000;
    float rounded;
    std::memcpy(&rounded, &bits, 4);
    brain.push_back(rounded + rounded);
    magnitude.push_back(v > 0 ? v : -v);
  }
  std::vector<HostArray> operands = {HostArray::Of({n}, x)};
  ExpectResult(fusion, {{"n", n}}, operands, positive, 0);
  ExpectResult(fusion, {{"n", n}}, operands, bytes, 1);
  ExpectResult(fusion, {{"n", n}}, operands, half, 2);
  ExpectResult(fusion, {{"n", n}}, operands, brain, 3);
  ExpectResult(fusion, {{"n", n}}, operands, magnitude, 4);
}

// 2^60 + 2^36 + 1 lies just above the middle of two floats, but its double on it.
TEST(LoopKernel, ConvertsInt64WithOneRounding) {
  TestFusion fusion;
  fusion.Create("loop", {"i64[n]", "ui64[n]"}, [](CoreBuilder& b, ValueRange args) {
    mlir::Type f32 = b.builder().getF32Type();
    return std::vector<Value>{b.Convert(args[0], f32), b.Convert(args[1], f32)};
  });
  const int64_t n = 3 * 41;
  std::vector<int64_t> x;
  std::vector<uint64_t> y;
  std::vector<float> of_signed, of_unsigned;
  for (int bit = 20; bit <= 60; ++bit) {
    for (int64_t step : {-1, 0, 1}) {
      const int64_t middle = (int64_t{1} << bit) + (bit < 24 ? 0 : int64_t{1} << (bit - 24));
      x.push_back(bit % 2 == 0 ? middle + step : -middle - step);
      y.push_back(static_cast<uint64_t>(middle + step) + (bit == 60 ? uint64_t{1} << 63 : 0));
      of_signed.push_back(static_cast<float>(x.back()));
      of_unsigned.push_back(static_cast<float>(y.back()));
    }
  }
  const std::vector<HostArray> operands = {HostArray::Of({n}, x), HostArray::Of({n}, y)};
  ExpectResult(fusion, {{"n", n}}, operands, of_signed, 0);
  ExpectResult(fusion, {{"n", n}}, operands, of_unsigned, 1);
}

TEST(LoopKernel, GathersAndDynamicSlices) {
  TestFusion fusion;
  fusion.Create("loop", {"f32[v, h]", "i32[n]", "i64[]"}, [](CoreBuilder& b, ValueRange args) {
    Value rows = b.Gather(args[0], args[1], 0, 0);  // n, h
    core::DimExpr n = core::DimsOf(args[1])[0];
    Value zero = b.ScalarInt(core::ElementTypeOf(args[2]), 0);
    Value block = b.DynamicSlice(rows, {zero, args[2]}, {n, b.Dim(2)});
    return std::vector<Value>{rows, b.DynamicUpdateSlice(rows, b.Neg(block), {args[2], zero})};
  });
  for (auto [v, h, n] : {std::tuple<int64_t, int64_t, int64_t>{5, 20, 7}, {1, 3, 2}, {4, 2, 1}}) {
    for (int64_t start : {-3, 1, 50}) {
      std::vector<float> x = Random(v * h), rows, updated;
      std::vector<int32_t> chosen;
      for (int64_t i = 0; i < n; ++i) chosen.push_back(static_cast<int32_t>(i * 3 - 4));
      for (int64_t i = 0; i < n; ++i) {
        const int64_t row = std::clamp<int64_t>(chosen[i], 0, v - 1);
        for (int64_t j = 0; j < h; ++j) rows.push_back(x[row * h + j]);
      }
      const int64_t column = std::clamp<int64_t>(start, 0, h - 2);
      updated = rows;  // the block has n rows, so its row start is 0; columns 0 and 1 are replaced
      for (int64_t i = 0; i < n; ++i) {
        for (int64_t j = 0; j < 2; ++j) updated[i * h + j] = -rows[i * h + column + j];
      }
      std::vector<HostArray> operands = {HostArray::Of({v, h}, x), HostArray::Of({n}, chosen),
                                         HostArray::Of<int64_t>({}, {start})};
      const std::map<std::string, int64_t> symbols = {{"v", v}, {"h", h}, {"n", n}};
      ExpectResult(fusion, symbols, operands, rows, 0);
      ExpectResult(fusion, symbols, operands, updated, 1);
    }
  }
}

}  // namespace
}  // namespace stator::compiler
