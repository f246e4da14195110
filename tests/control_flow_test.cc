// Control flow, sizes that steps decide, and variables through the whole pipeline: the image is verified, its memory
// plan replayed, and the run compared with the interpreter.

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/core_program.h"

namespace stator {
namespace {

using executable::StepKind;
using runtime::Tensor;

Tensor F32(std::vector<int64_t> dims, std::vector<float> values) { return Tensor::Of<float>(std::move(dims), values); }
Tensor Scalar(float value) { return Tensor::Scalar(value); }
Tensor Int(int32_t value) { return Tensor::Scalar(value); }

constexpr char kIf[] = R"(
  !v = tensor<?xf32, #core.dims<"n">>
  func.func @main(%x: !v, %limit: tensor<f32>, %first: tensor<f32>) -> (!v, tensor<f32>) {
    %p = core.compare LT %first, %limit : (tensor<f32>, tensor<f32>) -> tensor<i1>
    %y = core.multiply %x, %x : !v
    %a, %b = core.if %p {
      %e = core.exponential %y : !v
      core.return %e, %first : !v, tensor<f32>
    } else {
      %s = core.add %y, %x : !v
      core.return %s, %limit : !v, tensor<f32>
    } : (tensor<i1>) -> (!v, tensor<f32>)
    %r = core.add %a, %y : !v
    return %r, %b : !v, tensor<f32>
  })";

TEST(ControlFlowTest, If) {
  CoreProgram program(kIf);
  program.ExpectSame({F32({3}, {1, 2, 3}), Scalar(2), Scalar(1)});
  program.ExpectSame({F32({5}, {1, 2, 3, 4, 5}), Scalar(1), Scalar(2)});
  program.ExpectSame({F32({0}, {}), Scalar(1), Scalar(2)});
  EXPECT_EQ(program.Steps(StepKind::kIf), 1);
}

// Branches whose results differ in size: the result's symbol is bound in either.
constexpr char kIfSizes[] = R"(
  !v = tensor<?xf32, #core.dims<"n">>
  !j = tensor<?xf32, #core.dims<"branch">>
  func.func @main(%x: !v, %p: tensor<i1>) -> !j {
    %r = core.if %p {
      %d = core.concatenate %x, %x dim = 0 : (!v, !v) -> tensor<?xf32, #core.dims<"2*n">>
      %s = core.dim_values #core.dims<"2*n"> -> tensor<1xi64>
      %size = core.reshape %s : (tensor<1xi64>) -> tensor<i64>
      core.bind_dim %size, "branch" : tensor<i64>
      %j = core.assume_dims %d : (tensor<?xf32, #core.dims<"2*n">>) -> !j
      core.return %j : !j
    } else {
      %s = core.dim_values #core.dims<"n"> -> tensor<1xi64>
      %size = core.reshape %s : (tensor<1xi64>) -> tensor<i64>
      core.bind_dim %size, "branch" : tensor<i64>
      %e = core.exponential %x : !v
      %j = core.assume_dims %e : (!v) -> !j
      core.return %j : !j
    } : (tensor<i1>) -> !j
    %y = core.multiply %r, %r : !j
    return %y : !j
  })";

TEST(ControlFlowTest, IfWithSizesOfItsBranches) {
  CoreProgram program(kIfSizes);
  program.ExpectSame({F32({3}, {1, 2, 3}), Tensor::Scalar(true)});
  program.ExpectSame({F32({3}, {1, 2, 3}), Tensor::Scalar(false)});
  EXPECT_GE(program.Steps(StepKind::kAlloc), 1);
}

// Carried values that exchange places, one read after the loop, one captured.
constexpr char kWhile[] = R"(
  !v = tensor<?xf32, #core.dims<"n">>
  func.func @main(%x: !v, %w: !v, %trips: tensor<i32>) -> (!v, !v, tensor<i32>) {
    %zero = core.constant dense<0> : tensor<i32>
    %k = core.add %x, %w : !v
    %i, %a, %b = core.while %zero, %x, %k cond {
    ^bb0(%i: tensor<i32>, %a: !v, %b: !v):
      %p = core.compare LT %i, %trips : (tensor<i32>, tensor<i32>) -> tensor<i1>
      core.return %p : tensor<i1>
    } body {
    ^bb0(%i: tensor<i32>, %a: !v, %b: !v):
      %one = core.constant dense<1> : tensor<i32>
      %next = core.add %i, %one : tensor<i32>
      %m = core.multiply %a, %w : !v
      %s = core.add %m, %k : !v
      core.return %next, %b, %s : tensor<i32>, !v, !v
    } : (tensor<i32>, !v, !v) -> (tensor<i32>, !v, !v)
    %r = core.subtract %a, %w : !v
    return %r, %b, %i : !v, !v, tensor<i32>
  })";

TEST(ControlFlowTest, While) {
  CoreProgram program(kWhile);
  for (int32_t trips : {0, 1, 2, 7}) {
    program.ExpectSame({F32({3}, {1, 2, 3}), F32({3}, {0.5, 0.25, 2}), Int(trips)});
  }
  program.ExpectSame({F32({0}, {}), F32({0}, {}), Int(3)});
}

TEST(ControlFlowTest, WhileWithoutFusionOrSharing) {
  compiler::PipelineOptions options;
  options.fuse = options.in_place = false;
  CoreProgram program(kWhile, options);
  program.ExpectSame({F32({3}, {1, 2, 3}), F32({3}, {0.5, 0.25, 2}), Int(5)});
}

constexpr char kNested[] = R"(
  !v = tensor<4xf32>
  func.func @main(%x: !v, %trips: tensor<i32>) -> !v {
    %zero = core.constant dense<0> : tensor<i32>
    %i, %a = core.while %zero, %x cond {
    ^bb0(%i: tensor<i32>, %a: !v):
      %p = core.compare LT %i, %trips : (tensor<i32>, tensor<i32>) -> tensor<i1>
      core.return %p : tensor<i1>
    } body {
    ^bb0(%i: tensor<i32>, %a: !v):
      %one = core.constant dense<1> : tensor<i32>
      %base = core.multiply %a, %x : !v
      %j, %b = core.while %zero, %a cond {
      ^bb0(%j: tensor<i32>, %b: !v):
        %p = core.compare LE %j, %i : (tensor<i32>, tensor<i32>) -> tensor<i1>
        core.return %p : tensor<i1>
      } body {
      ^bb0(%j: tensor<i32>, %b: !v):
        %odd = core.and %j, %one : tensor<i32>
        %p = core.compare EQ %odd, %one : (tensor<i32>, tensor<i32>) -> tensor<i1>
        %c = core.if %p {
          %s = core.subtract %b, %base : !v
          core.return %s : !v
        } else {
          %h = core.tanh %b : !v
          core.return %h : !v
        } : (tensor<i1>) -> !v
        %next = core.add %j, %one : tensor<i32>
        core.return %next, %c : tensor<i32>, !v
      } : (tensor<i32>, !v) -> (tensor<i32>, !v)
      %next = core.add %i, %one : tensor<i32>
      %sum = core.add %b, %base : !v
      core.return %next, %sum : tensor<i32>, !v
    } : (tensor<i32>, !v) -> (tensor<i32>, !v)
    return %a : !v
  })";

TEST(ControlFlowTest, NestedLoopsAndBranches) {
  CoreProgram program(kNested);
  for (int32_t trips : {0, 1, 5}) program.ExpectSame({F32({4}, {0.1, 0.2, -0.3, 0.4}), Int(trips)});
}

// A loop whose tensor grows: its size is a symbol that each iteration binds anew.
constexpr char kGrowing[] = R"(
  !v = tensor<?xf32, #core.dims<"n">>
  !l = tensor<?xf32, #core.dims<"size">>
  !m = tensor<?xf32, #core.dims<"n + size">>
  func.func @main(%x: !v, %trips: tensor<i32>) -> (!l, tensor<i32>) {
    %zero = core.constant dense<0> : tensor<i32>
    %i, %a = core.while %zero, %x cond {
    ^bb0(%i: tensor<i32>, %a: !l):
      %p = core.compare LT %i, %trips : (tensor<i32>, tensor<i32>) -> tensor<i1>
      core.return %p : tensor<i1>
    } body {
    ^bb0(%i: tensor<i32>, %a: !l):
      %one = core.constant dense<1> : tensor<i32>
      %next = core.add %i, %one : tensor<i32>
      %c = core.concatenate %a, %x dim = 0 : (!l, !v) -> !m
      %d = core.add %c, %c : !m
      core.return %next, %d : tensor<i32>, !m
    } {loop_symbols = ["size"], initial_dims = #core.dims<"n">} : (tensor<i32>, !v) -> (tensor<i32>, !l)
    %y = core.negate %a : !l
    return %y, %i : !l, tensor<i32>
  })";

TEST(ControlFlowTest, LoopWhoseTensorGrows) {
  CoreProgram program(kGrowing);
  for (int32_t trips : {0, 1, 2, 6}) program.ExpectSame({F32({2}, {1, 2}), Int(trips)});
  program.ExpectSame({F32({3}, {1, 2, 3}), Int(3)});
}

// A size that a step binds: memory is made when it is known, and given back after its last use.
constexpr char kBound[] = R"(
  !k = tensor<?xf32, #core.dims<"k">>
  !d = tensor<?xf32, #core.dims<"2*k">>
  func.func @main(%count: tensor<i64>, %x: tensor<f32>) -> (!d, tensor<i64>) {
    core.bind_dim %count, "k" : tensor<i64>
    %b = core.broadcast_in_dim %x, dims = [] : (tensor<f32>) -> !k
    %i = core.iota 0 : !k
    %m = core.multiply %b, %i : !k
    %e = core.exponential %m : !k
    %r = core.reverse %e, dims = [0] : !k
    %c = core.concatenate %r, %e dim = 0 : (!k, !k) -> !d
    %y = core.tanh %c : !d
    return %y, %count : !d, tensor<i64>
  })";

TEST(ControlFlowTest, SizesThatAStepBinds) {
  for (bool fuse : {true, false}) {
    compiler::PipelineOptions options;
    options.fuse = fuse;
    CoreProgram program(kBound, options);
    for (int64_t count : {0, 1, 5}) program.ExpectSame({Tensor::Scalar(count), Scalar(0.25)});
    if (!fuse) {
      EXPECT_GE(program.Steps(StepKind::kFree), 4);
      EXPECT_EQ(program.Steps(StepKind::kAlloc), program.Steps(StepKind::kFree) + 1);  // the result stays
    }
    EXPECT_FALSE(program.Error({Tensor::Scalar(int64_t{-1}), Scalar(0.25)}).ok());
  }
}

constexpr char kVariables[] = R"(
  !v = tensor<3xf32>
  core.variable @w : !v {shared_name = "w"}
  core.variable @count : tensor<i32> {shared_name = "count"}
  func.func @main(%g: !v, %p: tensor<i1>) -> !v {
    %one = core.constant dense<1> : tensor<i32>
    %before = core.read_variable @w : !v
    %done = core.if %p {
      %w = core.read_variable @w : !v
      %n = core.subtract %w, %g : !v
      core.assign_variable @w, %n : !v
      %c = core.read_variable @count : tensor<i32>
      %m = core.add %c, %one : tensor<i32>
      core.assign_variable @count, %m : tensor<i32>
      core.return %m : tensor<i32>
    } else {
      core.return %one : tensor<i32>
    } : (tensor<i1>) -> tensor<i32>
    %after = core.read_variable @w : !v
    %change = core.subtract %after, %before : !v
    return %change : !v
  })";

TEST(ControlFlowTest, VariablesInBranches) {
  CoreProgram program(kVariables);
  const std::map<std::string, Tensor> state = {{"w", F32({3}, {1, 2, 3})}, {"count", Int(4)}};
  program.ExpectSame({F32({3}, {10, 20, 30}), Tensor::Scalar(true)}, state);
  program.ExpectSame({F32({3}, {10, 20, 30}), Tensor::Scalar(false)}, state);
}

constexpr char kUpdate[] = R"(
  !v = tensor<3xf32>
  core.variable @w : !v {shared_name = "w"}
  func.func @main(%g: !v) {
    %w = core.read_variable @w : !v
    %n = core.subtract %w, %g : !v
    core.assign_variable @w, %n : !v
    return
  })";

TEST(ControlFlowTest, AnUpdateWorksInPlace) {
  CoreProgram program(kUpdate);
  program.ExpectSame({F32({3}, {10, 20, 30})}, {{"w", F32({3}, {1, 2, 3})}});
  ASSERT_NE(program.model(), nullptr);
  EXPECT_TRUE(program.model()->entry_points[0].variables[0].in_place);
  compiler::PipelineOptions options;
  options.in_place = false;
  CoreProgram apart(kUpdate, options);
  apart.ExpectSame({F32({3}, {10, 20, 30})}, {{"w", F32({3}, {1, 2, 3})}});
  EXPECT_FALSE(apart.model()->entry_points[0].variables[0].in_place);
}

constexpr char kChecked[] = R"(
  func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {
    %zero = core.constant dense<0.0> : tensor<2xf32>
    %p = core.compare GE %x, %zero : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xi1>
    core.check %p, 3, "x must not be negative" : (tensor<2xi1>) -> ()
    %y = core.sqrt %x : tensor<2xf32>
    return %y : tensor<2xf32>
  })";

TEST(ControlFlowTest, ChecksStopTheRun) {
  CoreProgram program(kChecked);
  program.ExpectSame({F32({2}, {1, 2})});
  const runtime::Status status = program.Error({F32({2}, {1, -2})});
  EXPECT_EQ(status.code(), runtime::Code::kInvalidArgument);
  EXPECT_THAT(status.message(), ::testing::HasSubstr("x must not be negative"));
  EXPECT_THAT(status.message(), ::testing::HasSubstr("element 1"));
}

// How often the loop runs is known only to the run: the forward loop leaves its carried values in lists.
constexpr char kWhileGradient[] = R"(
  !v = tensor<?xf32, #core.dims<"n">>
  func.func @main(%x: !v, %w: !v, %trips: tensor<i32>) -> (!v, !v, !v) {
    %zero = core.constant dense<0> : tensor<i32>
    %i, %a, %u = core.while %zero, %x, %w cond {
    ^bb0(%i: tensor<i32>, %a: !v, %u: !v):
      %p = core.compare LT %i, %trips : (tensor<i32>, tensor<i32>) -> tensor<i1>
      core.return %p : tensor<i1>
    } body {
    ^bb0(%i: tensor<i32>, %a: !v, %u: !v):
      %one = core.constant dense<1> : tensor<i32>
      %next = core.add %i, %one : tensor<i32>
      %m = core.multiply %a, %u : !v
      %t = core.tanh %m : !v
      %s = core.add %t, %x : !v
      core.return %next, %s, %u : tensor<i32>, !v, !v
    } : (tensor<i32>, !v, !v) -> (tensor<i32>, !v, !v)
    %y = core.sine %a : !v
    %dx, %dw = core.gradients ys(%y) grad_ys() xs(%x, %w) : (!v, !v, !v) -> (!v, !v)
    return %y, %dx, %dw : !v, !v, !v
  })";

TEST(LoopGradientTest, UnknownTripCount) {
  CoreProgram program(kWhileGradient);
  for (int32_t trips : {0, 1, 2, 9}) {
    program.ExpectSame({F32({3}, {0.1, -0.2, 0.3}), F32({3}, {0.5, 0.25, 2}), Int(trips)});
    // A push and a pop for each value and iteration, and one clear per list.
    EXPECT_EQ(program.Steps(StepKind::kUseList), 1 + 2 * trips);
  }
}

constexpr char kNestedGradient[] = R"(
  !v = tensor<4xf32>
  func.func @main(%x: !v, %w: !v, %trips: tensor<i32>) -> (!v, !v) {
    %zero = core.constant dense<0> : tensor<i32>
    %i, %a = core.while %zero, %x cond {
    ^bb0(%i: tensor<i32>, %a: !v):
      %p = core.compare LT %i, %trips : (tensor<i32>, tensor<i32>) -> tensor<i1>
      core.return %p : tensor<i1>
    } body {
    ^bb0(%i: tensor<i32>, %a: !v):
      %one = core.constant dense<1> : tensor<i32>
      %j, %b = core.while %zero, %a cond {
      ^bb0(%j: tensor<i32>, %b: !v):
        %p = core.compare LE %j, %i : (tensor<i32>, tensor<i32>) -> tensor<i1>
        core.return %p : tensor<i1>
      } body {
      ^bb0(%j: tensor<i32>, %b: !v):
        %odd = core.and %j, %one : tensor<i32>
        %p = core.compare EQ %odd, %one : (tensor<i32>, tensor<i32>) -> tensor<i1>
        %c = core.if %p {
          %s = core.multiply %b, %w : !v
          core.return %s : !v
        } else {
          %h = core.tanh %b : !v
          core.return %h : !v
        } : (tensor<i1>) -> !v
        %next = core.add %j, %one : tensor<i32>
        core.return %next, %c : tensor<i32>, !v
      } : (tensor<i32>, !v) -> (tensor<i32>, !v)
      %next = core.add %i, %one : tensor<i32>
      %sum = core.add %b, %x : !v
      core.return %next, %sum : tensor<i32>, !v
    } : (tensor<i32>, !v) -> (tensor<i32>, !v)
    %dx, %dw = core.gradients ys(%a) grad_ys() xs(%x, %w) : (!v, !v, !v) -> (!v, !v)
    return %dx, %dw : !v, !v
  })";

TEST(LoopGradientTest, NestedLoopsAndBranches) {
  CoreProgram program(kNestedGradient);
  for (int32_t trips : {0, 1, 4}) {
    program.ExpectSame({F32({4}, {0.1, -0.2, 0.3, 0.9}), F32({4}, {0.5, 0.25, 2, -1}), Int(trips)});
  }
}

}  // namespace
}  // namespace stator
