// Control flow, variables, checks, sizes that a run finds, and in-place memory.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/program/core_program.h"

namespace stator::tests {
namespace {

using core::DimsOf;
using executable::StepKind;
using mlir::Value;

const std::vector<Sizes> kSizes = {{{"n", 3}}, {{"n", 32}}, {{"n", 1}}, {{"n", 257}}};

// Compiles the program; failures are the test's.
ExecutablePtr MustCompile(const Program& program, const PipelineOptions& options = {}) {
  auto executable = Compile(program, options);
  EXPECT_TRUE(executable.ok()) << executable.status();
  return executable.ok() ? *executable : nullptr;
}

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
  const Program one = MakeProgram(program, {{{"n", 3}}});
  if (const ExecutablePtr executable = MustCompile(one)) {
    EXPECT_EQ(Execute(executable, one.runs[0]).Steps(StepKind::kIf), 1);
  }
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

// Feed 0 counts the iterations: 0, 1, 2, then 7.
Program MakeLoop(std::vector<Feed> feeds, decltype(CoreProgram::build) build) {
  feeds.insert(feeds.begin(), {DType::kInt32, {}});
  Program program = MakeProgram({std::move(feeds), std::move(build)}, kSizes);
  const int trips[] = {0, 1, 2, 7};
  for (size_t i = 0; i < program.runs.size(); ++i) {
    program.runs[i].name += "trips=" + std::to_string(trips[i]);
    program.runs[i].feeds[0] = MakeSplat(DType::kInt32, {}, trips[i]);
  }
  return program;
}

TEST(WhileTest, CountsAndCarries) {
  EXPECT_TRUE(
      SameInEveryWay(MakeLoop({{DType::kFloat32, {"n"}}}, [](CoreBuilder& b, mlir::ValueRange x) {
        return ForLoop(b, x[0], {x[1], b.SplatLike(x[1], 0), I32(b, 5)},
                       [&](Value count, mlir::ValueRange carried) {
                         Value next = b.Mul(b.Tanh(carried[0]), b.SplatLike(carried[0], 1.5));
                         return Values{next, b.Add(carried[1], next), count};
                       });
      })));
}

// One value is read after the loop as well, one is captured.
TEST(WhileTest, SwapsItsCarriedValues) {
  EXPECT_TRUE(SameInEveryWay(MakeLoop(
      {{DType::kFloat32, {"n"}}, {DType::kFloat32, {"n"}}}, [](CoreBuilder& b, mlir::ValueRange x) {
        Value k = b.Add(x[1], x[2]);
        Values loop = ForLoop(b, x[0], {x[1], k}, [&](Value, mlir::ValueRange carried) {
          Value m = b.Mul(carried[0], x[2]);
          return Values{carried[1], b.Add(m, k)};
        });
        return Values{b.Sub(loop[0], x[2]), loop[1]};
      })));
}

TEST(WhileTest, GrowsATensor) {
  EXPECT_TRUE(
      SameInEveryWay(MakeLoop({{DType::kFloat32, {"n"}}}, [](CoreBuilder& b, mlir::ValueRange x) {
        Values loop = ForLoop(b, x[0], {x[1]}, [&](Value, mlir::ValueRange carried) {
          Value longer = b.Concatenate({carried[0], x[1]}, 0);
          return Values{b.Add(longer, longer)};
        });
        return Values{loop[0], b.Neg(loop[0])};
      })));
}

// As often as the outer count says, and differently in odd iterations.
Value InnerLoop(CoreBuilder& b, Value trips, Value initial, Value base) {
  auto body = [&](Value count, mlir::ValueRange carried) {
    Value odd = b.Eq(b.Rem(count, I32(b, 2)), I32(b, 1));
    return b.If(
        odd, [&](mlir::ValueRange) { return Values{b.Sub(carried[0], base)}; },
        [&](mlir::ValueRange) { return Values{b.Tanh(carried[0])}; });
  };
  return ForLoop(b, b.Add(trips, I32(b, 1)), {initial}, body)[0];
}

Value NestedLoops(CoreBuilder& b, Value trips, Value x, Value w) {
  auto body = [&](Value count, mlir::ValueRange carried) {
    Value base = b.Mul(carried[0], w);
    return Values{b.Add(InnerLoop(b, count, carried[0], base), base)};
  };
  return ForLoop(b, trips, {x}, body)[0];
}

TEST(WhileTest, NestsWithIf) {
  EXPECT_TRUE(
      SameInEveryWay(MakeLoop({{DType::kFloat32, {"n"}}}, [](CoreBuilder& b, mlir::ValueRange x) {
        return Values{NestedLoops(b, x[0], x[1], x[1])};
      })));
}

// How often the loop runs is known only to the run: the forward loop leaves its carried values in a
// list.
Program LoopGradient() {
  return MakeLoop(
      {{DType::kFloat32, {"n"}}, {DType::kFloat32, {"n"}}}, [](CoreBuilder& b, mlir::ValueRange x) {
        Values loop = ForLoop(b, x[0], {x[1], x[2]}, [&](Value, mlir::ValueRange carried) {
          Value next = b.Tanh(b.Mul(carried[0], carried[1]));
          return Values{b.Add(next, x[1]), carried[1]};
        });
        Value y = b.Sin(loop[0]);
        Values gradients = Gradients(b, y, {x[1], x[2]});
        return Values{y, gradients[0], gradients[1]};
      });
}

TEST(LoopGradientTest, UnknownTripCount) { EXPECT_TRUE(SameInEveryWay(LoopGradient())); }

TEST(LoopGradientTest, PushesAndPopsOnceAnIteration) {
  const Program program = LoopGradient();
  const ExecutablePtr executable = MustCompile(program);
  ASSERT_NE(executable, nullptr);
  for (const RunInput& run : program.runs) {
    // One value needs a list, which is cleared first.
    EXPECT_EQ(Execute(executable, run).Steps(StepKind::kUseList), 1 + 2 * Number(run.feeds[0], 0));
  }
}

TEST(LoopGradientTest, NestedLoopsAndBranches) {
  EXPECT_TRUE(SameInEveryWay(MakeLoop({{DType::kFloat32, {"n"}}, {DType::kFloat32, {"n"}}},
                                      [](CoreBuilder& b, mlir::ValueRange x) {
                                        Value y = NestedLoops(b, x[0], x[1], x[2]);
                                        return Gradients(b, y, {x[1], x[2]});
                                      })));
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
    Values loop = ForLoop(b, x[0], {x[2]}, [&](Value, mlir::ValueRange carried) {
      b.AssignVariable("v", b.Add(b.ReadVariable("v", type), carried[0]));
      return Values{b.Neg(carried[0])};
    });
    return Values{loop[0], b.ReadVariable("v", type)};
  };
  for (uint64_t seed : {1, 2, 3}) EXPECT_TRUE(SameInEveryWay(MakeProgram(program, {{}, {}}, seed)));
}

TEST(VariableTest, AnUpdateWorksInPlace) {
  CoreProgram program;
  program.feeds = {{DType::kFloat32, {"3"}}};
  program.variables["w"] = {DType::kFloat32, {"3"}};
  program.build = [](CoreBuilder& b, mlir::ValueRange x) {
    b.AssignVariable("w", b.Sub(b.ReadVariable("w", x[0].getType()), x[0]));
    return Values{};
  };
  EXPECT_TRUE(SameInEveryWay(MakeProgram(program, {{}})));
  for (bool in_place : {true, false}) {
    const auto executable = MustCompile(MakeProgram(program, {{}}), {.in_place = in_place});
    ASSERT_NE(executable, nullptr);
    EXPECT_EQ(executable->model().entry_points[0].variables[0].in_place, in_place);
  }
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
  const Program checked = MakeProgram(program, kSizes);
  EXPECT_TRUE(SameInEveryWay(checked, {.may_fail = true}));
  RunInput run = checked.runs[0];
  run.feeds[0] = MakeNumbers(DType::kFloat32, {3}, {1, 2, 0.5});
  const ExecutablePtr executable = MustCompile(checked);
  ASSERT_NE(executable, nullptr);
  const absl::Status status = Execute(executable, run).status;
  EXPECT_EQ(status.code(), absl::StatusCode::kOutOfRange) << status;
  EXPECT_THAT(std::string(status.message()), testing::HasSubstr("all must be below 1.9"));
  EXPECT_THAT(std::string(status.message()), testing::HasSubstr("element 1"));
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

// Memory is made when the size is known, and given back after its last use.
TEST(SizesTest, AreBoundByAStep) {
  CoreProgram program;
  program.feeds = {{DType::kInt64, {}}, {DType::kFloat32, {}}};
  program.build = [](CoreBuilder& b, mlir::ValueRange x) {
    const core::DimExpr count = b.ValueAsDim(x[0], "count");
    Value positions = b.Iota(core::ElementTypeOf(x[1]), {count}, 0);
    Value powers = b.Exp(b.Mul(b.BroadcastTo(x[1], {count}), positions));
    return Values{b.Tanh(b.Concatenate({b.Reverse(powers, {0}), powers}, 0))};
  };
  Program sized = MakeProgram(program, {{}, {}, {}, {}});
  const int counts[] = {0, 1, 5, -1};
  for (size_t i = 0; i < sized.runs.size(); ++i) {
    sized.runs[i].feeds[0] = MakeSplat(DType::kInt64, {}, counts[i]);
  }
  EXPECT_TRUE(SameInEveryWay(sized, {.may_fail = true}));
  const ExecutablePtr executable = MustCompile(sized, {.fuse = false});
  ASSERT_NE(executable, nullptr);
  const Outcome outcome = Execute(executable, sized.runs[2]);
  EXPECT_TRUE(outcome.status.ok()) << outcome.status;
  EXPECT_GE(outcome.Steps(StepKind::kFree), 4);
  // The result stays.
  EXPECT_EQ(outcome.Steps(StepKind::kAlloc), outcome.Steps(StepKind::kFree) + 1);
  EXPECT_FALSE(Execute(executable, sized.runs[3]).status.ok());
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
