#include <cstring>
#include <random>
#include <string>
#include <tuple>

#include "compiler/codegen/cpu/contraction_reference.h"
#include "compiler/codegen/cpu/testing.h"
#include "gtest/gtest.h"

namespace stator::compiler {
namespace {

using core::CoreBuilder;
using mlir::Value;
using mlir::ValueRange;
using Symbols = std::map<std::string, int64_t>;

constexpr TileOrder kSplits[] = {TileOrder::kWhole, TileOrder::kSingleTilesBackwards,
                                 TileOrder::kUneven};

template <typename T>
std::vector<T> Random(int64_t count, int seed) {
  std::mt19937 generator(seed);
  std::vector<T> values(count);
  for (T& value : values) {
    const int number = static_cast<int>(generator() % 2001) - 1000;
    value = std::is_integral_v<T> ? static_cast<T>(number * 7919) : static_cast<T>(number / 256.0f);
  }
  return values;
}

template <typename T>
void ExpectEqual(const std::vector<T>& found, const std::vector<T>& expected) {
  ASSERT_EQ(found.size(), expected.size());
  for (size_t i = 0; i < expected.size(); ++i) {
    if (std::memcmp(&found[i], &expected[i], sizeof(T)) != 0) {
      FAIL() << "element " << i << " of " << expected.size() << ": "
             << static_cast<double>(static_cast<typename SumOf<T>::Type>(found[i]))
             << ", expected "
             << static_cast<double>(static_cast<typename SumOf<T>::Type>(expected[i]));
    }
  }
}

template <typename T>
const char* NameOf() {
  if constexpr (std::is_same_v<T, float>) return "f32";
  if constexpr (std::is_same_v<T, double>) return "f64";
  if constexpr (std::is_same_v<T, Bf16>) return "bf16";
  if constexpr (std::is_same_v<T, F16>) return "f16";
  if constexpr (std::is_same_v<T, int8_t>) return "i8";
  if constexpr (std::is_same_v<T, uint16_t>) return "ui16";
  if constexpr (std::is_same_v<T, int32_t>) return "i32";
  if constexpr (std::is_same_v<T, int64_t>) return "i64";
}

int64_t Count(const std::vector<int64_t>& sizes) {
  int64_t count = 1;
  for (int64_t size : sizes) count *= size;
  return count;
}

template <typename T>
std::vector<T> Reference(mlir::Operation* op, const Symbols& symbols, const std::vector<T>& a,
                         const std::vector<T>& b) {
  if (auto dot = mlir::dyn_cast<core::DotGeneralOp>(op)) {
    return ReferenceDot(dot, symbols, a, b);
  }
  return ReferenceConvolution(mlir::cast<core::ConvolutionOp>(op), symbols, a, b);
}

// A fusion of one contraction of its two operands, run on numbers.
template <typename T>
void CheckPlain(TestFusion& fusion, const Symbols& symbols, bool all_splits = true) {
  mlir::Operation* op = &fusion.fusion().getBody().front().front();
  const std::vector<int64_t> lhs = SizesOf(op->getOperand(0), symbols);
  const std::vector<int64_t> rhs = SizesOf(op->getOperand(1), symbols);
  const std::vector<T> a = Random<T>(Count(lhs), 1), b = Random<T>(Count(rhs), 2);
  const std::vector<T> expected = Reference(op, symbols, a, b);
  for (const char* target : {"native", "x86-64-v3"}) {
    SCOPED_TRACE(target);
    for (TileOrder split : kSplits) {
      auto results =
          fusion.Run(symbols, {HostArray::Of(lhs, a), HostArray::Of(rhs, b)}, split, target);
      ASSERT_TRUE(results.ok()) << results.status();
      ExpectEqual((*results)[0].template As<T>(), expected);
      if (testing::Test::HasFatalFailure() || !all_splits) return;
    }
  }
}

struct DotDims {
  const char* a;
  const char* b;
  std::vector<int64_t> a_batch, b_batch, a_contract, b_contract;
};

const DotDims kMatMul[] = {{"m, k", "k, n", {}, {}, {1}, {0}},
                           {"k, m", "k, n", {}, {}, {0}, {0}},
                           {"m, k", "n, k", {}, {}, {1}, {1}},
                           {"k, m", "n, k", {}, {}, {0}, {1}}};

void CreateDot(TestFusion& fusion, const std::string& type, const DotDims& dims) {
  auto named = [&](const char* sizes) { return type + "[" + sizes + "]"; };
  fusion.Create("contraction", {named(dims.a), named(dims.b)}, [&](CoreBuilder& b, ValueRange args) {
    return std::vector<Value>{b.DotGeneral(args[0], args[1], dims.a_batch, dims.b_batch,
                                           dims.a_contract, dims.b_contract)};
  });
}

template <typename T>
class ContractionFusionTest : public testing::Test {};
using Types = testing::Types<float, double, Bf16, F16, int8_t, uint16_t, int32_t, int64_t>;
TYPED_TEST_SUITE(ContractionFusionTest, Types);

TYPED_TEST(ContractionFusionTest, MatMulOfSymbolicSizes) {
  for (const DotDims& dims : kMatMul) {
    SCOPED_TRACE(std::string(dims.a) + " x " + dims.b);
    TestFusion fusion;
    CreateDot(fusion, NameOf<TypeParam>(), dims);
    for (auto [m, n, k] :
         {std::tuple(1, 1, 1), std::tuple(0, 3, 3), std::tuple(3, 0, 3), std::tuple(3, 17, 0),
          std::tuple(17, 3, 257), std::tuple(1, 257, 17), std::tuple(257, 1, 3),
          std::tuple(17, 17, 17), std::tuple(65, 70, 40), std::tuple(3, 5, 5000)}) {
      SCOPED_TRACE(testing::Message() << m << "x" << n << "x" << k);
      CheckPlain<TypeParam>(fusion, {{"m", m}, {"n", n}, {"k", k}});
      if (this->HasFatalFailure()) return;
    }
  }
}

TYPED_TEST(ContractionFusionTest, MatMulOfKnownSizes) {
  const std::tuple<const char*, const char*> shapes[] = {
      {"17, 33", "33, 10"}, {"3, 257", "257, 64"}, {"128, 20", "20, 1"},
      {"1, 40", "40, 33"},  {"0, 4", "4, 5"},      {"2, 5000", "5000, 48"}};
  for (auto [a, b] : shapes) {
    SCOPED_TRACE(std::string(a) + " x " + b);
    TestFusion fusion;
    CreateDot(fusion, NameOf<TypeParam>(), {a, b, {}, {}, {1}, {0}});
    CheckPlain<TypeParam>(fusion, {});
    if (this->HasFatalFailure()) return;
  }
}

TEST(ContractionFusion, SumsOfManyChunks) {
  for (const DotDims& dims : kMatMul) {
    SCOPED_TRACE(std::string(dims.a) + " x " + dims.b);
    TestFusion fusion;
    CreateDot(fusion, "f32", dims);
    for (int64_t k : {4095, 4096, 4097, 8192, 20000}) {
      CheckPlain<float>(fusion, {{"m", 7}, {"n", 19}, {"k", k}});
      if (HasFatalFailure()) return;
    }
  }
}

TEST(ContractionFusion, BatchesAndSeveralDimensions) {
  const DotDims shapes[] = {
      {"b, m, k", "b, k, n", {0}, {0}, {2}, {1}},
      {"b, s, h, d", "b, t, h, d", {0, 2}, {0, 2}, {3}, {3}},     // attention's scores
      {"b, h, s, t", "b, t, h, d", {0, 1}, {0, 2}, {3}, {1}},     // and its values
      {"b, s, h", "h, n", {}, {}, {2}, {0}},                      // a dense layer
      {"b, s, h", "b, s, n", {}, {}, {0, 1}, {0, 1}},             // its kernel's gradient
      {"b, s, h, d", "h, d, n", {}, {}, {2, 3}, {0, 1}},          // an output projection
      {"b, s, n", "h, d, n", {}, {}, {2}, {2}},
      {"b, k", "b, k", {0}, {0}, {1}, {1}},                       // no free dimension
      {"k", "k", {}, {}, {0}, {0}},
      {"m", "n", {}, {}, {}, {}},                                 // no contracted dimension
  };
  for (const DotDims& dims : shapes) {
    SCOPED_TRACE(std::string(dims.a) + " x " + dims.b);
    TestFusion fusion;
    CreateDot(fusion, "f32", dims);
    for (const Symbols& symbols :
         {Symbols{{"b", 3}, {"m", 7}, {"n", 18}, {"k", 20}, {"s", 9}, {"t", 17}, {"h", 4}, {"d", 8}},
          Symbols{{"b", 1}, {"m", 1}, {"n", 1}, {"k", 1}, {"s", 1}, {"t", 1}, {"h", 1}, {"d", 1}},
          Symbols{{"b", 0}, {"m", 2}, {"n", 3}, {"k", 4}, {"s", 5}, {"t", 6}, {"h", 7}, {"d", 8}},
          Symbols{{"b", 2}, {"m", 2}, {"n", 3}, {"k", 0}, {"s", 0}, {"t", 6}, {"h", 7}, {"d", 0}},
          Symbols{{"b", 2}, {"m", 65}, {"n", 33}, {"k", 300}, {"s", 40}, {"t", 41}, {"h", 3}, {"d", 64}}}) {
      CheckPlain<float>(fusion, symbols);
      if (HasFatalFailure()) return;
    }
  }
}

struct ConvolutionCase {
  const char* name;
  const char* input;
  const char* kernel;
  // Input batch, feature, spatial; kernel input feature, output feature, spatial; output likewise.
  std::vector<std::vector<int64_t>> dims;
  int64_t stride = 1, dilation = 1, groups = 1;
};

const std::vector<std::vector<int64_t>> kNhwcHwio = {{0, 3, 1, 2}, {2, 3, 0, 1}, {0, 3, 1, 2}};
const std::vector<std::vector<int64_t>> kNchwOihw = {{0, 1, 2, 3}, {1, 0, 2, 3}, {0, 1, 2, 3}};
// The gradient of an HWIO kernel: batch and features change places.
const std::vector<std::vector<int64_t>> kKernelGradient = {
    {3, 0, 1, 2}, {0, 3, 1, 2}, {2, 3, 0, 1}};
// The gradient of the input: the kernel's features change places.
const std::vector<std::vector<int64_t>> kInputGradient = {{0, 3, 1, 2}, {3, 2, 0, 1}, {0, 3, 1, 2}};

CoreBuilder::Conv MakeConvolution(CoreBuilder& b, const ConvolutionCase& c) {
  CoreBuilder::Conv conv;
  const size_t spatial = c.dims[0].size() - 2;
  conv.strides.assign(spatial, c.stride);
  conv.rhs_dilation.assign(spatial, c.dilation);
  conv.lhs_dilation.assign(spatial, 1);
  conv.padding_low.assign(spatial, b.Dim(0));
  conv.padding_high.assign(spatial, b.Dim(0));
  conv.feature_group_count = c.groups;
  auto rest = [&](int i) { return llvm::ArrayRef<int64_t>(c.dims[i]).drop_front(2); };
  conv.dimension_numbers = core::ConvDimensionsAttr::get(
      b.context(), c.dims[0][0], c.dims[0][1], rest(0), c.dims[1][0], c.dims[1][1], rest(1),
      c.dims[2][0], c.dims[2][1], rest(2));
  return conv;
}

const ConvolutionCase kConvolutions[] = {
    {"known sizes", "2, 9, 11, 3", "3, 3, 3, 10", kNhwcHwio},
    {"one channel", "n, 12, 12, 1", "5, 5, 1, 32", kNhwcHwio},
    {"symbolic batch", "n, 8, 9, 16", "3, 3, 16, 32", kNhwcHwio},
    {"all symbolic", "n, h, w, ci", "kh, kw, ci, co", kNhwcHwio},
    {"strides", "n, h, w, 5", "3, 2, 5, 7", kNhwcHwio, 2},
    {"dilation", "n, h, w, 5", "3, 2, 5, 7", kNhwcHwio, 1, 2},
    {"features first", "n, ci, h, w", "co, ci, kh, kw", kNchwOihw},
    {"kernel gradient", "n, 10, 10, 3", "n, 8, 8, 16", kKernelGradient},
    {"kernel gradient with stride", "n, 11, 11, ci", "n, 5, 5, co", kKernelGradient, 1, 2},
    {"input gradient", "n, h, w, 16", "3, 3, 8, 16", kInputGradient},
    {"one dimension", "n, w, 4", "3, 4, 9", {{0, 2, 1}, {1, 2, 0}, {0, 2, 1}}},
    {"three dimensions", "n, 5, 6, 7, 2", "2, 3, 2, 2, 4", {{0, 4, 1, 2, 3}, {3, 4, 0, 1, 2}, {0, 4, 1, 2, 3}}},
    {"groups", "n, 8, 8, 12", "3, 3, 4, 24", kNhwcHwio, 1, 1, 3},
    {"depthwise", "n, h, w, 20", "3, 3, 1, 20", kNhwcHwio, 1, 1, 20},
    {"depthwise of many products", "n, 10, 10, 20", "9, 9, 1, 20", kNhwcHwio, 1, 1, 20},
    {"depthwise with stride", "n, h, w, 20", "3, 3, 1, 20", kNhwcHwio, 2, 1, 20},
    {"depthwise with multiplier", "n, 8, 8, 6", "3, 3, 1, 12", kNhwcHwio, 1, 1, 6},
};

template <typename T>
void CheckConvolutions() {
  for (const ConvolutionCase& c : kConvolutions) {
    SCOPED_TRACE(c.name);
    TestFusion fusion;
    auto typed = [&](const char* dims) { return std::string(NameOf<T>()) + "[" + dims + "]"; };
    fusion.Create("contraction", {typed(c.input), typed(c.kernel)},
                  [&](CoreBuilder& b, ValueRange args) {
                    return std::vector<Value>{
                        b.Convolution(args[0], args[1], MakeConvolution(b, c))};
                  });
    for (int64_t n : {0, 1, 3}) {
      Symbols symbols = {{"n", n}, {"h", 9}, {"w", 12}, {"ci", 3}, {"co", 21}, {"kh", 3}, {"kw", 2}};
      CheckPlain<T>(fusion, symbols);
      if (testing::Test::HasFatalFailure()) return;
    }
  }
}

TEST(ContractionFusion, ConvolutionsF32) { CheckConvolutions<float>(); }
TEST(ContractionFusion, ConvolutionsF64) { CheckConvolutions<double>(); }
TEST(ContractionFusion, ConvolutionsBf16) { CheckConvolutions<Bf16>(); }
TEST(ContractionFusion, ConvolutionsI32) { CheckConvolutions<int32_t>(); }

TEST(ContractionFusion, KernelGradientOfManyChunks) {
  TestFusion fusion;
  const ConvolutionCase c = {"", "n, 12, 12, 2", "n, 10, 10, 5", kKernelGradient};
  fusion.Create("contraction", {"f32[n, 12, 12, 2]", "f32[n, 10, 10, 5]"},
                [&](CoreBuilder& b, ValueRange args) {
                  return std::vector<Value>{b.Convolution(args[0], args[1], MakeConvolution(b, c))};
                });
  for (int64_t n : {40, 41, 100}) CheckPlain<float>(fusion, {{"n", n}});
}

// --- epilogues ---------------------------------------------------------------------------------

using Outputs = std::vector<std::vector<float>>;

void CheckOutputs(TestFusion& fusion, const Symbols& symbols,
                  const std::vector<HostArray>& operands, const Outputs& expected) {
  for (const char* target : {"native", "x86-64-v3"}) {
    for (TileOrder split : kSplits) {
      auto results = fusion.Run(symbols, operands, split, target);
      ASSERT_TRUE(results.ok()) << results.status();
      ASSERT_EQ(results->size(), expected.size());
      for (size_t i = 0; i < expected.size(); ++i) {
        SCOPED_TRACE(testing::Message() << "result " << i);
        ExpectEqual((*results)[i].As<float>(), expected[i]);
        if (testing::Test::HasFatalFailure()) return;
      }
    }
  }
}

mlir::Operation* ContractionOf(TestFusion& fusion) {
  for (mlir::Operation& op : fusion.fusion().getBody().front()) {
    if (mlir::isa<core::DotGeneralOp, core::ConvolutionOp>(op)) return &op;
  }
  return nullptr;
}

std::vector<HostArray> RandomOperands(TestFusion& fusion, const Symbols& symbols,
                                      std::vector<std::vector<float>>* values) {
  std::vector<HostArray> operands;
  for (mlir::BlockArgument argument : fusion.fusion().getBody().front().getArguments()) {
    const std::vector<int64_t> sizes = SizesOf(argument, symbols);
    values->push_back(Random<float>(Count(sizes), static_cast<int>(values->size()) + 1));
    operands.push_back(HostArray::Of(sizes, values->back()));
  }
  return operands;
}

// relu(sum + bias) * residual, together with what it is computed from.
TEST(ContractionFusion, EpilogueWithBiasResidualAndSeveralResults) {
  struct Case {
    const char *a, *b, *bias, *residual;
    std::vector<int64_t> b_contract;
  };
  const Case cases[] = {{"f32[m, k]", "f32[k, n]", "f32[n]", "f32[m, n]", {0}},
                        {"f32[m, 40]", "f32[40, 48]", "f32[48]", "f32[m, 48]", {0}},
                        {"f32[m, k]", "f32[n, k]", "f32[n]", "f32[m, n]", {1}},
                        {"f32[33, 50]", "f32[50, 10]", "f32[10]", "f32[33, 10]", {0}},
                        {"f32[1, k]", "f32[k, n]", "f32[n]", "f32[1, n]", {0}}};
  for (const Case& c : cases) {
    SCOPED_TRACE(std::string(c.a) + " x " + c.b);
    TestFusion fusion;
    fusion.Create("contraction", {c.a, c.b, c.bias, c.residual},
                  [&](CoreBuilder& b, ValueRange args) {
                    Value sum = b.DotGeneral(args[0], args[1], {}, {}, {1}, c.b_contract);
                    Value biased = b.Add(sum, args[2]);
                    Value relu = b.Max(biased, b.SplatLike(biased, 0));
                    return std::vector<Value>{b.Mul(relu, args[3]), sum, biased};
                  });
    for (auto [m, n, k] : {std::tuple(1, 1, 1), std::tuple(7, 19, 30), std::tuple(70, 64, 33),
                           std::tuple(0, 5, 5), std::tuple(5, 40, 5000), std::tuple(6, 3, 0)}) {
      const Symbols symbols = {{"m", m}, {"n", n}, {"k", k}};
      Outputs values;
      std::vector<HostArray> operands = RandomOperands(fusion, symbols, &values);
      Outputs expected(3);
      expected[1] = Reference(ContractionOf(fusion), symbols, values[0], values[1]);
      for (size_t i = 0; i < expected[1].size(); ++i) {
        expected[2].push_back(expected[1][i] + values[2][i % values[2].size()]);
        expected[0].push_back(std::max(expected[2][i], 0.0f) * values[3][i]);
      }
      CheckOutputs(fusion, symbols, operands, expected);
      if (HasFatalFailure()) return;
    }
  }
}

// Every dimension of the result is broadcast along once; the result's lanes may run along any.
TEST(ContractionFusion, EpilogueOfBatchedContractions) {
  TestFusion fusion;
  fusion.Create("contraction", {"f32[b, s, h, d]", "f32[b, t, h, d]", "f32[b, 1, t]", "f32[h, 1, 1]"},
                [&](CoreBuilder& b, ValueRange args) {
                  Value scores = b.DotGeneral(args[0], args[1], {0, 2}, {0, 2}, {3}, {3});
                  const core::Dims dims = core::DimsOf(scores);
                  Value mask = b.BroadcastInDim(b.Reshape(args[2], {dims[0], dims[3]}), {0, 3}, dims);
                  return std::vector<Value>{b.Mul(b.Add(scores, mask), args[3])};
                });
  for (auto [s, t] : {std::pair(5, 18), std::pair(1, 1), std::pair(40, 64)}) {
    const Symbols symbols = {{"b", 3}, {"s", s}, {"t", t}, {"h", 4}, {"d", 16}};
    Outputs values;
    std::vector<HostArray> operands = RandomOperands(fusion, symbols, &values);
    std::vector<float> expected = Reference(ContractionOf(fusion), symbols, values[0], values[1]);
    for (size_t i = 0; i < expected.size(); ++i) {
      const size_t column = i % t, head = i / (size_t{1} * t * s) % 4, batch = i / (size_t{4} * t * s);
      expected[i] = (expected[i] + values[2][batch * t + column]) * values[3][head];
    }
    CheckOutputs(fusion, symbols, operands, {expected});
    if (HasFatalFailure()) return;
  }
}

TEST(ContractionFusion, EpilogueOfConvolutions) {
  const ConvolutionCase cases[] = {{"", "n, 8, 9, 16", "3, 3, 16, 32", kNhwcHwio},
                                   {"", "n, h, w, 20", "3, 3, 1, 20", kNhwcHwio, 1, 1, 20},
                                   {"", "n, 8, 8, 12", "3, 3, 4, 24", kNhwcHwio, 1, 1, 3},
                                   {"", "n, h, w, 4", "1, 1, 4, 20", kNhwcHwio}};
  for (const ConvolutionCase& c : cases) {
    SCOPED_TRACE(std::string(c.input) + " * " + c.kernel);
    TestFusion fusion;
    const std::string features = std::string(c.kernel).substr(std::string(c.kernel).rfind(' ') + 1);
    fusion.Create("contraction",
                  {"f32[" + std::string(c.input) + "]", "f32[" + std::string(c.kernel) + "]",
                   "f32[" + features + "]"},
                  [&](CoreBuilder& b, ValueRange args) {
                    Value sum = b.Convolution(args[0], args[1], MakeConvolution(b, c));
                    Value biased = b.Add(sum, args[2]);
                    return std::vector<Value>{b.Max(biased, b.SplatLike(biased, 0)), biased};
                  });
    for (int64_t n : {1, 4}) {
      const Symbols symbols = {{"n", n}, {"h", 7}, {"w", 5}};
      Outputs values;
      std::vector<HostArray> operands = RandomOperands(fusion, symbols, &values);
      Outputs expected(2);
      expected[1] = Reference(ContractionOf(fusion), symbols, values[0], values[1]);
      for (size_t i = 0; i < expected[1].size(); ++i) {
        expected[1][i] += values[2][i % values[2].size()];
        expected[0].push_back(std::max(expected[1][i], 0.0f));
      }
      CheckOutputs(fusion, symbols, operands, expected);
      if (HasFatalFailure()) return;
    }
  }
}

TEST(ContractionFusion, EpilogueThatRoundsOnce) {
  TestFusion fusion;
  fusion.Create("contraction", {"bf16[m, k]", "bf16[k, n]"}, [&](CoreBuilder& b, ValueRange args) {
    Value sum = b.MatMul(args[0], args[1]);
    return std::vector<Value>{b.Convert(sum, mlir::Builder(b.context()).getF32Type())};
  });
  const Symbols symbols = {{"m", 9}, {"n", 21}, {"k", 50}};
  std::vector<Bf16> a = Random<Bf16>(9 * 50, 1), c = Random<Bf16>(50 * 21, 2);
  std::vector<float> expected;
  for (Bf16 x : Reference(ContractionOf(fusion), symbols, a, c)) {
    expected.push_back(static_cast<float>(x));
  }
  CheckOutputs(fusion, symbols, {HostArray::Of({9, 50}, a), HostArray::Of({50, 21}, c)}, {expected});
}

// What an epilogue cannot do goes through memory: other positions, several contractions, operands
// that are computed here.
TEST(ContractionFusion, BodiesThatAreNoEpilogue) {
  const Symbols symbols = {{"m", 9}, {"n", 9}, {"k", 20}};
  TestFusion reversed;
  reversed.Create("contraction", {"f32[m, k]", "f32[k, n]"}, [&](CoreBuilder& b, ValueRange args) {
    Value sum = b.MatMul(args[0], args[1]);
    return std::vector<Value>{b.Add(sum, b.Reverse(sum, {0, 1})), sum};
  });
  Outputs values;
  std::vector<HostArray> operands = RandomOperands(reversed, symbols, &values);
  std::vector<float> sum = Reference(ContractionOf(reversed), symbols, values[0], values[1]);
  Outputs expected = {sum, sum};
  for (size_t i = 0; i < sum.size(); ++i) expected[0][i] += sum[sum.size() - 1 - i];
  CheckOutputs(reversed, symbols, operands, expected);

  TestFusion chained;
  chained.Create("contraction", {"f32[m, k]", "f32[k, n]"}, [&](CoreBuilder& b, ValueRange args) {
    Value sum = b.MatMul(b.Neg(args[0]), args[1]);
    return std::vector<Value>{b.MatMul(b.Transpose(sum, {1, 0}), sum)};
  });
  std::vector<mlir::Operation*> dots;
  for (mlir::Operation& op : chained.fusion().getBody().front()) {
    if (mlir::isa<core::DotGeneralOp>(op)) dots.push_back(&op);
  }
  for (float& x : sum) x = -x;
  std::vector<float> transposed(sum.size());
  for (int i = 0; i < 9; ++i) {
    for (int j = 0; j < 9; ++j) transposed[j * 9 + i] = sum[i * 9 + j];
  }
  CheckOutputs(chained, symbols, operands, {Reference(dots[1], symbols, transposed, sum)});
}

}  // namespace
}  // namespace stator::compiler
