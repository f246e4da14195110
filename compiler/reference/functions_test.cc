// The primitives on hand-computed cases.

#include <bit>
#include <cmath>
#include <limits>

#include "compiler/reference/contraction.h"
#include "compiler/reference/elementwise.h"
#include "compiler/reference/number.h"
#include "compiler/reference/random.h"
#include "compiler/reference/reduction.h"
#include "compiler/reference/shape.h"
#include "compiler/reference/sort.h"
#include "gtest/gtest.h"

namespace stator::compiler::reference {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

Tensor Make(DType dtype, Shape dims, std::vector<double> values) {
  Budget budget;
  Tensor t = *budget.Allocate(dtype, dims);
  for (size_t i = 0; i < values.size(); ++i) {
    if (IsFloat(dtype)) {
      Store<double>(t, static_cast<int64_t>(i), values[i]);
    } else {
      Store<int64_t>(t, static_cast<int64_t>(i), static_cast<int64_t>(values[i]));
    }
  }
  return t;
}
Tensor F32(Shape dims, std::vector<double> values) { return Make(DType::kFloat32, dims, values); }
Tensor I32(Shape dims, std::vector<double> values) { return Make(DType::kInt32, dims, values); }
Tensor Bool(Shape dims, std::vector<double> values) { return Make(DType::kBool, dims, values); }

std::vector<double> Values(const absl::StatusOr<Tensor>& t) {
  if (!t.ok()) {
    ADD_FAILURE() << t.status();
    return {};
  }
  std::vector<double> values;
  for (int64_t i = 0; i < t->num_elements(); ++i) {
    if (IsFloat(t->dtype()))
      values.push_back(Load<double>(*t, i));
    else if (IsSigned(t->dtype()))
      values.push_back(static_cast<double>(Load<int64_t>(*t, i)));
    else
      values.push_back(static_cast<double>(Load<uint64_t>(*t, i)));
  }
  return values;
}

using V = std::vector<double>;

class FunctionsTest : public ::testing::Test {
 protected:
  V Binary(std::string_view name, DType dtype, V a, V b) {
    const Shape dims{static_cast<int64_t>(a.size())};
    return Values(Elementwise(budget, name, {Make(dtype, dims, a), Make(dtype, dims, b)}));
  }
  V Unary(std::string_view name, DType dtype, V a) {
    return Values(Elementwise(budget, name, {Make(dtype, {static_cast<int64_t>(a.size())}, a)}));
  }
  V ConvertTo(DType to, DType from, V a) {
    return Values(Convert(budget, Make(from, {static_cast<int64_t>(a.size())}, a), to));
  }

  Budget budget;
};

// ---- Numbers ----

TEST_F(FunctionsTest, HalfConversionsRoundTripAndRoundToEven) {
  for (uint32_t bits = 0; bits < 65536; ++bits) {
    const float value = HalfToFloat(static_cast<uint16_t>(bits));
    const float brain = BFloat16ToFloat(static_cast<uint16_t>(bits));
    EXPECT_TRUE(std::isnan(value) || FloatToHalf(value) == bits) << bits;
    EXPECT_TRUE(std::isnan(brain) || FloatToBFloat16(brain) == bits) << bits;
  }
  EXPECT_EQ(FloatToHalf(1 + 0x1p-11f), 0x3c00);  // a tie goes to even
  EXPECT_EQ(FloatToHalf(1 + 0x1p-11f + 0x1p-20f), 0x3c01);
  EXPECT_EQ(FloatToHalf(1 + 3 * 0x1p-11f), 0x3c02);
  EXPECT_EQ(FloatToHalf(65519.9f), 0x7bff);
  EXPECT_EQ(FloatToHalf(65520.0f), 0x7c00);
  EXPECT_EQ(FloatToHalf(0x1p-25f), 0);
  EXPECT_EQ(FloatToHalf(0x1.8p-25f), 1);
  EXPECT_EQ(FloatToBFloat16(1 + 0x1p-8f), 0x3f80);
  EXPECT_EQ(FloatToBFloat16(1 + 3 * 0x1p-8f), 0x3f82);
  EXPECT_TRUE(std::isnan(BFloat16ToFloat(FloatToBFloat16(NAN))));
}

TEST_F(FunctionsTest, DoubleToHalfRoundsOnce) {
  // Rounding to float first would reach a tie and then go up.
  const double value = 1 + 0x1p-11 + 0x1p-40;
  EXPECT_EQ(ConvertTo(DType::kFloat16, DType::kFloat64, {value, -value}),
            (V{1 + 0x1p-10, -1 - 0x1p-10}));
  EXPECT_EQ(ConvertTo(DType::kFloat16, DType::kFloat64, {1 + 0x1p-11 - 0x1p-40}), (V{1}));
  EXPECT_EQ(ConvertTo(DType::kBFloat16, DType::kInt64, {0x1p40 + 0x1p32, 0x1p40 + 0x1p32 + 1}),
            (V{0x1p40, 0x1p40 + 0x1p33}));
}

TEST_F(FunctionsTest, ConversionsSaturateAndWrap) {
  EXPECT_EQ(ConvertTo(DType::kInt32, DType::kFloat32, {1.9, -1.9, 3e9, -3e9, kNaN, kInf}),
            (V{1, -1, 2147483647, -2147483648.0, 0, 2147483647}));
  EXPECT_EQ(ConvertTo(DType::kUInt8, DType::kFloat32, {-1, 255.9, 300}), (V{0, 255, 255}));
  EXPECT_EQ(ConvertTo(DType::kInt8, DType::kInt32, {200, -129}), (V{-56, 127}));
  EXPECT_EQ(ConvertTo(DType::kUInt64, DType::kInt8, {-1}), (V{0x1p64}));
  EXPECT_EQ(ConvertTo(DType::kBool, DType::kFloat32, {0, -0.0, 0.5, kNaN}), (V{0, 0, 1, 1}));
  EXPECT_EQ(ConvertTo(DType::kFloat32, DType::kBool, {0, 1}), (V{0, 1}));
}

// ---- Elementwise ----

TEST_F(FunctionsTest, IntegersWrapAndDivisionIsDefined) {
  EXPECT_EQ(Binary("add", DType::kInt8, {127, -128}, {1, -1}), (V{-128, 127}));
  EXPECT_EQ(Binary("multiply", DType::kUInt8, {16}, {17}), (V{16}));
  EXPECT_EQ(Binary("divide", DType::kInt32, {7, -7, 5, -2147483648.0}, {2, 2, 0, -1}),
            (V{3, -3, -1, -2147483648.0}));
  EXPECT_EQ(Binary("divide", DType::kUInt8, {7, 5}, {2, 0}), (V{3, 255}));
  EXPECT_EQ(Binary("remainder", DType::kInt32, {7, -7, 5, -2147483648.0}, {3, 3, 0, -1}),
            (V{1, -1, 5, 0}));
  EXPECT_EQ(Binary("power", DType::kInt32, {3, -1, 1, 2, 0, 2}, {4, -3, -5, -1, 0, 32}),
            (V{81, -1, 1, 0, 1, 0}));
  EXPECT_EQ(Unary("negate", DType::kInt8, {-128, 5}), (V{-128, -5}));
  EXPECT_EQ(Unary("abs", DType::kInt8, {-128, -5}), (V{-128, 5}));
  EXPECT_EQ(Unary("sign", DType::kInt32, {-9, 0, 4}), (V{-1, 0, 1}));
}

TEST_F(FunctionsTest, BitsAndBooleans) {
  EXPECT_EQ(Binary("add", DType::kBool, {0, 1, 1}, {0, 0, 1}), (V{0, 1, 1}));
  EXPECT_EQ(Binary("multiply", DType::kBool, {0, 1, 1}, {0, 0, 1}), (V{0, 0, 1}));
  EXPECT_EQ(Unary("not", DType::kBool, {0, 1}), (V{1, 0}));
  EXPECT_EQ(Unary("not", DType::kUInt8, {0xf0}), (V{0x0f}));
  EXPECT_EQ(Unary("popcnt", DType::kInt8, {-1, 3}), (V{8, 2}));
  EXPECT_EQ(Unary("count_leading_zeros", DType::kInt16, {0, 1, -1}), (V{16, 15, 0}));
  EXPECT_EQ(Binary("shift_left", DType::kInt8, {1, 1, 1, 1}, {6, 7, 8, -1}), (V{64, -128, 0, 0}));
  EXPECT_EQ(Binary("shift_right_logical", DType::kInt8, {-128, -1}, {7, 8}), (V{1, 0}));
  EXPECT_EQ(Binary("shift_right_arithmetic", DType::kInt8, {-128, -1, 64}, {7, 8, 99}),
            (V{-1, -1, 0}));
  EXPECT_FALSE(Elementwise(budget, "and", {F32({1}, {1}), F32({1}, {1})}).ok());
  EXPECT_FALSE(Elementwise(budget, "exponential", {I32({1}, {1})}).ok());
}

TEST_F(FunctionsTest, FloatsFollowIeee) {
  EXPECT_EQ(Binary("divide", DType::kFloat32, {1, -1}, {0, 0}), (V{kInf, -kInf}));
  EXPECT_EQ(Binary("remainder", DType::kFloat32, {5.5, -5.5}, {2, 2}), (V{1.5, -1.5}));
  EXPECT_TRUE(std::isnan(Binary("maximum", DType::kFloat32, {1}, {kNaN})[0]));
  EXPECT_FALSE(std::signbit(Binary("maximum", DType::kFloat32, {-0.0}, {0.0})[0]));
  EXPECT_EQ(Unary("round_nearest_even", DType::kFloat32, {2.5, 3.5}), (V{2, 4}));
  EXPECT_EQ(Unary("round_nearest_afz", DType::kFloat32, {2.5, -2.5}), (V{3, -3}));
  EXPECT_EQ(Unary("exponential", DType::kFloat64, {0}), (V{1}));
  // f16 computes in f32 and rounds once.
  EXPECT_EQ(Binary("add", DType::kFloat16, {2048}, {1}), (V{2048}));
  EXPECT_EQ(Values(Compare(budget, "NE", F32({2}, {kNaN, 1}), F32({2}, {kNaN, 1}))), (V{1, 0}));
  EXPECT_EQ(Values(Compare(budget, "GE", F32({2}, {kNaN, 1}), F32({2}, {kNaN, 1}))), (V{0, 1}));
  EXPECT_EQ(Values(Clamp(budget, F32({3}, {0, 0, 0}), F32({3}, {-1, 5, 0.5}), F32({3}, {1, 1, 1}))),
            (V{0, 1, 0.5}));
  EXPECT_EQ(Values(IsFinite(budget, F32({3}, {1, kInf, kNaN}))), (V{1, 0, 0}));
  EXPECT_EQ(Values(BitcastConvert(budget, F32({1}, {1}), DType::kInt32)), (V{0x3f800000}));
  EXPECT_EQ(Values(Select(budget, Bool({2}, {1, 0}), I32({2}, {1, 2}), I32({2}, {3, 4}))),
            (V{1, 4}));
}

// ---- Shape ----

TEST_F(FunctionsTest, Movement) {
  const Tensor x = I32({2, 3}, {1, 2, 3, 4, 5, 6});
  EXPECT_EQ(Values(Transpose(budget, x, {1, 0})), (V{1, 4, 2, 5, 3, 6}));
  EXPECT_EQ(Values(Reverse(budget, x, {1})), (V{3, 2, 1, 6, 5, 4}));
  EXPECT_EQ(Values(Slice(budget, x, {0, 0}, {2, 3}, {1, 2})), (V{1, 3, 4, 6}));
  EXPECT_FALSE(Slice(budget, x, {0, 0}, {3, 3}, {1, 1}).ok());
  EXPECT_EQ(Values(BroadcastInDim(budget, I32({2, 1}, {1, 2}), {0, 1}, {2, 2})), (V{1, 1, 2, 2}));
  EXPECT_EQ(Values(BroadcastInDim(budget, I32({}, {7}), {}, {2})), (V{7, 7}));
  EXPECT_EQ(Values(Iota(budget, DType::kInt32, {2, 2}, 0)), (V{0, 0, 1, 1}));
  EXPECT_EQ(Values(Concatenate(budget, {x, I32({2, 1}, {7, 8})}, 1)), (V{1, 2, 3, 7, 4, 5, 6, 8}));
  EXPECT_FALSE(Reshape(x, {4}).ok());
  EXPECT_EQ(Reshape(x, {3, 2})->dims(), (Shape{3, 2}));
}

TEST_F(FunctionsTest, PaddingMayBeNegativeAndInterior) {
  const Tensor x = I32({3}, {1, 2, 3});
  EXPECT_EQ(Values(Pad(budget, x, I32({}, {0}), {1}, {2}, {0})), (V{0, 1, 2, 3, 0, 0}));
  EXPECT_EQ(Values(Pad(budget, x, I32({}, {0}), {0}, {0}, {1})), (V{1, 0, 2, 0, 3}));
  EXPECT_EQ(Values(Pad(budget, x, I32({}, {0}), {-1}, {-1}, {1})), (V{0, 2, 0}));
  EXPECT_FALSE(Pad(budget, x, I32({}, {0}), {-2}, {-2}, {0}).ok());
  EXPECT_FALSE(Pad(budget, x, I32({}, {0}), {0}, {0}, {int64_t{1} << 62}).ok());
}

TEST_F(FunctionsTest, DynamicStartsAreClamped) {
  const Tensor x = I32({4}, {1, 2, 3, 4});
  EXPECT_EQ(Values(DynamicSlice(budget, x, {9}, {2})), (V{3, 4}));
  EXPECT_EQ(Values(DynamicSlice(budget, x, {-9}, {2})), (V{1, 2}));
  EXPECT_EQ(Values(DynamicUpdateSlice(budget, x, I32({2}, {8, 9}), {3})), (V{1, 2, 8, 9}));
}

TEST_F(FunctionsTest, GatherAndScatter) {
  const Tensor x = I32({2, 3}, {1, 2, 3, 4, 5, 6});
  EXPECT_EQ(Values(Gather(budget, x, I32({2}, {2, -5}), 1, 0)), (V{3, 1, 6, 4}));
  EXPECT_EQ(Values(Gather(budget, x, I32({2, 1}, {2, 0}), 1, 1)), (V{3, 4}));
  EXPECT_EQ(Values(Gather(budget, I32({0, 2}, {}), I32({1}, {0}), 0, 0)), (V{0, 0}));
  EXPECT_EQ(Values(Scatter(budget, "add", I32({3}, {1, 2, 3}), I32({4}, {0, 0, 9, -1}),
                           I32({4}, {10, 20, 30, 40}), 0, 0)),
            (V{31, 2, 3}));
  EXPECT_EQ(Values(Scatter(budget, "assign", I32({3}, {1, 2, 3}), I32({2}, {1, 1}),
                           I32({2}, {7, 8}), 0, 0)),
            (V{1, 8, 3}));
  EXPECT_EQ(Values(Scatter(budget, "max", x, I32({1}, {1}), I32({2, 1}, {9, 0}), 1, 0)),
            (V{1, 9, 3, 4, 5, 6}));
  EXPECT_EQ(Values(Compact(budget, x, Bool({2}, {0, 1}))), (V{4, 5, 6}));
}

// ---- Contraction ----

TEST_F(FunctionsTest, DotGeneral) {
  const Tensor a = F32({2, 2}, {1, 2, 3, 4}), b = F32({2, 2}, {5, 6, 7, 8});
  const Shape zero{0}, one{1};
  EXPECT_EQ(Values(DotGeneral(budget, a, b, {{}, {}, one, zero}, DType::kFloat32, 4096)),
            (V{19, 22, 43, 50}));
  EXPECT_EQ(Values(DotGeneral(budget, a, b, {zero, zero, one, one}, DType::kFloat32, 4096)),
            (V{17, 53}));
  const Tensor bytes = Make(DType::kInt8, {2}, {100, 100});
  EXPECT_EQ(Values(DotGeneral(budget, bytes, bytes, {{}, {}, zero, zero}, DType::kInt32, 4096)),
            (V{20000}));
  EXPECT_FALSE(
      DotGeneral(budget, a, F32({3}, {1, 2, 3}), {{}, {}, one, zero}, DType::kFloat32, 1).ok());
  EXPECT_EQ(Values(DotGeneral(budget, F32({2, 0}, {}), F32({0, 1}, {}), {{}, {}, one, zero},
                              DType::kFloat32, 4096)),
            (V{0, 0}));
}

TEST_F(FunctionsTest, ContractionIsAChainOfFmasInChunks) {
  // 2^24 + 1 + 1 + 1 in a chain loses every 1; in chunks of two the last two add up first.
  const Tensor a = F32({4}, {0x1p24, 1, 1, 1}), ones = F32({4}, {1, 1, 1, 1});
  const Shape zero{0};
  const DotDimensions d{{}, {}, zero, zero};
  EXPECT_EQ(Values(DotGeneral(budget, a, ones, d, DType::kFloat32, 4096)), (V{0x1p24}));
  EXPECT_EQ(Values(DotGeneral(budget, a, ones, d, DType::kFloat32, 2)), (V{0x1p24 + 2}));
  // The product is not rounded before it is added.
  const double x = 1 + 0x1p-23;
  EXPECT_EQ(Values(DotGeneral(budget, F32({2}, {-1, x}), F32({2}, {1 + 0x1p-22, x}), d,
                              DType::kFloat32, 4096)),
            (V{0x1p-46}));
}

TEST_F(FunctionsTest, ConvolutionWithPaddingStrideDilationAndGroups) {
  const Shape one{1}, two{2}, none{0}, spatial{1};
  auto conv = [&](const Tensor& x, const Tensor& w, Ints strides, Ints low, Ints high, Ints lhs,
                  Ints rhs, int64_t groups) {
    // Input [batch, spatial, feature], kernel [spatial, in, out].
    const ConvolutionSpec spec{strides, low, high, lhs, rhs, 0,       2,     spatial,
                               1,       2,   none, 0,   2,   spatial, groups};
    return Values(Convolution(budget, x, w, spec, DType::kFloat32, 4096));
  };
  const Tensor x = F32({1, 4, 1}, {1, 2, 3, 4}), w = F32({3, 1, 1}, {1, 10, 100});
  EXPECT_EQ(conv(x, w, one, none, none, one, one, 1), (V{321, 432}));
  EXPECT_EQ(conv(x, w, one, one, one, one, one, 1), (V{210, 321, 432, 43}));
  EXPECT_EQ(conv(x, w, two, one, one, one, one, 1), (V{210, 432}));
  EXPECT_EQ(conv(x, w, one, one, one, one, two, 1), (V{420, 31}));
  EXPECT_EQ(conv(x, w, one, none, none, two, one, 1), (V{201, 20, 302, 30, 403}));
  const Tensor pair = F32({1, 2, 2}, {1, 2, 3, 4});
  EXPECT_EQ(conv(pair, F32({1, 1, 2}, {10, 100}), one, none, none, one, one, 2),
            (V{10, 200, 30, 400}));
}

TEST_F(FunctionsTest, ConvolutionSumsInTheOrderOfTheKernelInMemory) {
  const Shape one{1}, none{0}, spatial{1};
  // Input [batch, spatial, feature]; the elements of feature 0, then those of feature 1: 2^25, 1,
  // -2^25, 1.
  const Tensor x = F32({1, 2, 2}, {0x1p25, -0x1p25, 1, 1});
  auto conv = [&](const Shape& kernel_dims, int64_t input_feature, const Shape& kernel_spatial) {
    const ConvolutionSpec spec{one, none, none, one, one, 0, 2, spatial, input_feature,
                               2,   kernel_spatial, 0, 2, spatial, 1};
    return Values(Convolution(budget, x, F32(kernel_dims, {1, 1, 1, 1}), spec, DType::kFloat32,
                              4096));
  };
  EXPECT_EQ(conv({2, 2, 1}, 1, none), (V{2}));  // spatial, feature: both large ones cancel first
  EXPECT_EQ(conv({2, 2, 1}, 0, one), (V{1}));   // feature, spatial: the first 1 is lost
}

// ---- Reduction ----

TEST_F(FunctionsTest, ReduceKinds) {
  const Tensor x = I32({2, 3}, {1, 5, 3, -4, 0, 6});
  const ReduceOrder order{4, 8};
  EXPECT_EQ(Values(Reduce(budget, "add", x, {1}, order)), (V{9, 2}));
  EXPECT_EQ(Values(Reduce(budget, "add", x, {0}, order)), (V{-3, 5, 9}));
  EXPECT_EQ(Values(Reduce(budget, "mul", x, {1}, order)), (V{15, 0}));
  EXPECT_EQ(Values(Reduce(budget, "max", x, {0, 1}, order)), (V{6}));
  EXPECT_EQ(Values(Reduce(budget, "min", x, {1}, order)), (V{1, -4}));
  EXPECT_EQ(Values(Reduce(budget, "and", Bool({2, 2}, {1, 1, 1, 0}), {1}, order)), (V{1, 0}));
  EXPECT_EQ(Values(Reduce(budget, "or", Bool({2, 2}, {0, 1, 0, 0}), {1}, order)), (V{1, 0}));
  EXPECT_EQ(Values(Reduce(budget, "max", F32({2, 0}, {}), {1}, order)), (V{-kInf, -kInf}));
  EXPECT_EQ(Values(Reduce(budget, "min", Make(DType::kInt8, {0}, {}), {0}, order)), (V{127}));
  EXPECT_EQ(Values(Reduce(budget, "and", Make(DType::kUInt8, {0}, {}), {0}, order)), (V{255}));
  EXPECT_FALSE(Reduce(budget, "and", F32({1}, {1}), {0}, order).ok());
}

TEST_F(FunctionsTest, ReduceOrderIsLanesThenHalvingThenTree) {
  const double big = 0x1p24;
  // One lane, one block: a chain that loses the ones.
  EXPECT_EQ(Values(Reduce(budget, "add", F32({4}, {big, 1, 1, 1}), {0}, {1, 8})), (V{big}));
  // Two lanes: (big + 1) + (1 + 1).
  EXPECT_EQ(Values(Reduce(budget, "add", F32({4}, {big, 1, 1, 1}), {0}, {2, 8})), (V{big + 2}));
  // Four lanes are halved as (l0 + l2) + (l1 + l3).
  EXPECT_EQ(Values(Reduce(budget, "add", F32({4}, {big, -big, 1, 1}), {0}, {4, 8})), (V{1}));
  // Three blocks of one: (big + 1) + 1, not big + (1 + 1).
  EXPECT_EQ(Values(Reduce(budget, "add", F32({3}, {big, 1, 1}), {0}, {1, 1})), (V{big}));
  // Six blocks: ((b0 + b1) + (b2 + b3)) + (b4 + b5).
  EXPECT_EQ(Values(Reduce(budget, "add", F32({6}, {big, 1, 1, 1, 1, 1}), {0}, {1, 1})),
            (V{big + 4}));
  // bf16 is summed in f32 and rounded once: 256 + 1 + 1 + 1 + 1 = 260.
  EXPECT_EQ(
      Values(Reduce(budget, "add", Make(DType::kBFloat16, {5}, {256, 1, 1, 1, 1}), {0}, {1, 8})),
      (V{260}));
}

TEST_F(FunctionsTest, ArgReduceTakesTheFirstAndNaN) {
  EXPECT_EQ(
      Values(ArgReduce(budget, "argmax", F32({2, 3}, {1, 3, 3, 5, kNaN, kNaN}), 1, DType::kInt32)),
      (V{1, 1}));
  EXPECT_EQ(Values(ArgReduce(budget, "argmin", F32({2, 2}, {1, 2, 0, 2}), 0, DType::kInt64)),
            (V{1, 0}));
}

TEST_F(FunctionsTest, Windows) {
  const Shape two{2}, one{1}, zero{0};
  const Tensor x = F32({4}, {1, 5, 2, 4});
  EXPECT_EQ(Values(ReduceWindow(budget, "max", x, {two, two, one, zero, zero})), (V{5, 4}));
  EXPECT_EQ(Values(ReduceWindow(budget, "add", x, {two, one, one, one, zero})), (V{1, 6, 7, 6}));
  EXPECT_EQ(Values(ReduceWindow(budget, "add", x, {two, one, two, zero, zero})), (V{3, 9}));
  EXPECT_EQ(
      Values(SelectAndScatter(budget, x, F32({3}, {10, 20, 30}), {two, one, one, zero, zero})),
      (V{0, 30, 0, 30}));
  EXPECT_FALSE(SelectAndScatter(budget, x, F32({2}, {1, 1}), {two, one, one, zero, zero}).ok());
}

TEST_F(FunctionsTest, CumulativeInAllFourForms) {
  const Tensor x = I32({2, 3}, {1, 2, 3, 4, 5, 6});
  EXPECT_EQ(Values(Cumulative(budget, "add", x, 1, false, false)), (V{1, 3, 6, 4, 9, 15}));
  EXPECT_EQ(Values(Cumulative(budget, "add", x, 1, true, false)), (V{0, 1, 3, 0, 4, 9}));
  EXPECT_EQ(Values(Cumulative(budget, "add", x, 1, false, true)), (V{6, 5, 3, 15, 11, 6}));
  EXPECT_EQ(Values(Cumulative(budget, "mul", x, 0, true, true)), (V{4, 5, 6, 1, 1, 1}));
}

// ---- Sorting and random bits ----

TEST_F(FunctionsTest, SortIsStableWithNaNLast) {
  const Tensor keys = F32({5}, {2, kNaN, 0.0, -0.0, 1}), ids = I32({5}, {0, 1, 2, 3, 4});
  absl::StatusOr<std::vector<Tensor>> sorted = Sort(budget, {keys, ids}, 0, false);
  ASSERT_TRUE(sorted.ok());
  EXPECT_EQ(Values((*sorted)[1]), (V{2, 3, 4, 0, 1}));
  sorted = Sort(budget, {keys, ids}, 0, true);
  ASSERT_TRUE(sorted.ok());
  EXPECT_EQ(Values((*sorted)[1]), (V{0, 4, 2, 3, 1}));
  sorted = Sort(budget, {I32({2, 2}, {3, 1, 2, 4})}, 0, false);
  ASSERT_TRUE(sorted.ok());
  EXPECT_EQ(Values((*sorted)[0]), (V{2, 1, 3, 4}));
}

TEST_F(FunctionsTest, TopK) {
  auto top = TopK(budget, I32({2, 3}, {1, 3, 3, 9, 7, 8}), 2);
  ASSERT_TRUE(top.ok());
  EXPECT_EQ(Values(top->first), (V{3, 3, 9, 8}));
  EXPECT_EQ(Values(top->second), (V{1, 2, 0, 2}));
  EXPECT_FALSE(TopK(budget, I32({1, 2}, {1, 2}), 3).ok());
}

TEST_F(FunctionsTest, PhiloxMatchesThePublishedVectors) {
  using Block = std::array<uint32_t, 4>;
  EXPECT_EQ(Philox({0, 0, 0, 0}, {0, 0}), (Block{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(Philox({~0u, ~0u, ~0u, ~0u}, {~0u, ~0u}),
            (Block{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(Philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (Block{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST_F(FunctionsTest, RngBitsCarryAndPair) {
  const uint64_t key = 0, counter[2] = {~uint64_t{0}, 0};
  const Tensor k = MakeTensor(DType::kUInt64, {}, &key),
               c = MakeTensor(DType::kUInt64, {2}, counter);
  absl::StatusOr<Tensor> words = RngBits(budget, k, c, DType::kUInt32, {2, 3});
  absl::StatusOr<Tensor> wide = RngBits(budget, k, c, DType::kUInt64, {3});
  ASSERT_TRUE(words.ok() && wide.ok());
  const auto first = Philox({~0u, ~0u, 0, 0}, {0, 0}), second = Philox({0, 0, 1, 0}, {0, 0});
  const uint32_t* w = words->As<uint32_t>();
  EXPECT_EQ(w[0], first[0]);
  EXPECT_EQ(w[3], first[3]);
  EXPECT_EQ(w[4], second[0]);
  EXPECT_EQ(wide->As<uint64_t>()[0], first[0] | (uint64_t{first[1]} << 32));
  EXPECT_EQ(wide->As<uint64_t>()[2], second[0] | (uint64_t{second[1]} << 32));
}

// ---- Limits ----

TEST_F(FunctionsTest, BudgetsEndPrograms) {
  Budget small({.bytes = 100, .work = 1000, .operations = 2});
  EXPECT_EQ(small.Allocate(DType::kFloat32, {26}).status().code(),
            absl::StatusCode::kResourceExhausted);
  for (int i = 0; i < 10; ++i)
    EXPECT_TRUE(small.Allocate(DType::kFloat32, {25}).ok()) << "bytes come back";
  absl::StatusOr<Tensor> held = small.Allocate(DType::kFloat32, {20});
  ASSERT_TRUE(held.ok());
  EXPECT_FALSE(small.Allocate(DType::kFloat32, {20}).ok());
  EXPECT_FALSE(small.Allocate(DType::kFloat32, {0, int64_t{1} << 40}).ok());
  EXPECT_FALSE(small.Allocate(DType::kFloat32, {-1}).ok());
  EXPECT_FALSE(small.ChargeWork(1001).ok());
  EXPECT_TRUE(small.ChargeOperation().ok());
  EXPECT_TRUE(small.ChargeOperation().ok());
  EXPECT_FALSE(small.ChargeOperation().ok());
}

}  // namespace
}  // namespace stator::compiler::reference
