#include <algorithm>

#include "compiler/codegen/cpu/test_elements.h"
#include "gtest/gtest.h"

namespace stator::compiler {
namespace {

using core::CoreBuilder;
using core::ScatterKind;
using mlir::Value;
using mlir::ValueRange;

template <typename E>
typename E::Number Combine(ScatterKind kind, typename E::Number a, typename E::Number b) {
  using Number = typename E::Number;
  constexpr bool kFloat = std::is_floating_point_v<Number>;
  switch (kind) {
    case ScatterKind::kAssign: return b;
    case ScatterKind::kAdd:
      if constexpr (std::is_same_v<Number, bool>) return a || b;
      if constexpr (!kFloat) return static_cast<Number>(uint64_t(a) + uint64_t(b));
      return a + b;
    case ScatterKind::kMul:
      if constexpr (!kFloat) return static_cast<Number>(uint64_t(a) * uint64_t(b));
      return a * b;
    case ScatterKind::kMax:
      if constexpr (kFloat) return Evaluate(MathFunction::kMaximum, a, b);
      return std::max(a, b);
    case ScatterKind::kMin:
      if constexpr (kFloat) return Evaluate(MathFunction::kMinimum, a, b);
      return std::min(a, b);
  }
  return b;
}

// operand [batch, outer, n, inner], indices [batch, i], updates [batch, outer, i, inner].
struct Sizes {
  int64_t batch, outer, n, inner, count;
};

template <typename E>
class Scatter : public testing::Test {
 protected:
  using Storage = typename E::Storage;

  void Check(ScatterKind kind) {
    const std::string element = E::kName;
    TestFusion fusion;
    fusion.Create(
        "scatter",
        {element + "[b, a, n, c]", "i32[b, i]", element + "[b, a, i, c]"},
        [&](CoreBuilder& b, ValueRange args) {
          return std::vector<Value>{b.Scatter(kind, args[0], args[1], args[2], 2, 1)};
        });
    for (const Sizes& s : {Sizes{1, 1, 5, 1, 40}, {2, 3, 4, 17, 9}, {1, 1, 3, 257, 12},
                           {1, 2, 0, 3, 4}, {3, 1, 4, 0, 2}, {2, 1, 6, 8, 0}, {0, 1, 2, 3, 4}}) {
      const auto old = SomeElements<E>(s.batch * s.outer * s.n * s.inner, 1);
      const auto updates = SomeElements<E>(s.batch * s.outer * s.count * s.inner, 2);
      std::vector<int32_t> indices(s.batch * s.count);
      for (size_t i = 0; i < indices.size(); ++i) {
        indices[i] = static_cast<int32_t>(i * 7 % (s.n + 3)) - 1;  // some are outside
      }
      std::vector<Storage> expected = old;
      for (int64_t b = 0; b < s.batch; ++b) {
        for (int64_t a = 0; a < s.outer; ++a) {
          for (int64_t i = 0; i < s.count; ++i) {
            const int64_t target = indices[b * s.count + i];
            if (target < 0 || target >= s.n) continue;
            for (int64_t c = 0; c < s.inner; ++c) {
              Storage& slot = expected[((b * s.outer + a) * s.n + target) * s.inner + c];
              const Storage update = updates[((b * s.outer + a) * s.count + i) * s.inner + c];
              slot = E::Store(Combine<E>(kind, E::Load(slot), E::Load(update)));
            }
          }
        }
      }
      ExpectElements<E>(
          fusion, {{"b", s.batch}, {"a", s.outer}, {"n", s.n}, {"c", s.inner}, {"i", s.count}},
          {ArrayOf<E>({s.batch, s.outer, s.n, s.inner}, old),
           HostArray::Of({s.batch, s.count}, indices),
           ArrayOf<E>({s.batch, s.outer, s.count, s.inner}, updates)},
          expected);
      if (this->HasFailure()) return;
    }
  }
};
TYPED_TEST_SUITE(Scatter, AllElements, ElementName);

TYPED_TEST(Scatter, Assigns) { this->Check(ScatterKind::kAssign); }
TYPED_TEST(Scatter, Adds) { this->Check(ScatterKind::kAdd); }
TYPED_TEST(Scatter, Multiplies) { this->Check(ScatterKind::kMul); }
TYPED_TEST(Scatter, TakesMaxima) { this->Check(ScatterKind::kMax); }
TYPED_TEST(Scatter, TakesMinima) { this->Check(ScatterKind::kMin); }

TEST(ScatterKernel, IntoComputedZerosWithWideIndices) {
  TestFusion fusion;
  fusion.Create("scatter", {"i64[i]", "f32[i, 40]"}, [](CoreBuilder& b, ValueRange args) {
    Value zeros = b.Splat(core::ElementTypeOf(args[1]), b.StaticDims({6, 40}), 0);
    return std::vector<Value>{
        b.Scatter(ScatterKind::kAdd, zeros, args[0], b.Neg(args[1]), 0, 0)};
  });
  const std::vector<int64_t> indices = {3, 3, int64_t{1} << 33, 0, -1, 5, 3};
  const int64_t count = static_cast<int64_t>(indices.size());
  std::vector<float> updates(count * 40), expected(6 * 40, 0.0f);
  for (size_t i = 0; i < updates.size(); ++i) updates[i] = 0.37f * static_cast<float>(i);
  for (int64_t i = 0; i < count; ++i) {
    if (indices[i] < 0 || indices[i] > 5) continue;
    for (int64_t c = 0; c < 40; ++c) expected[indices[i] * 40 + c] += -updates[i * 40 + c];
  }
  ExpectResult(fusion, {{"i", count}},
               {HostArray::Of({count}, indices), HostArray::Of({count, 40}, updates)}, expected);
}

TEST(ScatterKernel, FeedsTheLoopsOfItsFusion) {
  TestFusion fusion;
  fusion.Create("scatter", {"i32[8]", "i32[n]", "i32[n]"}, [](CoreBuilder& b, ValueRange args) {
    Value sums = b.Scatter(ScatterKind::kAdd, args[0], args[1], args[2], 0, 0);
    return std::vector<Value>{b.Mul(sums, sums), b.Neg(args[0])};
  });
  const std::vector<int32_t> old = {1, 2, 3, 4, 5, 6, 7, 8}, at = {7, 0, 7}, by = {10, 20, 30};
  std::vector<int32_t> sums = old, negative;
  for (size_t i = 0; i < at.size(); ++i) sums[at[i]] += by[i];
  for (int32_t& sum : sums) sum *= sum;
  for (int32_t x : old) negative.push_back(-x);
  ExpectResults(fusion, {{"n", 3}},
                {HostArray::Of({8}, old), HostArray::Of({3}, at), HostArray::Of({3}, by)},
                {HostArray::Of({8}, sums), HostArray::Of({8}, negative)});
}

template <typename E>
class DynamicUpdateSlice : public testing::Test {};
TYPED_TEST_SUITE(DynamicUpdateSlice, AllElements, ElementName);

TYPED_TEST(DynamicUpdateSlice, ReplacesABlockInside) {
  using E = TypeParam;
  const std::string element = E::kName;
  TestFusion fusion;
  fusion.Create("loop", {element + "[m, n]", element + "[p, q]", "i32[]", "i64[]"},
                [](CoreBuilder& b, ValueRange args) {
                  Value column = b.Convert(args[3], core::ElementTypeOf(args[2]));
                  return std::vector<Value>{
                      b.DynamicUpdateSlice(args[0], args[1], {args[2], column})};
                });
  struct Case {
    int64_t m, n, p, q;
  };
  for (const Case& c : {Case{5, 300, 2, 257}, {1, 1, 1, 1}, {3, 17, 3, 17}, {4, 5, 0, 2},
                        {8, 3, 3, 1}, {0, 4, 0, 1}}) {
    for (int64_t row : {-2, 1, 100}) {
      for (int64_t column : {0, 2, 99}) {
        const auto old = SomeElements<E>(c.m * c.n, 1), block = SomeElements<E>(c.p * c.q, 2);
        auto expected = old;
        const int64_t r = std::max<int64_t>(0, std::min(row, c.m - c.p));
        const int64_t s = std::max<int64_t>(0, std::min(column, c.n - c.q));
        for (int64_t i = 0; i < c.p * c.q; ++i) {
          expected[(r + i / c.q) * c.n + s + i % c.q] = block[i];
        }
        ExpectElements<E>(fusion, {{"m", c.m}, {"n", c.n}, {"p", c.p}, {"q", c.q}},
                          {ArrayOf<E>({c.m, c.n}, old), ArrayOf<E>({c.p, c.q}, block),
                           HostArray::Of<int32_t>({}, {static_cast<int32_t>(row)}),
                           HostArray::Of<int64_t>({}, {column})},
                          expected);
        if (this->HasFailure()) return;
      }
    }
  }
}

}  // namespace
}  // namespace stator::compiler
