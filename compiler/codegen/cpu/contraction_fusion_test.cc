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

}  // namespace
}  // namespace stator::compiler
