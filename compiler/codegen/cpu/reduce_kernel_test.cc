// Reductions, bit by bit against a scalar implementation of their order that is written here anew.
#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <random>

#include "absl/strings/str_cat.h"
#include "compiler/codegen/cpu/testing.h"
#include "compiler/math/evaluate.h"
#include "compiler/passes/fix_sum_order/fix_sum_order.h"
#include "gtest/gtest.h"

namespace stator::compiler {
namespace {

using core::CoreBuilder;
using core::ReduceKind;
using mlir::Value;
using mlir::ValueRange;

constexpr int64_t kLaneBlock = 65536, kColumnBlock = 512;

// Elements as the tests compute with them: floats as double or float, integers as int64_t.
struct Bf16 {
  uint16_t bits;
  using Number = float;
  static Bf16 From(float x) {
    uint32_t u = std::bit_cast<uint32_t>(x);
    if (std::isnan(x)) return {0x7fc0};
    return {static_cast<uint16_t>((u + 0x7fff + ((u >> 16) & 1)) >> 16)};
  }
  float Get() const { return std::bit_cast<float>(uint32_t{bits} << 16); }
};
struct F16 {
  uint16_t bits;
  using Number = float;
  static F16 From(float x) {
    const uint16_t sign = std::signbit(x) ? 0x8000 : 0;
    if (std::isnan(x)) return {0x7e00};
    int exponent = 0;
    std::frexp(x, &exponent);
    exponent = x == 0 ? -13 : std::max(exponent, -13);
    const double steps =
        std::nearbyint(std::ldexp(std::fabs(static_cast<double>(x)), 11 - exponent));
    if (std::isinf(x) || std::ldexp(steps, exponent - 11) >= 65520) {
      return {static_cast<uint16_t>(sign | 0x7c00)};
    }
    // A carry out of the significand goes into the exponent, as it should.
    const int biased = exponent + 13;
    return {static_cast<uint16_t>(sign | ((biased << 10) + static_cast<int>(steps)))};
  }
  float Get() const {
    const int exponent = (bits >> 10) & 31, significand = bits & 1023;
    const double magnitude = exponent == 0 ? std::ldexp(significand, -24)
                                           : std::ldexp(significand + 1024, exponent - 25);
    return static_cast<float>((bits & 0x8000) ? -magnitude : magnitude);
  }
};
struct Bool {
  uint8_t bits;
  using Number = int64_t;
  static Bool From(int64_t x) { return {static_cast<uint8_t>(x & 1)}; }
  int64_t Get() const { return bits; }
};
template <typename T>
struct Plain {
  T bits;
  using Number = std::conditional_t<std::is_floating_point_v<T>, T, int64_t>;
  static Plain From(Number x) { return {static_cast<T>(x)}; }
  Number Get() const { return bits; }
};
using F32 = Plain<float>;
using F64 = Plain<double>;
using I8 = Plain<int8_t>;
using I32 = Plain<int32_t>;
using I64 = Plain<int64_t>;
using U32 = Plain<uint32_t>;

template <typename N>
N Combine(ReduceKind kind, bool is_bool, N a, N b) {
  switch (kind) {
    case ReduceKind::kAdd:
      if (is_bool) return (a != 0) || (b != 0);
      if constexpr (std::is_integral_v<N>)
        return static_cast<N>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
      return a + b;
    case ReduceKind::kMul:
      if constexpr (std::is_integral_v<N>)
        return static_cast<N>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
      return a * b;
    case ReduceKind::kMax:
      return a != a ? a : b != b ? b : std::max(a, b);
    case ReduceKind::kMin:
      return a != a ? a : b != b ? b : std::min(a, b);
    case ReduceKind::kAnd:
      if constexpr (std::is_integral_v<N>) return a & b;
      break;
    case ReduceKind::kOr:
      if constexpr (std::is_integral_v<N>) return a | b;
      break;
    default:
      break;
  }
  return a;
}

template <typename E>
typename E::Number Identity(ReduceKind kind) {
  using N = typename E::Number;
  using Limits = std::numeric_limits<decltype(E::bits)>;
  const bool is_bool = std::is_same_v<E, Bool>;
  switch (kind) {
    case ReduceKind::kMul:
      return 1;
    case ReduceKind::kAnd:
      return is_bool ? 1 : static_cast<N>(-1);
    case ReduceKind::kMax:
      if constexpr (std::is_floating_point_v<N>) return -std::numeric_limits<N>::infinity();
      return is_bool ? 0 : static_cast<N>(Limits::lowest());
    case ReduceKind::kMin:
      if constexpr (std::is_floating_point_v<N>) return std::numeric_limits<N>::infinity();
      return is_bool ? 1 : static_cast<N>(Limits::max());
    default:
      return 0;
  }
}

template <typename N, typename Op>
N TreeOf(const std::vector<N>& v, size_t begin, size_t count, Op op) {
  if (count == 1) return v[begin];
  const size_t left = std::bit_ceil(count) / 2;
  return op(TreeOf(v, begin, left, op), TreeOf(v, begin + left, count - left, op));
}

template <typename E>
typename E::Number Ordered(ReduceKind kind, const std::vector<typename E::Number>& x, int64_t lanes,
                           int64_t block) {
  using N = typename E::Number;
  auto op = [&](N a, N b) { return Combine<N>(kind, std::is_same_v<E, Bool>, a, b); };
  std::vector<N> blocks;
  for (size_t begin = 0; begin < x.size() || begin == 0; begin += block) {
    std::vector<N> lane(lanes, Identity<E>(kind));
    for (size_t i = begin; i < std::min<size_t>(begin + block, x.size()); ++i) {
      lane[(i - begin) % lanes] = op(lane[(i - begin) % lanes], x[i]);
    }
    for (int64_t half = lanes / 2; half >= 1; half /= 2) {
      for (int64_t l = 0; l < half; ++l) lane[l] = op(lane[l], lane[l + half]);
    }
    blocks.push_back(lane[0]);
  }
  return TreeOf(blocks, 0, blocks.size(), op);
}

template <typename E>
std::vector<E> Random(int64_t count, int seed) {
  std::mt19937 generator(seed);
  std::vector<E> values;
  for (int64_t i = 0; i < count; ++i) {
    using N = typename E::Number;
    if constexpr (std::is_floating_point_v<N>) {
      const double exponent = static_cast<double>(generator() % 8) - 6;
      values.push_back(
          E::From(static_cast<N>(std::ldexp(generator() / 2147483648.0 - 1, exponent))));
    } else {
      values.push_back(E::From(static_cast<N>(static_cast<int32_t>(generator()))));
    }
  }
  return values;
}

template <typename E>
std::vector<typename E::Number> Numbers(const std::vector<E>& elements) {
  std::vector<typename E::Number> numbers;
  for (const E& e : elements) numbers.push_back(e.Get());
  return numbers;
}

template <typename E>
void ExpectBits(TestFusion& fusion, const std::map<std::string, int64_t>& symbols,
                const std::vector<HostArray>& operands, const std::vector<E>& expected,
                size_t result = 0) {
  for (const char* target : {"native", "x86-64-v3"}) {
    for (TileOrder split : {TileOrder::kWhole, TileOrder::kUneven}) {
      auto results = fusion.Run(symbols, operands, split, target);
      ASSERT_TRUE(results.ok()) << results.status();
      const std::vector<E> found = (*results)[result].As<E>();
      ASSERT_EQ(found.size(), expected.size());
      for (size_t i = 0; i < expected.size(); ++i) {
        const bool both_nan =
            expected[i].Get() != expected[i].Get() && found[i].Get() != found[i].Get();
        if (!both_nan && std::memcmp(&found[i], &expected[i], sizeof(E)) != 0) {
          std::string where;
          for (auto [name, value] : symbols) absl::StrAppend(&where, name, "=", value, " ");
          FAIL() << target << " " << where << "element " << i << ": " << +found[i].Get()
                 << ", expected " << +expected[i].Get();
        }
      }
    }
  }
}

core::FusionOp CreateOrdered(TestFusion& fusion, const std::vector<std::string>& operands,
                             const TestFusion::Build& build) {
  core::FusionOp op = fusion.Create("reduce", operands, build);
  FixSumOrder(op->getParentOfType<mlir::ModuleOp>());
  return op;
}

template <typename E>
void TestReduce(const std::string& type, ReduceKind kind) {
  const int64_t lanes = std::is_same_v<E, F64> ? 32 : 64;
  TestFusion rows, columns, all, known_rows, known_columns;
  auto reduce = [&](std::vector<int64_t> dims) {
    return [=](CoreBuilder& b, ValueRange args) {
      return std::vector<Value>{b.Reduce(kind, args[0], dims)};
    };
  };
  CreateOrdered(rows, {type + "[m, n]"}, reduce({1}));
  CreateOrdered(columns, {type + "[m, n]"}, reduce({0}));
  CreateOrdered(all, {type + "[m, n]"}, reduce({0, 1}));
  CreateOrdered(known_rows, {type + "[m, 77]"}, reduce({1}));
  CreateOrdered(known_columns, {type + "[m, 77]"}, reduce({0}));
  auto check = [&](int64_t m, int64_t n, TestFusion* by_rows, TestFusion* by_columns) {
    const std::vector<E> x = Random<E>(m * n, static_cast<int>(m + n));
    const auto numbers = Numbers(x);
    const std::vector<HostArray> operands = {HostArray::Of({m, n}, x)};
    const std::map<std::string, int64_t> symbols = {{"m", m}, {"n", n}};
    std::vector<E> expected;
    for (int64_t i = 0; i < m; ++i) {
      std::vector<typename E::Number> row(numbers.begin() + i * n, numbers.begin() + (i + 1) * n);
      expected.push_back(E::From(Ordered<E>(kind, row, lanes, kLaneBlock)));
    }
    ExpectBits(*by_rows, symbols, operands, expected);
    expected.clear();
    for (int64_t j = 0; j < n; ++j) {
      std::vector<typename E::Number> column;
      for (int64_t i = 0; i < m; ++i) column.push_back(numbers[i * n + j]);
      expected.push_back(E::From(Ordered<E>(kind, column, 1, kColumnBlock)));
    }
    ExpectBits(*by_columns, symbols, operands, expected);
    ExpectBits(all, symbols, operands,
               std::vector<E>{E::From(Ordered<E>(kind, numbers, lanes, kLaneBlock))});
  };
  for (int64_t m : {0, 1, 3, 700}) {
    for (int64_t n : {0, 1, 31, 64, 65, 1000}) check(m, n, &rows, &columns);
    check(m, 77, &known_rows, &known_columns);
  }
  check(2, 70000, &rows, &columns);
  check(1, 460000, &rows, &columns);
  check(5 * 512 + 1, 300, &rows, &columns);
}

TEST(ReduceKernel, AddF32) { TestReduce<F32>("f32", ReduceKind::kAdd); }
TEST(ReduceKernel, AddF64) { TestReduce<F64>("f64", ReduceKind::kAdd); }
TEST(ReduceKernel, AddBf16) { TestReduce<Bf16>("bf16", ReduceKind::kAdd); }
TEST(ReduceKernel, AddF16) { TestReduce<F16>("f16", ReduceKind::kAdd); }
TEST(ReduceKernel, AddI32) { TestReduce<I32>("i32", ReduceKind::kAdd); }
TEST(ReduceKernel, AddI64) { TestReduce<I64>("i64", ReduceKind::kAdd); }
TEST(ReduceKernel, AddBool) { TestReduce<Bool>("i1", ReduceKind::kAdd); }
TEST(ReduceKernel, MulF32) { TestReduce<F32>("f32", ReduceKind::kMul); }
TEST(ReduceKernel, MaxF32) { TestReduce<F32>("f32", ReduceKind::kMax); }
TEST(ReduceKernel, MinF16) { TestReduce<F16>("f16", ReduceKind::kMin); }
TEST(ReduceKernel, MaxI8) { TestReduce<I8>("i8", ReduceKind::kMax); }
TEST(ReduceKernel, MinU32) { TestReduce<U32>("ui32", ReduceKind::kMin); }
TEST(ReduceKernel, MinI64) { TestReduce<I64>("i64", ReduceKind::kMin); }
TEST(ReduceKernel, AndBool) { TestReduce<Bool>("i1", ReduceKind::kAnd); }
TEST(ReduceKernel, OrI32) { TestReduce<I32>("i32", ReduceKind::kOr); }

template <typename E, typename I>
void TestArg(const std::string& type, bool max, int index_bits) {
  for (int dim : {0, 1}) {
    TestFusion fusion;
    CreateOrdered(fusion, {type + "[m, n]"}, [&](CoreBuilder& b, ValueRange args) {
      return std::vector<Value>{
          b.ArgReduce(max ? ReduceKind::kArgMax : ReduceKind::kArgMin, args[0], dim,
                      mlir::IntegerType::get(args[0].getContext(), index_bits))};
    });
    for (auto [m, n] : std::vector<std::pair<int64_t, int64_t>>{
             {3, 10}, {1, 0}, {0, 3}, {700, 65}, {1100, 17}, {2, 1000}, {2, 70000}}) {
      std::vector<E> x = Random<E>(m * n, static_cast<int>(m * 7 + n));
      for (E& e : x) {  // ties, and NaN in some rows
        e = E::From(static_cast<int>(e.Get() * 4) % 8);
      }
      if constexpr (std::is_floating_point_v<typename E::Number>) {
        if (x.size() > 3000) x[1234].bits = x[777].bits = E::From(NAN).bits;
      }
      const auto v = Numbers(x);
      std::vector<I> expected;
      const int64_t results = dim == 0 ? n : m, count = dim == 0 ? m : n;
      for (int64_t r = 0; r < results; ++r) {
        auto at = [&](int64_t i) { return dim == 0 ? v[i * n + r] : v[r * n + i]; };
        int64_t best = 0;
        for (int64_t i = 1; i < count; ++i) {
          if (at(best) != at(best)) break;
          if (at(i) != at(i) || (max ? at(i) > at(best) : at(i) < at(best))) best = i;
        }
        expected.push_back(I::From(best));
      }
      ExpectBits(fusion, {{"m", m}, {"n", n}}, {HostArray::Of({m, n}, x)}, expected);
    }
  }
}

TEST(ReduceKernel, ArgMaxF32) { TestArg<F32, I64>("f32", true, 64); }
TEST(ReduceKernel, ArgMinBf16) { TestArg<Bf16, I32>("bf16", false, 32); }
TEST(ReduceKernel, ArgMaxI32) { TestArg<I32, I32>("i32", true, 32); }

// Any dimensions: kept and reduced ones in turn.
TEST(ReduceKernel, ReducesDimensionsInTheMiddle) {
  for (std::vector<int64_t> dims : std::vector<std::vector<int64_t>>{
           {1}, {0, 2}, {1, 3}, {0, 1, 2}, {1, 2}, {0, 3}, {2}, {2, 3}, {0, 1, 2, 3}}) {
    TestFusion fusion;
    CreateOrdered(fusion, {"f32[a, b, c, d]", "f32[d]"}, [&](CoreBuilder& b, ValueRange args) {
      return std::vector<Value>{b.ReduceAdd(b.Mul(args[0], args[1]), dims)};
    });
    for (std::vector<int64_t> s :
         std::vector<std::vector<int64_t>>{{2, 3, 5, 7}, {3, 40, 20, 33}}) {
      const std::vector<F32> x = Random<F32>(s[0] * s[1] * s[2] * s[3], 5),
                             y = Random<F32>(s[3], 6);
      std::map<std::vector<int64_t>, std::vector<float>> terms;
      for (int64_t i = 0; i < static_cast<int64_t>(x.size()); ++i) {
        const int64_t index[4] = {i / (s[1] * s[2] * s[3]), i / (s[2] * s[3]) % s[1],
                                  i / s[3] % s[2], i % s[3]};
        std::vector<int64_t> kept;
        for (int64_t k = 0; k < 4; ++k) {
          if (std::count(dims.begin(), dims.end(), k) == 0) kept.push_back(index[k]);
        }
        terms[kept].push_back(x[i].bits * y[index[3]].bits);
      }
      const bool innermost = std::count(dims.begin(), dims.end(), 3) != 0;
      std::vector<F32> expected;
      for (const auto& [kept, values] : terms) {
        expected.push_back({Ordered<F32>(ReduceKind::kAdd, values, innermost ? 64 : 1,
                                         innermost ? kLaneBlock : kColumnBlock)});
      }
      ExpectBits(fusion, {{"a", s[0]}, {"b", s[1]}, {"c", s[2]}, {"d", s[3]}},
                 {HostArray::Of(s, x), HostArray::Of({s[3]}, y)}, expected);
    }
  }
}

// exp(x - max) / sum, the log of the sum, and a dimension kept as 1 on the way.
void TestSoftmax(const std::string& columns) {
  TestFusion fusion;
  CreateOrdered(fusion, {"f32[b, h, " + columns + "]"}, [&](CoreBuilder& b, ValueRange args) {
    Value max = b.Reduce(ReduceKind::kMax, args[0], {2}, /*keep_dims=*/true);
    Value e = b.Exp(b.Sub(args[0], max));
    Value sum = b.ReduceAdd(e, {2}, true);
    return std::vector<Value>{b.Div(e, sum), b.Log(b.ReduceAdd(e, {2}))};
  });
  for (int64_t n : {1, 10, 64, 100, 1000, 66000}) {
    if (columns != "n" && n != std::stoi(columns)) continue;
    const int64_t rows = n > 1000 ? 2 : 15;
    const std::vector<F32> x = Random<F32>(rows * n, 3);
    std::vector<F32> softmax, log_sum;
    for (int64_t r = 0; r < rows; ++r) {
      float max = -INFINITY;
      for (int64_t i = 0; i < n; ++i) max = std::max(max, x[r * n + i].bits);
      std::vector<float> e;
      for (int64_t i = 0; i < n; ++i)
        e.push_back(Evaluate(MathFunction::kExp, x[r * n + i].bits - max));
      const float sum = Ordered<F32>(ReduceKind::kAdd, e, 64, kLaneBlock);
      for (float v : e) softmax.push_back({v / sum});
      log_sum.push_back({Evaluate(MathFunction::kLog, sum)});
    }
    const std::map<std::string, int64_t> symbols = {{"b", rows}, {"h", 1}, {"n", n}};
    const std::vector<HostArray> operands = {HostArray::Of({rows, 1, n}, x)};
    ExpectBits(fusion, symbols, operands, softmax, 0);
    ExpectBits(fusion, symbols, operands, log_sum, 1);
  }
}

TEST(ReduceKernel, SoftmaxOfAnyLength) { TestSoftmax("n"); }
TEST(ReduceKernel, SoftmaxOf10) { TestSoftmax("10"); }
TEST(ReduceKernel, SoftmaxOf100) { TestSoftmax("100"); }
TEST(ReduceKernel, SoftmaxOf1000) { TestSoftmax("1000"); }

}  // namespace
}  // namespace stator::compiler
