// Gradients of movement, contractions and reductions against finite differences.

#include "compiler/autodiff/gradient_checker.h"
#include "gtest/gtest.h"

namespace stator::compiler {
namespace {

using core::CoreBuilder;
using core::ReduceKind;
using mlir::Value;
using mlir::ValueRange;
using Values = CoreBuilder::Values;

struct Case {
  const char* name;
  std::vector<GradientInput> inputs;
  BuildForward build;
  int order = 2;
};
void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

class TensorGradientTest : public ::testing::TestWithParam<Case> {};

TEST_P(TensorGradientTest, MatchesDifferences) {
  for (int order = 1; order <= GetParam().order; ++order) {
    GradientChecker checker;
    checker.Check(GetParam().inputs, GetParam().build, order, order == 1 ? 2e-7 : 1e-6);
  }
}

std::string Name(const ::testing::TestParamInfo<Case>& info) { return info.param.name; }

// Movement is linear: a sine after it lets second derivatives show.
Values Curved(CoreBuilder& b, Value x) { return {b.Sin(x)}; }

Value Indices(CoreBuilder& b, std::vector<int64_t> dims, llvm::ArrayRef<int64_t> values) {
  return b.Reshape(b.VectorInt(b.builder().getI32Type(), values), b.StaticDims(dims));
}

INSTANTIATE_TEST_SUITE_P(
    Movement, TensorGradientTest,
    ::testing::Values(
        Case{"broadcast_permuted", {{{3, 2}}}, [](CoreBuilder& b, ValueRange x) {
          return Curved(b, b.BroadcastInDim(x[0], {2, 0}, b.StaticDims({2, 4, 3})));
        }},
        Case{"reshape", {{{2, 6}}}, [](CoreBuilder& b, ValueRange x) {
          return Curved(b, b.Reshape(x[0], b.StaticDims({3, 4})));
        }},
        Case{"transpose", {{{2, 3, 4}}}, [](CoreBuilder& b, ValueRange x) {
          return Curved(b, b.Transpose(x[0], {2, 0, 1}));
        }},
        Case{"slice", {{{5, 7}}}, [](CoreBuilder& b, ValueRange x) {
          return Curved(b, b.Slice(x[0], b.StaticDims({1, 2}), b.StaticDims({4, 7}), {1, 3}));
        }},
        Case{"pad", {{{2, 3}}, {{}}}, [](CoreBuilder& b, ValueRange x) {
          return Curved(b, b.Pad(x[0], x[1], b.StaticDims({1, 0}), b.StaticDims({0, 2}), {0, 2}));
        }},
        Case{"pad_negative", {{{4, 5}}, {{}}}, [](CoreBuilder& b, ValueRange x) {
          return Curved(b, b.Pad(x[0], x[1], b.StaticDims({-1, 2}), b.StaticDims({1, -2}), {0, 1}));
        }},
        Case{"concatenate", {{{2, 1}}, {{2, 3}}}, [](CoreBuilder& b, ValueRange x) {
          return Curved(b, b.Concatenate({x[0], x[1], x[0]}, 1));
        }},
        Case{"reverse", {{{2, 3}}}, [](CoreBuilder& b, ValueRange x) {
          return Curved(b, b.Reverse(x[0], {1}));
        }},
        // Repeated and clamped indices.
        Case{"gather", {{{3, 4}}}, [](CoreBuilder& b, ValueRange x) {
          return Curved(b, b.Gather(x[0], Indices(b, {2, 3}, {0, 3, 3, -2, 9, 1}), 1, 0));
        }},
        Case{"gather_batched", {{{2, 3, 4, 2}}}, [](CoreBuilder& b, ValueRange x) {
          return Curved(b, b.Gather(x[0], Indices(b, {2, 3}, {0, 3, 3, 2, 2, 1}), 2, 1));
        }},
        Case{"scatter_add", {{{3, 4}}, {{3, 3}}}, [](CoreBuilder& b, ValueRange x) {
          return Curved(b, b.Scatter(core::ScatterKind::kAdd, x[0], Indices(b, {3}, {2, 7, 2}), x[1], 1, 0));
        }},
        Case{"scatter_assign", {{{4, 3}}, {{4, 3}}}, [](CoreBuilder& b, ValueRange x) {
          return Curved(b, b.Scatter(core::ScatterKind::kAssign, x[0], Indices(b, {4}, {2, -1, 2, 0}), x[1], 0, 0));
        }},
        Case{"dynamic_slice", {{{5, 4}}}, [](CoreBuilder& b, ValueRange x) {
          Value one = b.ScalarInt(b.builder().getI32Type(), 1), far = b.ScalarInt(b.builder().getI32Type(), 9);
          return Curved(b, b.DynamicSlice(x[0], {one, far}, b.StaticDims({2, 3})));
        }},
        Case{"dynamic_update_slice", {{{5, 4}}, {{2, 3}}}, [](CoreBuilder& b, ValueRange x) {
          Value one = b.ScalarInt(b.builder().getI32Type(), 1), far = b.ScalarInt(b.builder().getI32Type(), 9);
          return Curved(b, b.DynamicUpdateSlice(x[0], x[1], {one, far}));
        }},
        Case{"compact", {{{5, 2}}}, [](CoreBuilder& b, ValueRange x) {
          Value first = b.Reshape(b.SliceDim(x[0], 1, b.Dim(0), b.Dim(1)), b.StaticDims({5}));
          return Curved(b, b.Compact(x[0], b.Gt(first, b.SplatLike(first, -0.2)), "kept"));
        }},
        Case{"sort", {{{4, 2}}, {{4, 2}}}, [](CoreBuilder& b, ValueRange x) {
          auto op = b.builder().create<core::SortOp>(b.loc(), x.getTypes(), x, 0, true);
          return Values{b.Sin(op.getResult(0)), b.Sin(op.getResult(1))};
        }},
        Case{"top_k", {{{2, 5}}}, [](CoreBuilder& b, ValueRange x) {
          auto op = b.builder().create<core::TopKOp>(
              b.loc(), mlir::RankedTensorType::get({2, 3}, b.builder().getF64Type()),
              mlir::RankedTensorType::get({2, 3}, b.builder().getI32Type()), x[0]);
          return Curved(b, op.getValues());
        }}),
    Name);

struct ConvSpec {
  int64_t stride = 1, lhs_dilation = 1, rhs_dilation = 1, low = 0, high = 0, groups = 1;
  bool transposed_layout = false;
};

// One spatial dimension of its own numbers, the other plain.
BuildForward Conv(ConvSpec spec) {
  return [spec](CoreBuilder& b, ValueRange x) {
    CoreBuilder::Conv conv;
    conv.strides = {spec.stride, 1};
    conv.lhs_dilation = {spec.lhs_dilation, 1};
    conv.rhs_dilation = {spec.rhs_dilation, 1};
    conv.padding_low = b.StaticDims({spec.low, 0});
    conv.padding_high = b.StaticDims({spec.high, 1});
    conv.feature_group_count = spec.groups;
    // NHWC with HWIO, or NCHW with OIHW.
    conv.dimension_numbers =
        spec.transposed_layout
            ? core::ConvDimensionsAttr::get(b.context(), 0, 1, {2, 3}, 1, 0, {2, 3}, 0, 1, {2, 3})
            : core::ConvDimensionsAttr::get(b.context(), 0, 3, {1, 2}, 2, 3, {0, 1}, 0, 3, {1, 2});
    return Values{b.Convolution(x[0], x[1], conv)};
  };
}
const std::vector<GradientInput> kConvInputs = {{{2, 7, 4, 4}}, {{3, 2, 4, 3}}};

INSTANTIATE_TEST_SUITE_P(
    Contraction, TensorGradientTest,
    ::testing::Values(
        Case{"matmul", {{{2, 3}}, {{3, 4}}}, [](CoreBuilder& b, ValueRange x) { return Values{b.MatMul(x[0], x[1])}; }},
        Case{"dot_batched", {{{3, 2, 4, 2}}, {{2, 2, 5, 3}}}, [](CoreBuilder& b, ValueRange x) {
          return Values{b.DotGeneral(x[0], x[1], {1, 0}, {0, 3}, {3}, {1})};
        }},
        Case{"dot_two_contracting", {{{3, 2, 4}}, {{4, 5, 3}}}, [](CoreBuilder& b, ValueRange x) {
          return Values{b.DotGeneral(x[0], x[1], {}, {}, {2, 0}, {0, 2})};
        }},
        Case{"outer_product", {{{3}}, {{2}}}, [](CoreBuilder& b, ValueRange x) {
          return Values{b.DotGeneral(x[0], x[1], {}, {}, {}, {})};
        }},
        Case{"convolution", kConvInputs, Conv({})}, Case{"convolution_strides", kConvInputs, Conv({.stride = 2})},
        Case{"convolution_stride_leaves_rest", {{{1, 8, 3, 2}}, {{2, 2, 2, 1}}}, Conv({.stride = 3})},
        Case{"convolution_padding", kConvInputs, Conv({.stride = 2, .low = 2, .high = 1})},
        Case{"convolution_dilation", kConvInputs, Conv({.rhs_dilation = 2, .low = 1})},
        Case{"convolution_input_dilation", kConvInputs, Conv({.stride = 2, .lhs_dilation = 3, .low = 1, .high = 2})},
        Case{"convolution_crop", kConvInputs, Conv({.low = -1, .high = -1})},
        Case{"convolution_groups", {{{2, 5, 3, 4}}, {{2, 2, 2, 6}}}, Conv({.stride = 2, .low = 1, .groups = 2})},
        Case{"convolution_depthwise", {{{2, 5, 3, 3}}, {{2, 2, 1, 6}}}, Conv({.groups = 3})},
        Case{"convolution_other_layout", {{{2, 4, 5, 3}}, {{6, 2, 2, 2}}},
             Conv({.stride = 2, .low = 1, .groups = 2, .transposed_layout = true})}),
    Name);

Case ReduceCase(const char* name, ReduceKind kind, std::vector<double> values = {}) {
  return {name, {{{2, 3, 2}, -1, 1, values}}, [kind](CoreBuilder& b, ValueRange x) {
    return Curved(b, b.Reduce(kind, x[0], {2, 0}));
  }};
}

Case WindowCase(const char* name, ReduceKind kind, int64_t stride, int64_t low, int order) {
  return {name, {{{2, 6, 2}}}, [=](CoreBuilder& b, ValueRange x) {
    CoreBuilder::Window window;
    window.sizes = {1, 3, 1};
    window.strides = {1, stride, 1};
    window.padding_low = b.StaticDims({0, low, 0});
    window.padding_high = b.StaticDims({0, 1, 0});
    return Curved(b, b.ReduceWindow(kind, x[0], window));
  }, order};
}

Case CumulativeCase(const char* name, ReduceKind kind, bool exclusive, bool reverse) {
  return {name, {{{2, 4, 2}, 0.5, 1.5, {}}}, [=](CoreBuilder& b, ValueRange x) {
    return Curved(b, b.Cumulative(kind, x[0], 1, exclusive, reverse));
  }};
}

INSTANTIATE_TEST_SUITE_P(
    Reduction, TensorGradientTest,
    ::testing::Values(
        ReduceCase("sum", ReduceKind::kAdd), ReduceCase("product", ReduceKind::kMul),
        ReduceCase("max", ReduceKind::kMax), ReduceCase("min", ReduceKind::kMin),
        WindowCase("window_sum", ReduceKind::kAdd, 1, 1, 2), WindowCase("window_sum_strided", ReduceKind::kAdd, 2, 0, 2),
        WindowCase("window_max", ReduceKind::kMax, 2, 1, 1), WindowCase("window_min", ReduceKind::kMin, 1, 0, 1),
        CumulativeCase("cumsum", ReduceKind::kAdd, false, false), CumulativeCase("cumsum_back", ReduceKind::kAdd, true, true),
        CumulativeCase("cumprod", ReduceKind::kMul, false, true),
        CumulativeCase("cumprod_exclusive", ReduceKind::kMul, true, false)),
    Name);

TEST(ProductGradientTest, IsExactAtZeros) {
  GradientChecker checker;
  checker.Check({{{2, 3}, 0, 0, {0, 2, 3, 0, 5, 0}}},
                [](CoreBuilder& b, ValueRange x) { return Values{b.Reduce(ReduceKind::kMul, x[0], {1})}; });
}

}  // namespace
}  // namespace stator::compiler
