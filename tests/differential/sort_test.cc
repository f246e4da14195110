// Sorts and the largest elements, over element types, sizes and ties.

#include <gtest/gtest.h>

#include "tests/program/core_program.h"

namespace stator::tests {
namespace {

using core::DimsOf;
using mlir::Value;

const DType kTypes[] = {DType::kFloat32, DType::kFloat64, DType::kFloat16, DType::kBFloat16,
                        DType::kInt8,    DType::kInt32,   DType::kInt64,   DType::kUInt8,
                        DType::kUInt32,  DType::kUInt64,  DType::kBool};
std::string TypeName(const testing::TestParamInfo<DType>& info) {
  return executable::DTypeName(info.param);
}

Values Sort(CoreBuilder& b, mlir::ValueRange inputs, int64_t dim, bool descending) {
  auto op = b.builder().create<core::SortOp>(b.loc(), inputs.getTypes(), inputs, dim, descending);
  return Values(op.getResults());
}

Values TopK(CoreBuilder& b, Value x, core::DimExpr k) {
  core::Dims dims = DimsOf(x);
  dims.back() = k;
  auto op =
      b.builder().create<core::TopKOp>(b.loc(), core::TensorType(dims, core::ElementTypeOf(x)),
                                       core::TensorType(dims, b.builder().getI32Type()), x);
  return Values{op.getValues(), op.getIndices()};
}

class SortTest : public testing::TestWithParam<DType> {};

// Special values, and (as kIndices are few) many ties, which a stable sort leaves in order.
TEST_P(SortTest, MovesFollowersAlong) {
  for (Fill fill : {Fill::kMixed, Fill::kIndices}) {
    CoreProgram program;
    program.feeds = {{GetParam(), {"b", "n"}, fill}, {DType::kInt32, {"b", "n"}, Fill::kMixed}};
    program.build = [](CoreBuilder& b, mlir::ValueRange x) {
      Values results = Sort(b, x, 1, false);
      results.append(Sort(b, x, 0, true));
      return results;
    };
    EXPECT_TRUE(SameInEveryWay(MakeProgram(program, {{{"b", 3}, {"n", 257}},
                                                     {{"b", 33}, {"n", 16}},
                                                     {{"b", 2}, {"n", 1}},
                                                     {{"b", 1}, {"n", 0}}})));
  }
}

TEST_P(SortTest, TopKNamesTheLowerIndexOfTies) {
  for (Fill fill : {Fill::kMixed, Fill::kIndices}) {
    CoreProgram program;
    program.feeds = {{GetParam(), {"b", "n"}, fill}};
    program.build = [](CoreBuilder& b, mlir::ValueRange x) {
      Values results = TopK(b, x[0], b.Dim(4));
      results.append(TopK(b, x[0], DimsOf(x[0])[1]));  // all
      return results;
    };
    EXPECT_TRUE(SameInEveryWay(MakeProgram(
        program, {{{"b", 3}, {"n", 257}}, {{"b", 33}, {"n", 16}}, {{"b", 0}, {"n", 4}}})));
  }
}
INSTANTIATE_TEST_SUITE_P(Types, SortTest, testing::ValuesIn(kTypes), TypeName);

// Neighbours that could be fused.
TEST(SortedTest, SortsWhatWasComputed) {
  CoreProgram program;
  program.feeds = {{DType::kFloat32, {"b", "n"}}, {DType::kFloat32, {"n"}}};
  program.build = [](CoreBuilder& b, mlir::ValueRange x) {
    Value keys = b.Sin(b.Add(x[0], x[1]));
    Values sorted = Sort(b, {keys, b.Neg(x[0])}, 1, true);
    Values top = TopK(b, b.Mul(sorted[1], keys), b.Dim(2));
    return Values{b.Add(sorted[0], sorted[1]), b.Exp(top[0]), top[1], b.ReduceAdd(sorted[0], {1})};
  };
  EXPECT_TRUE(SameInEveryWay(MakeProgram(
      program, {{{"b", 3}, {"n", 65}}, {{"b", 40}, {"n", 2}}, {{"b", 1}, {"n", 300}}})));
}

// A value of a tensor whose size a step found.
TEST(SortedTest, SortsWhatACompactFound) {
  CoreProgram program;
  program.feeds = {{DType::kFloat32, {"n"}}, {DType::kBool, {"n"}}};
  program.build = [](CoreBuilder& b, mlir::ValueRange x) {
    Value rows = b.Compact(x[0], x[1], "rows");
    return Values{Sort(b, {rows}, 0, false)[0], TopK(b, rows, DimsOf(rows)[0])[1]};
  };
  EXPECT_TRUE(SameInEveryWay(MakeProgram(program, {{{"n", 65}}, {{"n", 1}}, {{"n", 0}}})));
}

}  // namespace
}  // namespace stator::tests
