#include <algorithm>
#include <cmath>
#include <numeric>

#include "compiler/codegen/cpu/test_elements.h"
#include "gtest/gtest.h"

namespace stator::compiler {
namespace {

using core::CoreBuilder;
using mlir::Value;
using mlir::ValueRange;

// Numbers with NaN last, -0 equal to +0.
template <typename Number>
bool Before(Number a, Number b, bool descending) {
  if constexpr (std::is_floating_point_v<Number>) {
    if (std::isnan(a) || std::isnan(b)) return !std::isnan(a);
  }
  return descending ? b < a : a < b;
}

// The stable order of elements first, first + stride, …
template <typename E>
std::vector<int64_t> OrderOf(const std::vector<typename E::Storage>& elements, int64_t first,
                             int64_t stride, int64_t count, bool descending) {
  std::vector<int64_t> order(count);
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    const auto x = E::Load(elements[first + a * stride]), y = E::Load(elements[first + b * stride]);
    if constexpr (std::is_floating_point_v<typename E::Number>) {
      if (std::isnan(x) && std::isnan(y)) return false;
    }
    return Before(x, y, descending);
  });
  return order;
}

template <typename E>
class Sort : public testing::Test {};
TYPED_TEST_SUITE(Sort, AllElements, ElementName);

TYPED_TEST(Sort, IsStableAlongAnyDimension) {
  using E = TypeParam;
  for (bool descending : {false, true}) {
    const std::string element = E::kName;
    TestFusion fusion;
    fusion.Create("sort", {element + "[a, n, c]", "i32[a, n, c]"},
                  [&](CoreBuilder& b, ValueRange args) {
                    auto sort = b.builder().create<core::SortOp>(b.loc(), args.getTypes(), args,
                                                                 1, descending);
                    return std::vector<Value>(sort.getResults().begin(), sort.getResults().end());
                  });
    for (auto [a, n, c] : {std::tuple<int64_t, int64_t, int64_t>{1, 257, 1}, {2, 17, 3}, {3, 1, 2},
                           {1, 0, 4}, {0, 3, 1}, {1, 3, 1}, {2, 64, 1}}) {
      const auto keys = SomeElements<E>(a * n * c, static_cast<int>(n));
      std::vector<int32_t> values(keys.size());
      std::iota(values.begin(), values.end(), 100);
      auto sorted = keys;
      auto moved = values;
      for (int64_t row = 0; row < a * c; ++row) {
        const int64_t first = row / c * n * c + row % c;
        const std::vector<int64_t> order = OrderOf<E>(keys, first, c, n, descending);
        for (int64_t i = 0; i < n; ++i) {
          sorted[first + i * c] = keys[first + order[i] * c];
          moved[first + i * c] = values[first + order[i] * c];
        }
      }
      ExpectResults(fusion, {{"a", a}, {"n", n}, {"c", c}},
                    {ArrayOf<E>({a, n, c}, keys), HostArray::Of({a, n, c}, values)},
                    {ArrayOf<E>({a, n, c}, sorted), HostArray::Of({a, n, c}, moved)});
      if (this->HasFailure()) return;
    }
  }
}

template <typename E>
class TopK : public testing::Test {
 protected:
  // k is a symbol if 0.
  void Check(int64_t fixed_k, const std::vector<std::tuple<int64_t, int64_t, int64_t>>& cases) {
    const std::string element = E::kName;
    TestFusion fusion;
    fusion.Create("top_k", {element + "[a, n]", "i8[k]"}, [&](CoreBuilder& b, ValueRange args) {
      const core::DimExpr k = fixed_k > 0 ? b.Dim(fixed_k) : core::DimsOf(args[1])[0];
      const core::Dims dims = {core::DimsOf(args[0])[0], k};
      auto op = b.builder().create<core::TopKOp>(
          b.loc(), core::TensorType(dims, core::ElementTypeOf(args[0])),
          core::TensorType(dims, b.builder().getI32Type()), args[0]);
      return std::vector<Value>{op.getValues(), op.getIndices()};
    });
    for (auto [a, n, k] : cases) {
      const auto elements = SomeElements<E>(a * n, static_cast<int>(n + k));
      std::vector<typename E::Storage> values;
      std::vector<int32_t> indices;
      for (int64_t row = 0; row < a; ++row) {
        const std::vector<int64_t> order = OrderOf<E>(elements, row * n, 1, n, true);
        for (int64_t i = 0; i < k; ++i) {
          values.push_back(elements[row * n + order[i]]);
          indices.push_back(static_cast<int32_t>(order[i]));
        }
      }
      ExpectResults(fusion, {{"a", a}, {"n", n}, {"k", k}},
                    {ArrayOf<E>({a, n}, elements), HostArray{{k}, std::vector<char>(k)}},
                    {ArrayOf<E>({a, k}, values), HostArray::Of({a, k}, indices)});
      if (this->HasFailure()) return;
    }
  }
};
TYPED_TEST_SUITE(TopK, AllElements, ElementName);

TYPED_TEST(TopK, SelectsFew) {
  this->Check(5, {{1, 257, 5}, {3, 5, 5}, {2, 40, 5}, {0, 7, 5}});
  this->Check(1, {{2, 17, 1}, {1, 1, 1}});
}
TYPED_TEST(TopK, SortsForMany) { this->Check(0, {{2, 257, 100}, {3, 4, 4}, {1, 3, 0}, {2, 1, 1}}); }

// All keys as large as a key can be: nothing but the positions decides.
TEST(TopKKernel, OfSixtyFourBitZeros) {
  TestFusion fusion;
  fusion.Create("top_k", {"ui64[n]"}, [](CoreBuilder& b, ValueRange args) {
    const core::Dims dims = {b.Dim(3)};
    auto op = b.builder().create<core::TopKOp>(
        b.loc(), core::TensorType(dims, core::ElementTypeOf(args[0])),
        core::TensorType(dims, b.builder().getI32Type()), args[0]);
    return std::vector<Value>{op.getValues(), op.getIndices()};
  });
  ExpectResults(fusion, {{"n", 20}}, {HostArray::Of({20}, std::vector<uint64_t>(20))},
                {HostArray::Of<uint64_t>({3}, {0, 0, 0}), HostArray::Of<int32_t>({3}, {0, 1, 2})});
}

}  // namespace
}  // namespace stator::compiler
