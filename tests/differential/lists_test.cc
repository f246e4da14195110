// Lists: stacks of tensors that one loop leaves for another.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/program/core_program.h"

namespace stator::tests {
namespace {

using core::DimsOf;
using mlir::Value;

const std::vector<Sizes> kSizes = {{{"n", 3}}, {{"n", 32}}, {{"n", 0}}, {{"n", 257}}};

core::ListType ListOf(Value element) {
  return core::ListType::get(element.getContext(),
                             llvm::cast<mlir::RankedTensorType>(element.getType()));
}
// A list for elements such as this one.
Value EmptyList(CoreBuilder& b, Value element) {
  return b.builder().create<core::ListCreateOp>(b.loc(), ListOf(element), I32(b, 0));
}
Value Push(CoreBuilder& b, Value list, Value element) {
  return b.builder().create<core::ListPushOp>(b.loc(), list, element);
}
// The rest of the list, and its last element.
Values Pop(CoreBuilder& b, Value list) {
  auto type = llvm::cast<core::ListType>(list.getType());
  return Values(
      b.builder().create<core::ListPopOp>(b.loc(), type, type.getElementType(), list).getResults());
}

// Feed 0 counts iterations.
Program WithTrips(const CoreProgram& program) {
  Program result = MakeProgram(program, kSizes);
  const int trips[] = {0, 1, 5, 2};
  for (size_t i = 0; i < result.runs.size(); ++i) {
    result.runs[i].feeds[0] = MakeSplat(DType::kInt32, {}, trips[i]);
  }
  return result;
}

class ListTypeTest : public testing::TestWithParam<DType> {};

TEST_P(ListTypeTest, GiveBackTheNewestFirst) {
  CoreProgram program;
  program.feeds = {{GetParam(), {"n"}}, {GetParam(), {"n"}}, {GetParam(), {"n"}}};
  program.build = [](CoreBuilder& b, mlir::ValueRange x) {
    Value list = Push(b, Push(b, EmptyList(b, x[0]), x[0]), x[1]);
    Values newest = Pop(b, list);
    Values third = Pop(b, Push(b, newest[0], x[2]));
    Values oldest = Pop(b, third[0]);
    return Values{newest[1], third[1], oldest[1]};
  };
  EXPECT_TRUE(SameInEveryWay(MakeProgram(program, kSizes)));
}
INSTANTIATE_TEST_SUITE_P(Types, ListTypeTest,
                         testing::Values(DType::kFloat32, DType::kFloat64, DType::kBFloat16,
                                         DType::kInt8, DType::kInt64, DType::kBool),
                         [](const testing::TestParamInfo<DType>& info) {
                           return std::string(executable::DTypeName(info.param));
                         });

// What a loop pushes, another pops: sums that depend on the order.
Value SumOfPopped(CoreBuilder& b, Value trips, Value list, Value zeros) {
  return ForLoop(b, trips, {list, zeros}, [&](Value, mlir::ValueRange carried) {
    Values popped = Pop(b, carried[0]);
    Value half = b.Mul(carried[1], b.SplatLike(zeros, 0.5));
    return Values{popped[0], b.Add(half, popped[1])};
  })[1];
}

TEST(ListTest, OneLoopPushesAndAnotherPops) {
  CoreProgram program;
  program.feeds = {{DType::kInt32, {}}, {DType::kFloat32, {"n", "3"}}};
  program.build = [](CoreBuilder& b, mlir::ValueRange x) {
    Values pushed =
        ForLoop(b, x[0], {x[1], EmptyList(b, x[1])}, [&](Value, mlir::ValueRange carried) {
          Value next = b.Sin(b.Add(carried[0], x[1]));
          return Values{next, Push(b, carried[1], next)};
        });
    return Values{pushed[0], SumOfPopped(b, x[0], pushed[1], b.SplatLike(x[1], 0))};
  };
  EXPECT_TRUE(SameInEveryWay(WithTrips(program)));
}

TEST(ListTest, TwoListsAtOnce) {
  CoreProgram program;
  program.feeds = {{DType::kInt32, {}}, {DType::kFloat32, {"n"}}, {DType::kFloat64, {}}};
  program.build = [](CoreBuilder& b, mlir::ValueRange x) {
    Values pushed = ForLoop(b, x[0], {x[1], x[2], EmptyList(b, x[1]), EmptyList(b, x[2])},
                            [&](Value, mlir::ValueRange carried) {
                              Value vector = b.Tanh(b.Add(carried[0], x[1]));
                              Value scalar = b.Mul(carried[1], x[2]);
                              return Values{vector, scalar, Push(b, carried[2], vector),
                                            Push(b, Push(b, carried[3], scalar), carried[1])};
                            });
    Value twice = b.Add(x[0], x[0]);
    return Values{SumOfPopped(b, x[0], pushed[2], b.SplatLike(x[1], 0)),
                  SumOfPopped(b, twice, pushed[3], b.SplatLike(x[2], 0))};
  };
  EXPECT_TRUE(SameInEveryWay(WithTrips(program)));
}

// Each iteration of the outer loop fills a list and empties it.
TEST(ListTest, NestedLoopsFillTheSameListAgain) {
  CoreProgram program;
  program.feeds = {{DType::kInt32, {}}, {DType::kFloat32, {"n"}}};
  program.build = [](CoreBuilder& b, mlir::ValueRange x) {
    return ForLoop(b, x[0], {x[1]}, [&](Value count, mlir::ValueRange outer) {
      Value list = ForLoop(b, count, {EmptyList(b, x[1])}, [&](Value i, mlir::ValueRange carried) {
        Value factor = b.BroadcastTo(b.Convert(i, b.builder().getF32Type()), DimsOf(x[1]));
        return Values{Push(b, carried[0], b.Mul(outer[0], factor))};
      })[0];
      return Values{b.Add(SumOfPopped(b, count, list, b.SplatLike(x[1], 0)), x[1])};
    });
  };
  EXPECT_TRUE(SameInEveryWay(WithTrips(program)));
}

// Only what gradients need has code; all else is refused by name.
TEST(ListTest, WhatIsNotLoweredSaysSo) {
  using Build = std::function<Values(CoreBuilder&, Value list, Value x)>;
  const std::pair<std::string, Build> cases[] = {
      {"core.list_get",
       [](CoreBuilder& b, Value list, Value x) {
         return Values{b.builder().create<core::ListGetOp>(b.loc(), x.getType(), list, I32(b, 0))};
       }},
      {"core.list_set",
       [](CoreBuilder& b, Value list, Value x) {
         return Values{Pop(b, b.builder().create<core::ListSetOp>(b.loc(), list, I32(b, 0), x))[1]};
       }},
      {"core.list_length",
       [](CoreBuilder& b, Value list, Value) {
         auto i32 = core::TensorType({}, b.builder().getI32Type());
         return Values{b.builder().create<core::ListLengthOp>(b.loc(), i32, list)};
       }},
      {"core.list_stack",
       [](CoreBuilder& b, Value list, Value x) {
         auto two = core::TensorType({b.Dim(2), b.Dim(3)}, core::ElementTypeOf(x));
         return Values{b.builder().create<core::ListStackOp>(b.loc(), two, list)};
       }},
      {"a list that is not empty at first",
       [](CoreBuilder& b, Value, Value x) {
         auto zeros = b.builder().create<core::ListCreateOp>(b.loc(), ListOf(x), I32(b, 2));
         return Values{Pop(b, zeros)[1]};
       }},
      {"a list that is used twice",
       [](CoreBuilder& b, Value list, Value x) {
         return Values{Pop(b, Push(b, list, x))[1], Pop(b, list)[1]};
       }},
  };
  for (const auto& [what, build] : cases) {
    CoreProgram program;
    program.feeds = {{DType::kFloat32, {"3"}}};
    program.build = [build = build](CoreBuilder& b, mlir::ValueRange x) {
      return build(b, Push(b, Push(b, EmptyList(b, x[0]), x[0]), b.Neg(x[0])), x[0]);
    };
    const absl::Status status = Compile(MakeProgram(program, {{}})).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented) << what << ": " << status;
    EXPECT_THAT(std::string(status.message()), testing::HasSubstr("cannot be compiled yet: " + what));
  }
}

}  // namespace
}  // namespace stator::tests
