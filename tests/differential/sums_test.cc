// Contractions and reductions: the orders of sums.

#include <gtest/gtest.h>

#include <ostream>

#include "tests/program/core_program.h"

namespace stator::tests {
namespace {

using core::DimsOf;
using core::ReduceKind;
using mlir::Value;

const std::vector<Sizes> kBatches = {{{"b", 3}}, {{"b", 32}}, {{"b", 1}}, {{"b", 257}}};

struct Case {
  const char* name;
  std::vector<std::vector<std::string>> feeds;
  std::function<Values(CoreBuilder&, mlir::ValueRange)> build;
  std::vector<Sizes> sizes = kBatches;
};
void PrintTo(const Case& c, std::ostream* os) { *os << c.name; }

CoreBuilder::Conv Convolution(CoreBuilder& b, std::vector<int64_t> strides, int64_t pad,
                              int64_t groups = 1, int64_t dilation = 1) {
  CoreBuilder::Conv conv;
  conv.strides.assign(strides.begin(), strides.end());
  conv.lhs_dilation = {1, 1};
  conv.rhs_dilation = {dilation, dilation};
  conv.padding_low = conv.padding_high = {b.Dim(pad), b.Dim(pad)};
  conv.feature_group_count = groups;
  // NHWC images, HWIO kernels.
  conv.dimension_numbers =
      core::ConvDimensionsAttr::get(b.context(), 0, 3, {1, 2}, 2, 3, {0, 1}, 0, 3, {1, 2});
  return conv;
}

// A constant large enough to be packed when the program is compiled.
Value Weights(CoreBuilder& b, mlir::Type element, const std::vector<int64_t>& dims) {
  auto type = mlir::RankedTensorType::get(dims, element);
  std::vector<mlir::Attribute> values;
  for (int64_t i = 0; i < type.getNumElements(); ++i) {
    const int64_t number = i * 7919 % 401 - 200;
    if (mlir::isa<mlir::FloatType>(element)) {
      values.push_back(mlir::FloatAttr::get(element, static_cast<double>(number) / 64));
    } else {
      values.push_back(mlir::IntegerAttr::get(element, number));
    }
  }
  return b.Constant(mlir::DenseElementsAttr::get(type, values));
}

std::vector<Case> ContractionCases() {
  return {
      {"MatMul",
       {{"b", "20"}, {"20", "33"}},
       [](CoreBuilder& b, mlir::ValueRange x) { return Values{b.MatMul(x[0], x[1])}; }},
      {"MatMulTransposed",
       {{"20", "b"}, {"33", "20"}},
       [](CoreBuilder& b, mlir::ValueRange x) {
         return Values{b.DotGeneral(x[0], x[1], {}, {}, {0}, {1})};
       }},
      {"MatMulTwoUnknowns",
       {{"b", "k"}, {"k", "7"}},
       [](CoreBuilder& b, mlir::ValueRange x) { return Values{b.MatMul(x[0], x[1])}; },
       {{{"b", 3}, {"k", 17}},
        {{"b", 32}, {"k", 1}},
        {{"b", 2}, {"k", 0}},
        {{"b", 1}, {"k", 8200}}}},
      {"MatVec",
       {{"b", "65"}, {"65"}},
       [](CoreBuilder& b, mlir::ValueRange x) {
         return Values{b.DotGeneral(x[0], x[1], {}, {}, {1}, {0})};
       }},
      {"Batched",
       {{"b", "5", "9"}, {"b", "9", "6"}},
       [](CoreBuilder& b, mlir::ValueRange x) {
         return Values{b.DotGeneral(x[0], x[1], {0}, {0}, {2}, {1})};
       }},
      {"TwoContracted",
       {{"b", "5", "9"}, {"9", "5", "6"}},
       [](CoreBuilder& b, mlir::ValueRange x) {
         return Values{b.DotGeneral(x[0], x[1], {}, {}, {1, 2}, {1, 0})};
       }},
      {"Outer",
       {{"b"}, {"31"}},
       [](CoreBuilder& b, mlir::ValueRange x) {
         return Values{b.DotGeneral(x[0], x[1], {}, {}, {}, {})};
       }},
      {"BiasRelu",
       {{"b", "20"}, {"20", "33"}, {"33"}},
       [](CoreBuilder& b, mlir::ValueRange x) {
         Value y = b.Add(b.MatMul(x[0], x[1]), x[2]);
         return Values{b.Max(y, b.SplatLike(y, 0))};
       }},
      {"ConstantWeights",
       {{"b", "130"}, {"64"}},
       [](CoreBuilder& b, mlir::ValueRange x) {
         Value sum = b.MatMul(x[0], Weights(b, core::ElementTypeOf(x[0]), {130, 64}));
         Value y = b.Add(sum, x[1]);
         return Values{b.Max(y, b.SplatLike(y, 0)), sum};
       }},
      {"ConstantWeightsTransposed",
       {{"b", "2", "75"}},
       [](CoreBuilder& b, mlir::ValueRange x) {
         Value weights = Weights(b, core::ElementTypeOf(x[0]), {96, 75});
         return Values{b.DotGeneral(x[0], weights, {}, {}, {2}, {1})};
       }},
      {"ConstantWeightsInBlocks",
       {{"50", "1100"}},
       [](CoreBuilder& b, mlir::ValueRange x) {
         return Values{b.MatMul(x[0], Weights(b, core::ElementTypeOf(x[0]), {1100, 80}))};
       },
       {Sizes{}}},
      {"ConstantFilter",
       {{"b", "6", "7", "16"}},
       [](CoreBuilder& b, mlir::ValueRange x) {
         Value filter = Weights(b, core::ElementTypeOf(x[0]), {3, 3, 16, 48});
         return Values{b.Convolution(x[0], filter, Convolution(b, {1, 1}, 1))};
       },
       {{{"b", 3}}, {{"b", 1}}}},
      {"Conv3x3",
       {{"b", "6", "7", "3"}, {"3", "3", "3", "5"}},
       [](CoreBuilder& b, mlir::ValueRange x) {
         return Values{b.Convolution(x[0], x[1], Convolution(b, {1, 1}, 1))};
       },
       {{{"b", 3}}, {{"b", 1}}}},
      {"ConvStrided",
       {{"b", "h", "9", "4"}, {"3", "3", "4", "8"}},
       [](CoreBuilder& b, mlir::ValueRange x) {
         return Values{b.Convolution(x[0], x[1], Convolution(b, {2, 2}, 1))};
       },
       {{{"b", 3}, {"h", 8}}, {{"b", 1}, {"h", 11}}}},
      {"ConvGroups",
       {{"b", "6", "6", "4"}, {"3", "3", "2", "6"}},
       [](CoreBuilder& b, mlir::ValueRange x) {
         return Values{b.Convolution(x[0], x[1], Convolution(b, {1, 1}, 0, 2))};
       },
       {{{"b", 2}}, {{"b", 1}}}},
      {"ConvDilatedBias",
       {{"b", "9", "9", "3"}, {"3", "3", "3", "16"}, {"16"}},
       [](CoreBuilder& b, mlir::ValueRange x) {
         Value y = b.Convolution(x[0], x[1], Convolution(b, {1, 1}, 2, 1, 2));
         return Values{b.Tanh(b.Add(y, x[2]))};
       },
       {{{"b", 2}}, {{"b", 1}}}},
  };
}

class SumsTest : public testing::TestWithParam<std::tuple<Case, DType>> {};

TEST_P(SumsTest, CompiledEqualsInterpreted) {
  const auto& [c, dtype] = GetParam();
  const std::string name = c.name;
  if (dtype == DType::kInt32 &&
      (name == "ConvDilatedBias" || name == "Softmax" || name == "LayerNorm")) {
    GTEST_SKIP() << "no such functions of integers";
  }
  CoreProgram program;
  for (const auto& dims : c.feeds) program.feeds.push_back({dtype, dims});
  program.build = c.build;
  EXPECT_TRUE(SameInEveryWay(MakeProgram(program, c.sizes)));
}
std::string CaseName(const testing::TestParamInfo<std::tuple<Case, DType>>& info) {
  return std::string(std::get<0>(info.param).name) + "_" +
         executable::DTypeName(std::get<1>(info.param));
}
const auto kNumbers = testing::Values(DType::kFloat32, DType::kFloat64, DType::kBFloat16,
                                      DType::kFloat16, DType::kInt32);
INSTANTIATE_TEST_SUITE_P(Contractions, SumsTest,
                         testing::Combine(testing::ValuesIn(ContractionCases()), kNumbers),
                         CaseName);

// Of 3 by 2 with padding above and below, on images of 9 by 8.
CoreBuilder::Window PoolWindow(CoreBuilder& b) {
  const core::Dims padding = {b.Dim(0), b.Dim(1), b.Dim(0), b.Dim(0)};
  return {{1, 3, 2, 1}, {1, 2, 2, 1}, padding, padding};
}

std::vector<Case> ReductionCases() {
  const std::vector<Sizes> wide = {{{"b", 3}, {"n", 257}},
                                   {{"b", 1}, {"n", 64}},
                                   {{"b", 2}, {"n", 0}},
                                   {{"b", 130}, {"n", 1}},
                                   {{"b", 2}, {"n", 65}}};
  auto normalize = [](CoreBuilder& b, Value x) {
    const int64_t last = core::RankOf(x) - 1;
    Value shifted = b.Exp(b.Sub(x, b.Reduce(ReduceKind::kMax, x, {last}, true)));
    return b.Div(shifted, b.ReduceAdd(shifted, {last}, true));
  };
  return {
      {"Rows",
       {{"b", "n"}},
       [](CoreBuilder& b, mlir::ValueRange x) { return Values{b.ReduceAdd(x[0], {1})}; },
       wide},
      {"Columns",
       {{"n", "b"}},
       [](CoreBuilder& b, mlir::ValueRange x) { return Values{b.ReduceAdd(x[0], {0})}; },
       {{{"b", 3}, {"n", 1025}},
        {{"b", 33}, {"n", 512}},
        {{"b", 1}, {"n", 7}},
        {{"b", 5}, {"n", 0}}}},
      {"All",
       {{"b", "n"}},
       [](CoreBuilder& b, mlir::ValueRange x) {
         return Values{b.ReduceAdd(x[0], {0, 1})};
       },
       {{{"b", 3}, {"n", 40000}},
        {{"b", 1}, {"n", 1}},
        {{"b", 7}, {"n", 100}},
        {{"b", 0}, {"n", 3}}}},
      {"Middle",
       {{"b", "n", "5"}},
       [](CoreBuilder& b, mlir::ValueRange x) { return Values{b.ReduceAdd(x[0], {1})}; },
       wide},
      {"OuterAndInner",
       {{"b", "6", "n"}},
       [](CoreBuilder& b, mlir::ValueRange x) {
         return Values{b.ReduceAdd(x[0], {0, 2})};
       },
       wide},
      {"KeepsDims",
       {{"b", "4", "n"}},
       [](CoreBuilder& b, mlir::ValueRange x) {
         return Values{b.ReduceAdd(x[0], {1, 2}, true)};
       },
       wide},
      {"Product",
       {{"b", "n"}},
       [](CoreBuilder& b, mlir::ValueRange x) {
         return Values{b.Reduce(ReduceKind::kMul, x[0], {1}),
                       b.Reduce(ReduceKind::kMul, x[0], {0})};
       },
       wide},
      {"Extremes",
       {{"b", "n"}},
       [](CoreBuilder& b, mlir::ValueRange x) {
         return Values{b.Reduce(ReduceKind::kMax, x[0], {1}),
                       b.Reduce(ReduceKind::kMin, x[0], {0})};
       },
       wide},
      {"ArgExtremes",
       {{"b", "n"}},
       [](CoreBuilder& b, mlir::ValueRange x) {
         return Values{b.ArgReduce(ReduceKind::kArgMax, x[0], 1, b.builder().getI64Type()),
                       b.ArgReduce(ReduceKind::kArgMin, x[0], 0, b.builder().getI32Type())};
       },
       {{{"b", 3}, {"n", 257}}, {{"b", 1}, {"n", 64}}, {{"b", 33}, {"n", 2}}}},
      {"OfProducts",
       {{"b", "n"}, {"b", "n"}},
       [](CoreBuilder& b, mlir::ValueRange x) {
         return Values{b.ReduceAdd(b.Mul(x[0], x[1]), {1}), b.ReduceAdd(b.Sub(x[0], x[1]), {0})};
       },
       wide},
      {"Softmax",
       {{"b", "n"}},
       [normalize](CoreBuilder& b, mlir::ValueRange x) { return Values{normalize(b, x[0])}; },
       {{{"b", 3}, {"n", 257}}, {{"b", 33}, {"n", 10}}, {{"b", 1}, {"n", 1}}}},
      {"LayerNorm",
       {{"b", "n"}, {"n"}},
       [](CoreBuilder& b, mlir::ValueRange x) {
         Value scale = b.SplatLike(x[0], 0.125);
         Value centred = b.Sub(x[0], b.ReduceAdd(b.Mul(x[0], scale), {1}, true));
         Value variance = b.ReduceAdd(b.Mul(centred, centred), {1}, true);
         return Values{
             b.Mul(b.Mul(centred, b.Rsqrt(b.Add(variance, b.SplatLike(variance, 1)))), x[1])};
       },
       {{{"b", 3}, {"n", 257}}, {{"b", 33}, {"n", 10}}, {{"b", 1}, {"n", 1}}}},
      {"CumulativeSum",
       {{"b", "n"}},
       [](CoreBuilder& b, mlir::ValueRange x) {
         return Values{b.Cumulative(ReduceKind::kAdd, x[0], 1, false, false),
                       b.Cumulative(ReduceKind::kMul, x[0], 0, true, true)};
       },
       wide},
      {"Pooling",
       {{"b", "9", "8", "3"}},
       [](CoreBuilder& b, mlir::ValueRange x) {
         return Values{b.ReduceWindow(ReduceKind::kMax, x[0], PoolWindow(b)),
                       b.ReduceWindow(ReduceKind::kAdd, x[0], PoolWindow(b))};
       },
       {{{"b", 3}}, {{"b", 1}}, {{"b", 20}}}},
      {"PoolingGradient",
       {{"b", "9", "8", "3"}, {"b", "5", "4", "3"}},
       [](CoreBuilder& b, mlir::ValueRange x) {
         return Values{b.SelectAndScatter(x[0], x[1], PoolWindow(b))};
       },
       {{{"b", 3}}, {{"b", 1}}, {{"b", 20}}}},
  };
}
INSTANTIATE_TEST_SUITE_P(Reductions, SumsTest,
                         testing::Combine(testing::ValuesIn(ReductionCases()), kNumbers), CaseName);

TEST(LogicTest, AndOr) {
  CoreProgram program;
  program.feeds = {{DType::kBool, {"b", "n"}}};
  program.build = [](CoreBuilder& b, mlir::ValueRange x) {
    return Values{b.Reduce(ReduceKind::kAnd, x[0], {1}), b.Reduce(ReduceKind::kOr, x[0], {0}),
                  b.Reduce(ReduceKind::kOr, x[0], {0, 1})};
  };
  EXPECT_TRUE(SameInEveryWay(
      MakeProgram(program, {{{"b", 3}, {"n", 257}}, {{"b", 40}, {"n", 1}}, {{"b", 2}, {"n", 0}}})));
}

TEST(ExtremesTest, NanAndSignedZero) {
  for (DType dtype : {DType::kFloat32, DType::kFloat64, DType::kFloat16}) {
    CoreProgram program;
    program.feeds = {{dtype, {"b", "n"}, Fill::kMixed}};
    program.build = [](CoreBuilder& b, mlir::ValueRange x) {
      return Values{b.Reduce(ReduceKind::kMax, x[0], {1}), b.Reduce(ReduceKind::kMin, x[0], {0}),
                    b.ArgReduce(ReduceKind::kArgMax, x[0], 1, b.builder().getI64Type())};
    };
    EXPECT_TRUE(
        SameInEveryWay(MakeProgram(program, {{{"b", 64}, {"n", 9}}, {{"b", 200}, {"n", 70}}})));
  }
}

// One symbolic executable and one for the concrete sizes, through two layers and a loss.
TEST(ModelTest, TwoLayersAndALoss) {
  CoreProgram program;
  program.feeds = {{DType::kFloat32, {"b", "20"}},
                   {DType::kFloat32, {"20", "16"}},
                   {DType::kFloat32, {"16"}},
                   {DType::kFloat32, {"16", "10"}},
                   {DType::kInt32, {"b"}}};
  program.build = [](CoreBuilder& b, mlir::ValueRange x) {
    Value hidden = b.Tanh(b.Add(b.MatMul(x[0], x[1]), x[2]));
    Value logits = b.MatMul(hidden, x[3]);
    Value shifted = b.Sub(logits, b.Reduce(ReduceKind::kMax, logits, {1}, true));
    Value normalizer = b.Log(b.ReduceAdd(b.Exp(shifted), {1}));
    Value label = b.Reshape(x[4], {DimsOf(x[4])[0], b.Dim(1)});
    Value picked = b.Reshape(b.Gather(shifted, label, 1, 1), {DimsOf(x[4])[0]});
    return Values{b.ReduceAdd(b.Sub(normalizer, picked), {0}), logits};
  };
  EXPECT_TRUE(SameInEveryWay(MakeProgram(program, kBatches), {.concrete_runs = 4}));
}

}  // namespace
}  // namespace stator::tests
