#include "compiler/codegen/cpu/test_elements.h"
#include "gtest/gtest.h"

namespace stator::compiler {
namespace {

using core::CoreBuilder;
using mlir::Value;
using mlir::ValueRange;

template <typename E>
class Compact : public testing::Test {
 protected:
  // Keeps slices [n, r] where every `period`-th, or none (0), or all (1) are chosen.
  void Check(int64_t n, int64_t r, int64_t period) {
    const auto elements = SomeElements<E>(n * r, 3);
    std::vector<uint8_t> mask(n);
    std::vector<typename E::Storage> expected;
    int64_t count = 0;
    for (int64_t i = 0; i < n; ++i) {
      mask[i] = period > 0 && i % period == period - 1;
      if (!mask[i]) continue;
      ++count;
      expected.insert(expected.end(), elements.begin() + i * r, elements.begin() + (i + 1) * r);
    }
    ExpectResults(fusion_, {{"n", n}, {"r", r}, {"s", count}},
                  {ArrayOf<E>({n, r}, elements), HostArray::Of({n}, mask)},
                  {ArrayOf<E>({count, r}, expected)});
  }

  void SetUp() override {
    const std::string element = E::kName;
    fusion_.Create("compact", {element + "[n, r]", "i1[n]"}, [&](CoreBuilder& b, ValueRange args) {
      mlir::Type type = fusion_.Type(element + "[s, r]");
      return std::vector<Value>{
          b.builder().create<core::CompactOp>(b.loc(), type, args[0], args[1])};
    });
  }

  TestFusion fusion_;
};
TYPED_TEST_SUITE(Compact, AllElements, ElementName);

TYPED_TEST(Compact, KeepsTheOrderOfChosenSlices) {
  for (int64_t n : {0, 1, 3, 17, 257, 10000}) {
    for (int64_t period : {0, 1, 3}) this->Check(n, 1, period);
  }
  for (int64_t r : {0, 3, 17, 257}) this->Check(17, r, 2);
}

TEST(CompactKernel, IndicesOfTrueElements) {
  TestFusion fusion;
  fusion.Create("compact", {"f32[n]"}, [&](CoreBuilder& b, ValueRange args) {
    Value mask = b.Gt(args[0], b.SplatLike(args[0], 0));
    Value iota = b.Iota(b.builder().getI64Type(), core::DimsOf(args[0]), 0);
    return std::vector<Value>{
        b.builder().create<core::CompactOp>(b.loc(), fusion.Type("i64[s]"), iota, mask)};
  });
  const std::vector<float> x = {1, -1, 0, 5, -0.0f, 2};
  ExpectResult<int64_t>(fusion, {{"n", 6}, {"s", 3}}, {HostArray::Of({6}, x)}, {0, 3, 5});
}

}  // namespace
}  // namespace stator::compiler
