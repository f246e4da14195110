// Control flow, variables, checks, sizes that a run finds, and in-place memory.

#include <gtest/gtest.h>

#include "tests/differential/core_program.h"

namespace stator::tests {
namespace {

using core::DimsOf;
using mlir::Value;

const std::vector<Sizes> kSizes = {{{"n", 3}}, {{"n", 32}}, {{"n", 1}}, {{"n", 257}}};

Value I32(CoreBuilder& b, int64_t value) { return b.ScalarInt(b.builder().getI32Type(), value); }

TEST(IfTest, TakesOneBranch) {
  CoreProgram program;
  program.feeds = {{DType::kBool, {}}, {DType::kFloat32, {"n"}}, {DType::kFloat32, {"n"}}};
  program.build = [](CoreBuilder& b, mlir::ValueRange x) {
    Values branch = b.If(
        x[0],
        [&](mlir::ValueRange) {
          return Values{b.Exp(x[1]), x[2]};
        },
        [&](mlir::ValueRange) {
          return Values{b.Add(x[1], x[2]), b.Neg(x[1])};
        });
    return Values{b.Mul(branch[0], branch[1]), branch[1]};
  };
  for (uint64_t seed : {1, 2, 3}) EXPECT_TRUE(SameInEveryWay(MakeProgram(program, kSizes, seed)));
}

TEST(IfTest, BranchesOfDifferentSizes) {
  CoreProgram program;
  program.feeds = {{DType::kBool, {}}, {DType::kFloat32, {"n"}}};
  program.build = [](CoreBuilder& b, mlir::ValueRange x) {
    Values branch = b.If(
        x[0],
        [&](mlir::ValueRange) {
          return Values{b.Concatenate({x[1], x[1]}, 0)};
        },
        [&](mlir::ValueRange) { return Values{b.Neg(x[1])}; });
    return Values{branch[0], b.Add(branch[0], branch[0])};
  };
  for (uint64_t seed : {1, 2, 3}) EXPECT_TRUE(SameInEveryWay(MakeProgram(program, kSizes, seed)));
}

TEST(WhileTest, CountsAndCarries) {
  CoreProgram program;
  program.feeds = {{DType::kInt32, {}, Fill::kPositive}, {DType::kFloat32, {"n"}}};
  program.build = [](CoreBuilder& b, mlir::ValueRange x) {
    Values loop = b.While(
        {I32(b, 0), x[1], b.SplatLike(x[1], 0)},
        [&](mlir::ValueRange carried) { return Values{b.Lt(carried[0], x[0])}; },
        [&](mlir::ValueRange carried) {
          Value next = b.Mul(b.Tanh(carried[1]), b.SplatLike(carried[1], 1.5));
          return Values{b.Add(carried[0], I32(b, 1)), next, b.Add(carried[2], next)};
        });
    return Values{loop[0], loop[1], loop[2]};
  };
  EXPECT_TRUE(SameInEveryWay(MakeProgram(program, kSizes)));
}

TEST(WhileTest, SwapsItsCarriedValues) {
  CoreProgram program;
  program.feeds = {
      {DType::kInt32, {}, Fill::kPositive}, {DType::kFloat32, {"n"}}, {DType::kFloat32, {"n"}}};
  program.build = [](CoreBuilder& b, mlir::ValueRange x) {
    Values loop = b.While(
        {I32(b, 0), x[1], x[2]},
        [&](mlir::ValueRange carried) { return Values{b.Lt(carried[0], x[0])}; },
        [&](mlir::ValueRange carried) {
          return Values{b.Add(carried[0], I32(b, 1)), carried[2], carried[1]};
        });
    return Values{loop[1], loop[2]};
  };
  for (uint64_t seed : {1, 2, 3}) EXPECT_TRUE(SameInEveryWay(MakeProgram(program, kSizes, seed)));
}

TEST(WhileTest, GrowsATensor) {
  CoreProgram program;
  program.feeds = {{DType::kInt32, {}, Fill::kPositive}, {DType::kFloat32, {"n"}}};
  program.build = [](CoreBuilder& b, mlir::ValueRange x) {
    Values loop = b.While(
        {I32(b, 0), x[1]}, [&](mlir::ValueRange carried) { return Values{b.Lt(carried[0], x[0])}; },
        [&](mlir::ValueRange carried) {
          return Values{b.Add(carried[0], I32(b, 1)), b.Concatenate({carried[1], x[1]}, 0)};
        });
    return Values{loop[1], b.Neg(loop[1])};
  };
  EXPECT_TRUE(SameInEveryWay(MakeProgram(program, kSizes)));
}

TEST(WhileTest, NestsInIf) {
  CoreProgram program;
  program.feeds = {{DType::kInt32, {}, Fill::kPositive}, {DType::kFloat32, {"n"}}};
  program.build = [](CoreBuilder& b, mlir::ValueRange x) {
    Values loop = b.While(
        {I32(b, 0), x[1]}, [&](mlir::ValueRange carried) { return Values{b.Lt(carried[0], x[0])}; },
        [&](mlir::ValueRange carried) {
          Value even = b.Eq(b.Rem(carried[0], I32(b, 2)), I32(b, 0));
          Values branch = b.If(
              even, [&](mlir::ValueRange) { return Values{b.Add(carried[1], x[1])}; },
              [&](mlir::ValueRange) { return Values{b.Mul(carried[1], x[1])}; });
          return Values{b.Add(carried[0], I32(b, 1)), branch[0]};
        });
    return Values{loop[1]};
  };
  EXPECT_TRUE(SameInEveryWay(MakeProgram(program, kSizes)));
}

TEST(VariableTest, ReadsAndWritesInProgramOrder) {
  CoreProgram program;
  program.feeds = {{DType::kFloat32, {"8"}}};
  program.variables["v"] = {DType::kFloat32, {"8"}};
  program.variables["w"] = {DType::kFloat32, {"8"}};
  program.build = [](CoreBuilder& b, mlir::ValueRange x) {
    Value before = b.ReadVariable("v", x[0].getType());
    b.AssignVariable("v", b.Add(before, x[0]));
    Value between = b.ReadVariable("v", x[0].getType());
    b.AssignVariable("v", b.Mul(between, between));
    b.AssignVariable("w", before);
    return Values{before, between, b.ReadVariable("v", x[0].getType())};
  };
  EXPECT_TRUE(SameInEveryWay(MakeProgram(program, {{}})));
}

TEST(VariableTest, UpdatesInsideBranchesAndLoops) {
  CoreProgram program;
  program.feeds = {
      {DType::kInt32, {}, Fill::kPositive}, {DType::kBool, {}}, {DType::kFloat32, {"8"}}};
  program.variables["v"] = {DType::kFloat32, {"8"}};
  program.build = [](CoreBuilder& b, mlir::ValueRange x) {
    mlir::Type type = x[2].getType();
    b.If(
        x[1],
        [&](mlir::ValueRange) {
          b.AssignVariable("v", b.Neg(b.ReadVariable("v", type)));
          return Values{};
        },
        [&](mlir::ValueRange) { return Values{}; });
    Values loop = b.While(
        {I32(b, 0)}, [&](mlir::ValueRange carried) { return Values{b.Lt(carried[0], x[0])}; },
        [&](mlir::ValueRange carried) {
          b.AssignVariable("v", b.Add(b.ReadVariable("v", type), x[2]));
          return Values{b.Add(carried[0], I32(b, 1))};
        });
    return Values{loop[0], b.ReadVariable("v", type)};
  };
  for (uint64_t seed : {1, 2, 3}) EXPECT_TRUE(SameInEveryWay(MakeProgram(program, {{}, {}}, seed)));
}

TEST(CheckTest, AFailedCheckEndsTheRun) {
  CoreProgram program;
  program.feeds = {{DType::kFloat32, {"n"}}};
  program.variables["v"] = {DType::kFloat32, {}};
  program.build = [](CoreBuilder& b, mlir::ValueRange x) {
    Value limit = b.SplatLike(x[0], 1.9);
    b.Check(b.Lt(x[0], limit), 11, "all must be below 1.9", {x[0]});
    b.AssignVariable("v", b.ReduceAdd(x[0], {0}));
    return Values{b.Sqrt(x[0])};
  };
  EXPECT_TRUE(SameInEveryWay(MakeProgram(program, kSizes), {.may_fail = true}));
}

TEST(GuardTest, UnknownSizesAreTakenAsEqual) {
  CoreProgram program;
  program.feeds = {{DType::kFloat32, {"n"}}, {DType::kFloat32, {"m"}}};
  program.build = [](CoreBuilder& b, mlir::ValueRange x) { return Values{b.Add(x[0], x[1])}; };
  EXPECT_TRUE(SameInEveryWay(MakeProgram(program, {{{"n", 5}, {"m", 5}}, {{"n", 5}, {"m", 6}}}),
                             {.may_fail = true, .concrete_runs = 1}));
}

TEST(SizesTest, WorkOnWhatACompactFound) {
  CoreProgram program;
  program.feeds = {
      {DType::kFloat32, {"n", "6"}}, {DType::kBool, {"n"}}, {DType::kFloat32, {"6", "5"}}};
  program.build = [](CoreBuilder& b, mlir::ValueRange x) {
    Value rows = b.Compact(x[0], x[1], "rows");
    return Values{b.MatMul(b.Tanh(rows), x[2]), b.ReduceAdd(rows, {0})};
  };
  EXPECT_TRUE(SameInEveryWay(MakeProgram(program, kSizes)));
}

TEST(CompositeTest, IsItsBody) {
  CoreProgram program;
  program.feeds = {{DType::kFloat32, {"n"}}};
  program.build = [](CoreBuilder& b, mlir::ValueRange x) {
    Values inner = b.Composite("twice", {x[0]}, [&](mlir::ValueRange arguments) {
      return Values{b.Add(arguments[0], arguments[0])};
    });
    return Values{b.StopGradient(inner[0])};
  };
  EXPECT_TRUE(SameInEveryWay(MakeProgram(program, kSizes)));
}

// A chain long enough that memory is reused many times.
TEST(MemoryTest, LongChainsShareTheArena) {
  CoreProgram program;
  program.feeds = {{DType::kFloat32, {"n", "7"}}, {DType::kFloat32, {"7", "7"}}};
  program.build = [](CoreBuilder& b, mlir::ValueRange x) {
    Value y = x[0], skip = x[0];
    for (int i = 0; i < 6; ++i) {
      Value turned = b.Transpose(y, {1, 0});
      y = b.Add(b.Transpose(b.Tanh(turned), {1, 0}), skip);
      y = b.Concatenate(
          {b.SliceDim(y, 1, b.Dim(3), b.Dim(7)), b.SliceDim(y, 1, b.Dim(0), b.Dim(3))}, 1);
      if (i % 2 == 1) skip = y;
    }
    return Values{y, skip, b.Reverse(y, {0})};
  };
  EXPECT_TRUE(SameInEveryWay(MakeProgram(program, kSizes)));
}

}  // namespace
}  // namespace stator::tests
