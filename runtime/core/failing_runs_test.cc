// Runs that must end with an error: bad feeds, guards, checks, budget, deadline.
#include <chrono>
#include <thread>

#include "gtest/gtest.h"
#include "runtime/core/test_runner.h"

namespace stator::runtime {
namespace {

using executable::Access;
using executable::BufferKind;
using executable::Check;
using executable::SymbolLife;

TEST(FailingRuns, GuardFailsBeforeAnyEffectAndInTheUsersTerms) {
  Chain t;
  auto runner = MakeRunner(&t);
  std::vector<Tensor> out;
  const Status status = runner->Run({Floats(Ramp(4)), Floats(Ramp(1))}, {}, &out);
  EXPECT_EQ(status.code(), Code::kInvalidArgument);
  EXPECT_NE(status.message().find("batch of x must equal batch of y, line 42"), std::string::npos);
  ASSERT_TRUE(runner->guard_failure().has_value());
  EXPECT_EQ(runner->guard_failure()->lhs, 4);
  EXPECT_EQ(runner->guard_failure()->rhs, 1);
  EXPECT_EQ(runner->stats().steps[0], 0);
}

TEST(FailingRuns, RefusesWrongFeeds) {
  Chain t;
  auto runner = MakeRunner(&t);
  std::vector<Tensor> out;
  EXPECT_EQ(runner->Run({Floats({1})}, {}, &out).code(), Code::kInvalidArgument);
  const Status dtype = runner->Run({Tensor::Of<int32_t>({1}, {1}), Floats({1})}, {}, &out);
  EXPECT_NE(dtype.message().find("input x:0: expected float[batch of x], got int32[1]"),
            std::string::npos)
      << dtype.ToString();
  EXPECT_EQ(runner->Run({Tensor::Of<float>({1, 1}, {1}), Floats({1})}, {}, &out).code(),
            Code::kInvalidArgument);
}

TEST(FailingRuns, SymbolBoundsAndDivisorsAreChecked) {
  Chain t;
  t.model.symbols[0].max = 8;
  t.model.symbols[0].divisor = 2;
  auto runner = MakeRunner(&t);
  std::vector<Tensor> out;
  EXPECT_NE(runner->Run({Floats(Ramp(10)), Floats(Ramp(10))}, {}, &out)
                .message()
                .find("input x:0, dimension 0 (batch of x), must be at most 8, got 10"),
            std::string::npos);
  EXPECT_NE(
      runner->Run({Floats(Ramp(3)), Floats(Ramp(3))}, {}, &out).message().find("multiple of 2"),
      std::string::npos);
}

TEST(FailingRuns, BudgetIsKept) {
  Chain t;
  auto runner = MakeRunner(&t);
  std::vector<Tensor> out;
  RunOptions options;
  options.max_bytes = 1000;
  EXPECT_TRUE(runner->Run({Floats(Ramp(16)), Floats(Ramp(16))}, options, &out).ok());
  EXPECT_EQ(runner->stats().peak_bytes, 128);
  EXPECT_EQ(runner->Run({Floats(Ramp(1000)), Floats(Ramp(1000))}, options, &out).code(),
            Code::kResourceExhausted);
}

TEST(FailingRuns, KernelChecksNameNodeAndFirstElement) {
  TestProgram t;
  const int32_t n = t.AddSymbol("n", SymbolLife::kInput);
  const int32_t x = t.Vector("x", BufferKind::kInput, n, 0, 9);
  const int32_t out = t.Vector("out", BufferKind::kOutput, n, 0, 9);
  const int32_t checked = t.AddKernel({"checked"}, {{Access::kRead}, {Access::kWrite}}, 2);
  t.model.kernels[checked].may_fail = true;
  t.model.nodes.push_back({"sqrt", "Sqrt", "model.cc", 3});
  t.model.checks.push_back({Code::kOutOfRange, "negative input", 0});
  const int32_t main = t.Block("main");
  t.Add(main, 0, t.Launch(checked, {x, out}, {n, t.exprs.Const(0)}), 0);
  t.Entry(main);
  t.AddFeed("x:0", x);
  t.AddFetch("out:0", out);
  ThreadPool pool(4);
  auto runner = MakeRunner(&t, nullptr, nullptr, &pool);
  std::vector<float> values = Ramp(4000);
  values[1234] = -1;
  values[3999] = -1;
  values[2100] = -1;
  for (int threads : {1, 2, 4}) {
    RunOptions options;
    options.max_threads = threads;
    std::vector<Tensor> fetched;
    EXPECT_EQ(runner->Run({Floats(values)}, options, &fetched).ToString(),
              "OutOfRange: node sqrt (model.cc:3): node sqrt (model.cc:3): negative input (first "
              "at element 1234)");
  }
}

TEST(FailingRuns, CheckStepFails) {
  TestProgram t;
  const int32_t flags = t.Buffer("flags", BufferKind::kInput, 3, 0, 9, DType::kBool);
  t.model.buffers[flags].dims = {t.exprs.Const(3)};
  t.model.nodes.push_back({"assert", "Assert", "", 0});
  t.model.checks.push_back({Code::kInvalidArgument, "assertion failed", kNone});
  const int32_t main = t.Block("main");
  t.Add(main, 0, Check{flags, 0}, 0);
  t.Entry(main);
  t.AddFeed("flags:0", flags);
  auto runner = MakeRunner(&t);
  std::vector<Tensor> fetched;
  EXPECT_TRUE(runner->Run({Tensor::Of<bool>({3}, {true, true, true})}, {}, &fetched).ok());
  EXPECT_EQ(runner->Run({Tensor::Of<bool>({3}, {true, false, true})}, {}, &fetched).ToString(),
            "InvalidArgument: node assert: assertion failed (first at element 1)");
}

struct Slow : TestProgram {
  explicit Slow(int64_t iterations, int64_t grid) {
    const int32_t out = Buffer("out", BufferKind::kOutput, 8, 0, 9, DType::kInt64);
    const int32_t slow = AddKernel({"slow"}, {{Access::kWrite}}, 1, true);
    model.kernels[slow].phases[0].grid = exprs.Const(grid);
    const int32_t main = Block("main");
    Add(main, 0, Launch(slow, {out}, {exprs.Const(iterations)}));
    Entry(main);
    AddFetch("out:0", out);
  }
};

TEST(FailingRuns, DeadlineAndCancellationStopALaunch) {
  for (const bool one_long_tile : {false, true}) {
    Slow t(one_long_tile ? INT64_MAX : 1000, one_long_tile ? 1 : INT64_MAX / 2);
    auto runner = MakeRunner(&t);
    std::vector<Tensor> fetched;
    RunOptions options;
    options.control.deadline_ns = NowNanoseconds() + 20'000'000;
    EXPECT_EQ(runner->Run({}, options, &fetched).code(), Code::kDeadlineExceeded);
    EXPECT_LT(NowNanoseconds(), options.control.deadline_ns + 2'000'000'000);

    CancellationToken token;
    RunOptions cancel;
    cancel.control.token = &token;
    std::thread other([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
      token.Cancel();
    });
    EXPECT_EQ(runner->Run({}, cancel, &fetched).code(), Code::kCancelled);
    other.join();
  }
}

}  // namespace
}  // namespace stator::runtime
