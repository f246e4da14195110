// Movement of elements: each primitive over element types and sizes.

#include <gtest/gtest.h>

#include <numeric>
#include <ostream>

#include "tests/program/core_program.h"

namespace stator::tests {
namespace {

using core::DimExpr;
using core::DimsOf;
using mlir::Value;

const std::vector<Sizes> kSizes = {
    {{"b", 3}, {"n", 32}}, {{"b", 1}, {"n", 257}}, {{"b", 257}, {"n", 5}}, {{"b", 0}, {"n", 4}}};

struct Case {
  const char* name;
  std::vector<std::vector<std::string>> feeds;  // of the type under test
  std::function<Values(CoreBuilder&, mlir::ValueRange)> build;
  std::vector<Feed> more = {};  // further feeds, of fixed type
};
void PrintTo(const Case& c, std::ostream* os) { *os << c.name; }

Value Index(CoreBuilder& b, int64_t value) { return b.ScalarInt(b.builder().getI32Type(), value); }

std::vector<Case> MovementCases() {
  return {
      {"BroadcastRow",
       {{"n"}},
       [](CoreBuilder& b, mlir::ValueRange x) {
         return Values{b.BroadcastInDim(x[0], {1}, {b.Dim(7), DimsOf(x[0])[0]})};
       }},
      {"BroadcastColumn",
       {{"n", "1"}},
       [](CoreBuilder& b, mlir::ValueRange x) {
         return Values{b.BroadcastInDim(x[0], {0, 1}, {DimsOf(x[0])[0], b.Dim(19)})};
       }},
      {"BroadcastScalar",
       {{}},
       [](CoreBuilder& b, mlir::ValueRange x) {
         return Values{b.BroadcastInDim(x[0], {}, {b.Dim(5), b.Dim(67)})};
       }},
      {"ReshapeFlat",
       {{"b", "n", "2"}},
       [](CoreBuilder& b, mlir::ValueRange x) {
         core::Dims d = DimsOf(x[0]);
         return Values{b.Reshape(b.Neg(x[0]), {d[0] * d[1] * 2}),
                       b.Reshape(x[0], {d[1], d[0] * 2})};
       }},
      {"TransposeMatrix",
       {{"b", "n"}},
       [](CoreBuilder& b, mlir::ValueRange x) {
         return Values{b.Transpose(x[0], {1, 0})};
       }},
      {"TransposeInner",
       {{"b", "n", "4"}},
       [](CoreBuilder& b, mlir::ValueRange x) {
         return Values{b.Transpose(x[0], {0, 2, 1})};
       }},
      {"TransposeAll",
       {{"3", "b", "2", "n"}},
       [](CoreBuilder& b, mlir::ValueRange x) {
         return Values{b.Transpose(x[0], {3, 1, 0, 2})};
       }},
      {"TransposeFused",
       {{"b", "n"}, {"n", "b"}},
       [](CoreBuilder& b, mlir::ValueRange x) {
         return Values{b.Add(b.Transpose(x[0], {1, 0}), x[1])};
       }},
      {"SliceRows",
       {{"b", "n"}},
       [](CoreBuilder& b, mlir::ValueRange x) {
         core::Dims d = DimsOf(x[0]);
         return Values{b.SliceDim(x[0], 1, b.Dim(1), d[1] - 1)};
       }},
      {"SliceStrided",
       {{"b", "n", "9"}},
       [](CoreBuilder& b, mlir::ValueRange x) {
         core::Dims d = DimsOf(x[0]);
         return Values{
             b.Slice(x[0], {b.Dim(0), b.Dim(2), b.Dim(1)}, {d[0], d[1], b.Dim(9)}, {1, 2, 3})};
       }},
      {"PadAround",
       {{"b", "n"}, {}},
       [](CoreBuilder& b, mlir::ValueRange x) {
         return Values{b.Pad(x[0], x[1], {b.Dim(1), b.Dim(3)}, {b.Dim(2), b.Dim(0)}, {0, 0})};
       }},
      {"PadInterior",
       {{"b", "n"}, {}},
       [](CoreBuilder& b, mlir::ValueRange x) {
         return Values{b.Pad(x[0], x[1], {b.Dim(0), b.Dim(1)}, {b.Dim(1), b.Dim(2)}, {1, 2})};
       }},
      {"PadNegative",
       {{"b", "n"}, {}},
       [](CoreBuilder& b, mlir::ValueRange x) {
         return Values{b.Pad(x[0], x[1], {b.Dim(2), b.Dim(-1)}, {b.Dim(0), b.Dim(-2)}, {0, 0})};
       }},
      {"ConcatenateRows",
       {{"b", "n"}, {"2", "n"}, {"b", "n"}},
       [](CoreBuilder& b, mlir::ValueRange x) {
         return Values{b.Concatenate({x[0], x[1], x[2]}, 0)};
       }},
      {"ConcatenateInner",
       {{"b", "n"}, {"b", "3"}, {"b", "n"}},
       [](CoreBuilder& b, mlir::ValueRange x) {
         return Values{b.Concatenate({x[0], b.Neg(x[1]), x[2]}, 1)};
       }},
      {"ReverseBoth",
       {{"b", "n"}},
       [](CoreBuilder& b, mlir::ValueRange x) {
         return Values{b.Reverse(x[0], {0, 1}), b.Reverse(x[0], {0})};
       }},
      {"GatherRows",
       {{"9", "n"}},
       [](CoreBuilder& b, mlir::ValueRange x) { return Values{b.Gather(x[0], x[1], 0, 0)}; },
       {{DType::kInt32, {"b", "2"}, Fill::kIndices}}},
      {"GatherInner",
       {{"n", "9"}},
       [](CoreBuilder& b, mlir::ValueRange x) { return Values{b.Gather(x[0], x[1], 1, 0)}; },
       {{DType::kInt64, {"b"}, Fill::kIndices}}},
      {"GatherBatched",
       {{"b", "9", "n"}},
       [](CoreBuilder& b, mlir::ValueRange x) { return Values{b.Gather(x[0], x[1], 1, 1)}; },
       {{DType::kInt32, {"b", "3"}, Fill::kIndices}}},
      {"DynamicSlice",
       {{"b", "n"}},
       [](CoreBuilder& b, mlir::ValueRange x) {
         return Values{b.DynamicSlice(x[0], {Index(b, 0), x[1]}, {DimsOf(x[0])[0], b.Dim(3)})};
       },
       {{DType::kInt32, {}, Fill::kIndices}}},
      {"DynamicUpdateSlice",
       {{"b", "n"}, {"b", "2"}},
       [](CoreBuilder& b, mlir::ValueRange x) {
         return Values{b.DynamicUpdateSlice(x[0], x[1], {Index(b, 0), x[2]})};
       },
       {{DType::kInt32, {}, Fill::kIndices}}},
      {"ScatterAssign",
       {{"9", "n"}, {"b", "n"}},
       [](CoreBuilder& b, mlir::ValueRange x) {
         return Values{b.Scatter(core::ScatterKind::kAssign, x[0], x[2], x[1], 0, 0)};
       },
       {{DType::kInt32, {"b"}, Fill::kIndices}}},
      {"ViewsAndMoves",
       {{"b", "n", "4"}},
       [](CoreBuilder& b, mlir::ValueRange x) {
         core::Dims d = DimsOf(x[0]);
         Value flat = b.Reshape(b.Transpose(x[0], {1, 0, 2}), {d[1], d[0] * 4});
         Value both = b.Concatenate({flat, b.Reverse(flat, {1})}, 1);
         return Values{b.SliceDim(both, 1, b.Dim(0), d[0] * 8, 2)};
       }},
  };
}

class MovementTest : public testing::TestWithParam<std::tuple<Case, DType>> {};

TEST_P(MovementTest, CompiledEqualsInterpreted) {
  const auto& [c, dtype] = GetParam();
  CoreProgram program;
  for (const auto& dims : c.feeds) program.feeds.push_back({dtype, dims});
  for (const Feed& feed : c.more) program.feeds.push_back(feed);
  // Negation has no meaning for bool.
  if (dtype == DType::kBool) {
    const std::string name = c.name;
    if (name == "ReshapeFlat" || name == "ConcatenateInner") GTEST_SKIP() << "negates";
  }
  program.build = c.build;
  EXPECT_TRUE(SameInEveryWay(MakeProgram(program, kSizes)));
}
INSTANTIATE_TEST_SUITE_P(Ops, MovementTest,
                         testing::Combine(testing::ValuesIn(MovementCases()),
                                          testing::Values(DType::kFloat32, DType::kFloat64,
                                                          DType::kBFloat16, DType::kInt8,
                                                          DType::kInt64, DType::kBool)),
                         [](const testing::TestParamInfo<std::tuple<Case, DType>>& info) {
                           return std::string(std::get<0>(info.param).name) + "_" +
                                  executable::DTypeName(std::get<1>(info.param));
                         });

class ScatterTest : public testing::TestWithParam<std::tuple<core::ScatterKind, DType>> {};

TEST_P(ScatterTest, UpdatesOfOneElementApplyInOrder) {
  const auto [kind, dtype] = GetParam();
  CoreProgram program;
  program.feeds = {
      {dtype, {"9", "n"}}, {DType::kInt32, {"b"}, Fill::kIndices}, {dtype, {"b", "n"}}};
  program.build = [kind = kind](CoreBuilder& b, mlir::ValueRange x) {
    return Values{b.Scatter(kind, x[0], x[1], x[2], 0, 0)};
  };
  EXPECT_TRUE(SameInEveryWay(MakeProgram(program, kSizes)));
}
INSTANTIATE_TEST_SUITE_P(
    Kinds, ScatterTest,
    testing::Combine(testing::Values(core::ScatterKind::kAdd, core::ScatterKind::kMul,
                                     core::ScatterKind::kMax, core::ScatterKind::kMin),
                     testing::Values(DType::kFloat32, DType::kFloat64, DType::kBFloat16,
                                     DType::kInt32)));

TEST(KnownValuesTest, SizesBecomeTensors) {
  CoreProgram program;
  program.feeds = {{DType::kFloat32, {"b", "n"}}};
  program.build = [](CoreBuilder& b, mlir::ValueRange x) {
    core::Dims d = DimsOf(x[0]);
    mlir::Type i32 = b.builder().getI32Type(), i64 = b.builder().getI64Type();
    Value count = b.Convert(b.DimScalar(d[0] * d[1], i64), b.builder().getF32Type());
    return Values{b.DimVector({d[0], d[1], d[0] * d[1] + 1}, i32), b.DimScalar(d[0] + d[1], i64),
                  b.Add(x[0], b.BroadcastTo(count, d))};
  };
  EXPECT_TRUE(SameInEveryWay(MakeProgram(program, kSizes)));
}

TEST(KnownValuesTest, ConstantsOfAllSizes) {
  CoreProgram program;
  program.feeds = {{DType::kFloat32, {"b", "40"}}};
  program.build = [](CoreBuilder& b, mlir::ValueRange x) {
    std::vector<float> large(40);
    std::iota(large.begin(), large.end(), -3.25f);
    mlir::Type f32 = b.builder().getF32Type();
    Value table = b.Constant(mlir::DenseElementsAttr::get(mlir::RankedTensorType::get({40}, f32),
                                                          llvm::ArrayRef<float>(large)));
    Value small = b.Constant(mlir::DenseElementsAttr::get(mlir::RankedTensorType::get({4, 1}, f32),
                                                          llvm::ArrayRef<float>({1, -2, 0.5f, 4})));
    Value x3 = b.Reshape(b.Add(x[0], table), {DimsOf(x[0])[0], b.Dim(4), b.Dim(10)});
    return Values{b.Mul(x3, small), table, b.Splat(f32, {b.Dim(3), b.Dim(100)}, 2.5)};
  };
  EXPECT_TRUE(SameInEveryWay(MakeProgram(program, {{{"b", 3}}, {{"b", 33}}})));
}

TEST(KnownValuesTest, IotaAlongEachDimension) {
  for (DType dtype :
       {DType::kInt32, DType::kInt64, DType::kFloat32, DType::kBFloat16, DType::kUInt8}) {
    CoreProgram program;
    program.feeds = {{dtype, {"b", "n"}}};
    program.build = [dtype](CoreBuilder& b, mlir::ValueRange x) {
      core::Dims d = DimsOf(x[0]);
      mlir::Type element = ElementType(dtype, b.context());
      return Values{b.Add(x[0], b.Iota(element, d, 0)), b.Iota(element, d, 1)};
    };
    EXPECT_TRUE(SameInEveryWay(MakeProgram(program, kSizes)));
  }
}

TEST(KnownValuesTest, RandomBits) {
  for (DType dtype : {DType::kUInt32, DType::kUInt64}) {
    CoreProgram program;
    program.feeds = {{DType::kUInt64, {}, Fill::kMixed},
                     {DType::kUInt64, {"2"}, Fill::kMixed},
                     {DType::kFloat32, {"n"}}};
    program.build = [dtype](CoreBuilder& b, mlir::ValueRange x) {
      core::Dims d = DimsOf(x[2]);
      return Values{b.RngBits(x[0], x[1], ElementType(dtype, b.context()), d),
                    b.RngBits(x[0], x[1], ElementType(dtype, b.context()), {d[0], b.Dim(3)})};
    };
    EXPECT_TRUE(SameInEveryWay(MakeProgram(program, {{{"n", 257}}, {{"n", 3}}, {{"n", 1}}})));
  }
}

TEST(CompactTest, KeepsTheRowsUnderTheMask) {
  CoreProgram program;
  program.feeds = {{DType::kFloat32, {"b", "n"}}, {DType::kBool, {"b"}}};
  program.build = [](CoreBuilder& b, mlir::ValueRange x) {
    Value rows = b.Compact(x[0], x[1], "rows");
    return Values{rows, b.Add(rows, rows)};
  };
  EXPECT_TRUE(SameInEveryWay(MakeProgram(program, kSizes)));
}

}  // namespace
}  // namespace stator::tests
