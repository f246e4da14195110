#include "runtime/core/runner.h"

#include <atomic>
#include <chrono>
#include <cstdio>
#include <thread>

#include "gtest/gtest.h"
#include "runtime/core/test_program.h"

namespace stator::runtime {
namespace {

using executable::Access;
using executable::Alloc;
using executable::BufferKind;
using executable::Check;
using executable::Copy;
using executable::Free;
using executable::SymbolLife;

Tensor Floats(const std::vector<float>& values) {
  return Tensor::Of<float>({static_cast<int64_t>(values.size())}, values);
}

std::vector<float> Values(const Tensor& t) {
  return std::vector<float>(t.data<float>(), t.data<float>() + t.num_elements());
}

std::vector<float> Ramp(int n, float first = 1) {
  std::vector<float> out(n);
  for (int i = 0; i < n; ++i) out[i] = first + static_cast<float>(i);
  return out;
}

std::unique_ptr<Runner> MakeRunner(TestProgram* t, VariableStore* variables = nullptr,
                                   const HostRegistry* host = nullptr, ThreadPool* pool = nullptr) {
  Result<std::shared_ptr<Executable>> e = t->Load(host);
  EXPECT_TRUE(e.ok()) << e.status().ToString();
  if (!e.ok()) return nullptr;
  Result<std::unique_ptr<Runner>> runner = Runner::Create(*e, 0, variables, pool);
  EXPECT_TRUE(runner.ok()) << runner.status().ToString();
  return std::move(runner).value();
}

// out = (x + y) * 3 through the arena; batch unknown.
struct Chain : TestProgram {
  int32_t n, m, x, y, sum, out;
  Chain() {
    n = AddSymbol("batch of x", SymbolLife::kInput);
    m = AddSymbol("batch of y", SymbolLife::kInput);
    x = Vector("x", BufferKind::kInput, n, 0, 1);
    y = Vector("y", BufferKind::kInput, m, 0, 1);
    sum = Vector("sum", BufferKind::kArena, n, 0, 1);
    out = Vector("out", BufferKind::kOutput, n, 0, 1);
    const int32_t add = AddKernel({"add"}, {{Access::kRead}, {Access::kRead}, {Access::kWrite}}, 1);
    const int32_t scale = AddKernel({"scale"}, {{Access::kRead}, {Access::kWrite, 0}}, 2);
    const int32_t main = Block("main");
    model.nodes.push_back({"sum_node", "AddV2", "model.cc", 7});
    Add(main, 0, Launch(add, {x, y, sum}, {n}), 0);
    Add(main, 1, Launch(scale, {sum, out}, {n, exprs.Const(3)}), 0);
    Entry(main);
    AddFeed("x:0", x);
    AddFeed("y:0", y);
    AddFetch("out:0", out);
    model.entry_points[0].guards.push_back(
        {n, m, executable::Relation::kEqual, "batch of x must equal batch of y, line 42", kNone});
  }
};

TEST(Runner, OneExecutableServesEveryBatch) {
  Chain t;
  auto runner = MakeRunner(&t);
  for (int batch : {1, 3, 0, 257, 32, 257}) {
    std::vector<Tensor> out;
    const Status status = runner->Run({Floats(Ramp(batch)), Floats(Ramp(batch, 10))}, {}, &out);
    ASSERT_TRUE(status.ok()) << status.ToString();
    ASSERT_EQ(out[0].dims(), std::vector<int64_t>{batch});
    for (int i = 0; i < batch; ++i) EXPECT_EQ(out[0].data<float>()[i], 3 * (11.0f + 2 * i));
  }
  EXPECT_EQ(runner->executable()->StepCounts()[0], 12);
}

TEST(Runner, GuardFailsBeforeAnyEffectAndInTheUsersTerms) {
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

TEST(Runner, RefusesWrongFeeds) {
  Chain t;
  auto runner = MakeRunner(&t);
  std::vector<Tensor> out;
  EXPECT_EQ(runner->Run({Floats({1})}, {}, &out).code(), Code::kInvalidArgument);
  const Status dtype = runner->Run({Tensor::Of<int32_t>({1}, {1}), Floats({1})}, {}, &out);
  EXPECT_NE(dtype.message().find("feed x:0: expected float[batch of x], got int32[1]"),
            std::string::npos)
      << dtype.ToString();
  EXPECT_EQ(runner->Run({Tensor::Of<float>({1, 1}, {1}), Floats({1})}, {}, &out).code(),
            Code::kInvalidArgument);
}

TEST(Runner, SymbolBoundsAndDivisorsAreChecked) {
  Chain t;
  t.model.symbols[0].max = 8;
  t.model.symbols[0].divisor = 2;
  auto runner = MakeRunner(&t);
  std::vector<Tensor> out;
  EXPECT_NE(runner->Run({Floats(Ramp(10)), Floats(Ramp(10))}, {}, &out)
                .message()
                .find("batch of x must be at most 8, got 10"),
            std::string::npos);
  EXPECT_NE(
      runner->Run({Floats(Ramp(3)), Floats(Ramp(3))}, {}, &out).message().find("multiple of 2"),
      std::string::npos);
}

TEST(Runner, ReuseLeavesTensorsThatTheCallerStillHolds) {
  Chain t;
  auto runner = MakeRunner(&t);
  std::vector<Tensor> out;
  RunOptions options;
  options.reuse_fetches = true;
  ASSERT_TRUE(runner->Run({Floats({1}), Floats({2})}, options, &out).ok());
  const Tensor kept = out[0];
  ASSERT_TRUE(runner->Run({Floats({5}), Floats({5})}, options, &out).ok());
  EXPECT_EQ(Values(kept), std::vector<float>{9});
  EXPECT_EQ(Values(out[0]), std::vector<float>{30});
}

TEST(Runner, BudgetIsKept) {
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

TEST(Runner, TwoThreadsGiveTheBitsOfOne) {
  TestProgram t;
  const int32_t n = t.AddSymbol("n", SymbolLife::kInput);
  const int32_t x = t.Vector("x", BufferKind::kInput, n, 0, 9);
  const int32_t squares = t.Vector("squares", BufferKind::kArena, n, 0, 1);
  const int32_t tiles = t.exprs.CeilDiv(n, t.exprs.Const(16));
  const int32_t partial = t.Vector("partial", BufferKind::kArena, tiles, 1, 1);
  const int32_t out = t.Vector("out", BufferKind::kOutput, t.exprs.Const(1), 0, 9);
  t.model.buffers[out].dims = {};
  const int32_t square = t.AddKernel({"square_scratch"}, {{Access::kRead}, {Access::kWrite}}, 1);
  t.model.kernels[square].scratch_bytes = t.exprs.Const(64);
  const int32_t sum = t.AddKernel({"sum_partial", "sum_final"},
                                  {{Access::kRead}, {Access::kWrite}, {Access::kWrite}}, 1);
  const int32_t main = t.Block("main");
  t.Add(main, 0, t.Launch(square, {x, squares}, {n}));
  t.Add(main, 1, t.Launch(sum, {squares, partial, out}, {n}));
  t.Entry(main);
  t.AddFeed("x:0", x);
  t.AddFetch("out:0", out);
  ThreadPool pool(4);
  auto runner = MakeRunner(&t, nullptr, nullptr, &pool);
  std::vector<float> values(5000);
  for (size_t i = 0; i < values.size(); ++i) values[i] = 1.0f / static_cast<float>(i + 1);
  std::vector<float> results;
  for (int threads : {1, 2, 3, 4}) {
    RunOptions options;
    options.max_threads = threads;
    std::vector<Tensor> fetched;
    ASSERT_TRUE(runner->Run({Floats(values)}, options, &fetched).ok());
    results.push_back(fetched[0].data<float>()[0]);
  }
  for (float r : results) EXPECT_EQ(r, results[0]);
  EXPECT_NEAR(results[0], 1.6447, 1e-3);
}

// where(x > 0) * 10: a data-dependent size.
TEST(Runner, StepSymbolsSizeDynamicBuffers) {
  TestProgram t;
  const int32_t n = t.AddSymbol("n", SymbolLife::kInput);
  const int32_t k = t.AddSymbol("rows", SymbolLife::kStep);
  const int32_t x = t.Vector("x", BufferKind::kInput, n, 0, 9);
  const int32_t count = t.Arena("count", 4, 0, 1, DType::kInt32);
  const int32_t dyn = t.Vector("dyn", BufferKind::kDynamic, k, 2, 5);
  const int32_t out = t.Vector("out", BufferKind::kOutput, k, 2, 9);
  const int32_t counter = t.AddKernel({"count"}, {{Access::kRead}, {Access::kWrite}}, 1, true);
  const int32_t compact = t.AddKernel({"compact"}, {{Access::kRead}, {Access::kWrite}}, 1, true);
  const int32_t scale = t.AddKernel({"scale"}, {{Access::kRead}, {Access::kWrite}}, 2);
  t.model.nodes.push_back({"where", "Where", "", 0});
  const int32_t main = t.Block("main");
  t.Add(main, 0, t.Launch(counter, {x, count}, {n}));
  t.Add(main, 1, executable::BindSymbol{1, count, 0}, 0);
  t.Add(main, 2, Alloc{dyn, kNone});
  t.Add(main, 2, Alloc{out, kNone});
  t.Add(main, 3, t.Launch(compact, {x, dyn}, {n}));
  t.Add(main, 4, t.Launch(scale, {dyn, out}, {k, t.exprs.Const(10)}));
  t.Add(main, 5, Free{dyn});
  t.Entry(main);
  t.AddFeed("x:0", x);
  t.AddFetch("out:0", out);
  auto runner = MakeRunner(&t);
  std::vector<Tensor> fetched;
  ASSERT_TRUE(runner->Run({Floats({1, -2, 3, -4, 5})}, {}, &fetched).ok());
  EXPECT_EQ(Values(fetched[0]), (std::vector<float>{10, 30, 50}));
  ASSERT_TRUE(runner->Run({Floats({-1, -2})}, {}, &fetched).ok());
  EXPECT_EQ(fetched[0].dims(), std::vector<int64_t>{0});

  TestProgram* bounded = &t;
  bounded->model.symbols[1].max = 2;
  auto strict = MakeRunner(bounded);
  const Status status = strict->Run({Floats({1, 2, 3})}, {}, &fetched);
  EXPECT_EQ(status.ToString(), "InvalidArgument: node where: rows must be at most 2, got 3");
}

// if (x[0] < 5) out = x * 2 else out = x * 3
TEST(Runner, IfTakesOneBranch) {
  TestProgram t;
  const int32_t n = t.AddSymbol("n", SymbolLife::kInput);
  const int32_t x = t.Vector("x", BufferKind::kInput, n, 0, 9);
  const int32_t pred = t.Arena("pred", 1, 0, 1, DType::kBool);
  const int32_t out = t.Vector("out", BufferKind::kOutput, n, 0, 9);
  const int32_t less = t.AddKernel({"less"}, {{Access::kRead}, {Access::kWrite}}, 1, true);
  const int32_t scale = t.AddKernel({"scale"}, {{Access::kRead}, {Access::kWrite}}, 2);
  const int32_t main = t.Block("main");
  const int32_t then_block = t.Block("then");
  const int32_t else_block = t.Block("else");
  t.Add(main, 0, t.Launch(less, {x, pred}, {t.exprs.Const(5)}));
  t.Add(main, 1, executable::If{pred, then_block, else_block});
  t.Add(then_block, 2, t.Launch(scale, {x, out}, {n, t.exprs.Const(2)}));
  t.Add(else_block, 3, t.Launch(scale, {x, out}, {n, t.exprs.Const(3)}));
  t.Entry(main);
  t.AddFeed("x:0", x);
  t.AddFetch("out:0", out);
  auto runner = MakeRunner(&t);
  std::vector<Tensor> fetched;
  ASSERT_TRUE(runner->Run({Floats({4, 10})}, {}, &fetched).ok());
  EXPECT_EQ(Values(fetched[0]), (std::vector<float>{8, 20}));
  ASSERT_TRUE(runner->Run({Floats({6, 10})}, {}, &fetched).ok());
  EXPECT_EQ(Values(fetched[0]), (std::vector<float>{18, 30}));
}

// while (x[0] < 100) x = x * 2, carried in the arena, read after the loop.
struct Doubling : TestProgram {
  Doubling() {
    const int32_t n = AddSymbol("n", SymbolLife::kInput);
    const int32_t x = Vector("x", BufferKind::kInput, n, 0, 9);
    const int32_t current = Vector("current", BufferKind::kArena, n, 0, 5);
    const int32_t next = Vector("next", BufferKind::kArena, n, 3, 3);
    const int32_t other = Vector("other", BufferKind::kArena, n, 3, 3);
    const int32_t pred = Arena("pred", 1, 1, 3, DType::kBool);
    const int32_t out = Vector("out", BufferKind::kOutput, n, 0, 9);
    const int32_t less = AddKernel({"less"}, {{Access::kRead}, {Access::kWrite}}, 1, true);
    const int32_t scale = AddKernel({"scale"}, {{Access::kRead}, {Access::kWrite}}, 2);
    const int32_t main = Block("main");
    const int32_t cond = Block("cond");
    const int32_t body = Block("body");
    Add(main, 0, Copy{x, current});
    Add(main, 1, executable::While{cond, pred, body, {{current, next}}, {}});
    Add(cond, 2, Launch(less, {current, pred}, {exprs.Const(100)}));
    Add(body, 3, Launch(scale, {current, next}, {n, exprs.Const(2)}));
    Add(body, 3, Launch(scale, {current, other}, {n, exprs.Const(7)}));
    Add(main, 5, Launch(scale, {current, out}, {n, exprs.Const(1)}));
    Entry(main);
    AddFeed("x:0", x);
    AddFetch("out:0", out);
  }
};

TEST(Runner, WhileCarriesBuffers) {
  Doubling t;
  auto runner = MakeRunner(&t);
  std::vector<Tensor> fetched;
  for (const bool poison : {false, true}) {
    RunOptions options;
    options.poison = poison;
    for (float first : {1.0f, 99.0f, 100.0f, 2.0f, 60.0f}) {
      ASSERT_TRUE(runner->Run({Floats({first, 1})}, options, &fetched).ok());
      float expected = first;
      float factor = 1;
      for (; expected < 100; expected *= 2) factor *= 2;
      EXPECT_EQ(Values(fetched[0]), (std::vector<float>{expected, factor})) << first;
    }
  }
}

// A loop whose tensor grows: t = [0]; while (t.size < 6) t = append(t, size).
TEST(Runner, LoopSymbolsGrowDynamicBuffers) {
  TestProgram t;
  const int32_t size = t.AddSymbol("size", SymbolLife::kLoop);
  const int32_t one = t.exprs.Const(1);
  const int32_t grown = t.exprs.Add(size, one);
  const int32_t x = t.Vector("x", BufferKind::kInput, one, 0, 9);
  const int32_t current = t.Vector("current", BufferKind::kDynamic, size, 0, 9);
  const int32_t next = t.Vector("next", BufferKind::kDynamic, grown, 4, 5);
  const int32_t pred = t.Arena("pred", 1, 2, 5, DType::kBool);
  const int32_t append = t.AddKernel({"append"}, {{Access::kRead}, {Access::kWrite}}, 1, true);
  const int32_t less = t.AddKernel({"less"}, {{Access::kRead}, {Access::kWrite}}, 1, true);
  const int32_t last = t.Vector("tail", BufferKind::kDynamic, one, 2, 6);
  t.model.buffers[last].alias_of = current;
  t.model.buffers[last].alias_offset =
      t.exprs.Mul(t.exprs.Add(size, t.exprs.Const(-1)), t.exprs.Const(4));
  const int32_t main = t.Block("main");
  const int32_t cond = t.Block("cond");
  const int32_t body = t.Block("body");
  t.Add(main, 0, Alloc{current, t.exprs.Const(4)});
  t.Add(main, 1, Copy{x, current});
  t.Add(main, 2, executable::While{cond, pred, body, {{current, next}}, {{0, one, grown}}});
  t.Add(cond, 3, t.Launch(less, {last, pred}, {t.exprs.Const(5)}));
  t.Add(body, 4, Alloc{next, kNone});
  t.Add(body, 5, t.Launch(append, {current, next}, {size}));
  t.Entry(main);
  t.AddFeed("x:0", x);
  t.AddFetch("out:0", current);
  auto runner = MakeRunner(&t);
  std::vector<Tensor> fetched;
  for (int i = 0; i < 3; ++i) {
    const Status status = runner->Run({Floats({0})}, {}, &fetched);
    ASSERT_TRUE(status.ok()) << status.ToString();
    EXPECT_EQ(Values(fetched[0]), (std::vector<float>{0, 1, 2, 3, 4, 5}));
  }
}

TEST(Runner, KernelChecksNameNodeAndFirstElement) {
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

TEST(Runner, CheckStepFails) {
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

TEST(Runner, DeadlineAndCancellationStopALaunch) {
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

// w = w + g, in place when possible; fetches the new value.
struct Accumulate : TestProgram {
  Accumulate() {
    const int32_t n = AddSymbol("size of w", SymbolLife::kInput);
    const int32_t g = Vector("g", BufferKind::kInput, n, 0, 9);
    const int32_t read = Vector("w/read", BufferKind::kVariableRead, n, 0, 9);
    const int32_t write = Vector("w/write", BufferKind::kVariableWrite, n, 0, 9);
    const int32_t out = Vector("out", BufferKind::kOutput, n, 0, 9);
    const int32_t add =
        AddKernel({"add"}, {{Access::kRead}, {Access::kRead}, {Access::kWrite, 0}}, 1);
    model.nodes.push_back({"train", "AssignAddVariableOp", "", 0});
    const int32_t main = Block("main");
    Add(main, 0, Launch(add, {read, g, write}, {n}), 0);
    Add(main, 1, Copy{write, out});
    Entry(main);
    AddFeed("g:0", g);
    AddFetch("out:0", out);
    model.entry_points[0].variables.push_back(
        {"w", DType::kFloat32, {n}, {n}, read, write, kNone, true, false, false, 0});
  }
};

TEST(Runner, VariablesUpdateInPlace) {
  Accumulate t;
  VariableStore store;
  auto runner = MakeRunner(&t, &store);
  std::vector<Tensor> fetched;
  EXPECT_EQ(runner->Run({Floats({1, 1})}, {}, &fetched).ToString(),
            "FailedPrecondition: node train: variable w is not initialized");
  ASSERT_TRUE(store.Write("w", Floats({10, 20})).ok());
  const void* memory = store.FindOrCreate("w")->buffer->data();
  for (int i = 1; i <= 3; ++i) {
    ASSERT_TRUE(runner->Run({Floats({1, 2})}, {}, &fetched).ok());
    EXPECT_EQ(Values(fetched[0]), (std::vector<float>{10.0f + i, 20.0f + 2 * i}));
  }
  EXPECT_EQ(Values(*store.Read("w")), (std::vector<float>{13, 26}));
  EXPECT_EQ(store.FindOrCreate("w")->buffer->data(), memory);
  // A wrong feed is refused before the variable is touched.
  EXPECT_FALSE(runner->Run({Floats({1, 2, 3})}, {}, &fetched).ok());
  EXPECT_EQ(Values(*store.Read("w")), (std::vector<float>{13, 26}));
}

TEST(Runner, CountersStartAtZero) {
  Accumulate t;
  executable::Variable& v = t.model.entry_points[0].variables[0];
  v.read_dims = v.write_dims = {t.exprs.Const(2)};
  t.model.entry_points[0].feeds[0].dims = {t.exprs.Symbol(0)};
  v.zero_initialized = true;
  VariableStore store;
  auto runner = MakeRunner(&t, &store);
  std::vector<Tensor> fetched;
  ASSERT_TRUE(runner->Run({Floats({1, 2})}, {}, &fetched).ok());
  auto second = MakeRunner(&t, &store);  // does not start over
  ASSERT_TRUE(second->Run({Floats({1, 2})}, {}, &fetched).ok());
  EXPECT_EQ(Values(fetched[0]), (std::vector<float>{2, 4}));
}

TEST(Runner, PinnedVersionsAreLeftAlone) {
  Accumulate t;
  VariableStore store;
  auto runner = MakeRunner(&t, &store);
  ASSERT_TRUE(store.Write("w", Floats({1})).ok());
  std::vector<VariableLease> reader;
  ASSERT_TRUE(store.Acquire({{store.FindOrCreate("w"), true, false, false}}, {}, &reader).ok());
  std::vector<Tensor> fetched;
  ASSERT_TRUE(runner->Run({Floats({5})}, {}, &fetched).ok());
  EXPECT_EQ(static_cast<float*>(reader[0].buffer->data())[0], 1);
  store.Release(&reader);
  EXPECT_EQ(Values(*store.Read("w")), std::vector<float>{6});
}

TEST(Runner, ConcurrentTrainingLosesNoUpdate) {
  Accumulate t;
  VariableStore store;
  ASSERT_TRUE(store.Write("w", Floats(std::vector<float>(100, 0))).ok());
  Result<std::shared_ptr<Executable>> e = t.Load();
  ASSERT_TRUE(e.ok());
  std::vector<std::thread> threads;
  for (int k = 0; k < 2; ++k) {
    threads.emplace_back([&] {
      auto runner = Runner::Create(*e, 0, &store);
      std::vector<Tensor> fetched;
      for (int i = 0; i < 200; ++i) {
        EXPECT_TRUE((*runner)->Run({Floats(std::vector<float>(100, 1))}, {}, &fetched).ok());
      }
    });
  }
  threads.emplace_back([&] {  // a reader sees whole versions only
    for (int i = 0; i < 200; ++i) {
      const std::vector<float> w = Values(*store.Read("w"));
      for (float v : w) EXPECT_EQ(v, w[0]);
    }
  });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(Values(*store.Read("w")), std::vector<float>(100, 400));
}

TEST(Runner, InitRunsOncePerVariableVersion) {
  TestProgram t;
  const int32_t four = t.exprs.Const(4);
  const int32_t read = t.Vector("w", BufferKind::kVariableRead, four, 0, 9);
  const int32_t packed = t.Buffer("packed", BufferKind::kPersistent, 16, 0, 9);
  const int32_t out = t.Vector("out", BufferKind::kOutput, four, 0, 9);
  const int32_t scale = t.AddKernel({"scale"}, {{Access::kRead}, {Access::kWrite}}, 2);
  const int32_t init = t.Block("init");
  const int32_t main = t.Block("main");
  t.Add(init, 0, t.Launch(scale, {read, packed}, {four, t.exprs.Const(2)}));
  t.Add(main, 1, t.Launch(scale, {packed, out}, {four, t.exprs.Const(5)}));
  executable::EntryPoint& entry = t.Entry(main);
  entry.init_block = init;
  entry.variables.push_back({"w", DType::kFloat32, {four}, {}, read});
  entry.init_variables = {0};
  t.AddFetch("out:0", out);
  VariableStore store;
  auto runner = MakeRunner(&t, &store);
  ASSERT_TRUE(store.Write("w", Floats({1, 2, 3, 4})).ok());
  std::vector<Tensor> fetched;
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(runner->Run({}, {}, &fetched).ok());
  EXPECT_EQ(Values(fetched[0]), (std::vector<float>{10, 20, 30, 40}));
  EXPECT_EQ(runner->executable()->StepCounts()[0], 4);  // one init, three runs
  ASSERT_TRUE(store.Write("w", Floats({1, 1, 1, 1})).ok());
  ASSERT_TRUE(runner->Run({}, {}, &fetched).ok());
  EXPECT_EQ(Values(fetched[0]), (std::vector<float>{10, 10, 10, 10}));
  EXPECT_EQ(runner->executable()->StepCounts()[0], 6);
}

TEST(Runner, HostCallsSeeStringsAndBindShapes) {
  TestProgram t;
  const int32_t n = t.AddSymbol("n", SymbolLife::kInput);
  const int32_t k = t.AddSymbol("words", SymbolLife::kStep);
  const int32_t eight = t.exprs.Const(8);
  const int32_t x = t.Sized("x", BufferKind::kInput, t.exprs.Mul(n, eight), 0, 9, DType::kString);
  t.model.buffers[x].dims = {n};
  const int32_t words =
      t.Sized("words", BufferKind::kDynamic, t.exprs.Mul(k, eight), 0, 9, DType::kString);
  t.model.buffers[words].dims = {k};
  const int32_t reversed =
      t.Sized("reversed", BufferKind::kDynamic, t.exprs.Mul(k, eight), 1, 9, DType::kString);
  t.model.buffers[reversed].dims = {k};
  const int32_t move = t.AddKernel({"move8"}, {{Access::kRead}, {Access::kWrite}}, 1, true);
  t.model.nodes.push_back({"split", "StringSplit", "", 0});
  const int32_t main = t.Block("main");
  t.Add(main, 0, executable::HostCall{"split", {x}, {words}, ","}, 0);
  t.Add(main, 1, Alloc{reversed, kNone});
  t.Add(main, 2, t.Launch(move, {words, reversed}, {k}));
  t.Entry(main);
  t.AddFeed("x:0", x);
  t.AddFetch("out:0", reversed);

  HostRegistry host;
  EXPECT_EQ(t.Load(&host).status().ToString(),
            "NotFound: node split: host function split is not registered in this program");
  host.Register("split", [](HostCallContext* c) -> Status {
    std::vector<std::string> parts;
    for (int64_t i = 0; i < c->input(0).num_elements(); ++i) {
      std::string rest = c->InputString(0, i);
      if (rest.empty()) return executable::InvalidArgument("empty text");
      for (size_t at; (at = rest.find(c->attributes())) != std::string::npos;) {
        parts.push_back(rest.substr(0, at));
        rest = rest.substr(at + 1);
      }
      parts.push_back(rest);
    }
    STATOR_EXEC_RETURN_IF_ERROR(c->AllocateOutput(0, {static_cast<int64_t>(parts.size())}));
    for (size_t i = 0; i < parts.size(); ++i) {
      c->SetOutputString(0, static_cast<int64_t>(i), parts[i]);
    }
    return Status::Ok();
  });
  auto runner = MakeRunner(&t, nullptr, &host);
  std::vector<Tensor> fetched;
  const Status status = runner->Run({*Tensor::FromStrings({2}, {"a,bc", "def"})}, {}, &fetched);
  ASSERT_TRUE(status.ok()) << status.ToString();
  EXPECT_EQ(fetched[0].strings(), (std::vector<std::string>{"def", "bc", "a"}));
  EXPECT_EQ(runner->Run({*Tensor::FromStrings({1}, {""})}, {}, &fetched).ToString(),
            "InvalidArgument: node split: empty text");
}

TEST(Runner, TraceNamesEachStep) {
  struct Sink : TraceSink {
    std::vector<StepEvent> events;
    void OnStep(const StepEvent& e) override { events.push_back(e); }
  } sink;
  Chain t;
  auto runner = MakeRunner(&t);
  RunOptions options;
  options.trace = &sink;
  std::vector<Tensor> fetched;
  ASSERT_TRUE(runner->Run({Floats({1}), Floats({1})}, options, &fetched).ok());
  ASSERT_EQ(sink.events.size(), 2u);
  EXPECT_LE(sink.events[0].start_ns, sink.events[0].end_ns);
  EXPECT_LE(sink.events[0].end_ns, sink.events[1].start_ns);
  EXPECT_EQ(runner->executable()->program().steps[sink.events[1].step].step->source_node, 0);
}

TEST(Runner, WavesOfSmallStepsRunTogether) {
  TestProgram t;
  const int32_t n = t.AddSymbol("n", SymbolLife::kInput);
  const int32_t x = t.Vector("x", BufferKind::kInput, n, 0, 9);
  const int32_t scale = t.AddKernel({"scale"}, {{Access::kRead}, {Access::kWrite}}, 2);
  const int32_t main = t.Block("main");
  std::vector<int32_t> outs;
  for (int i = 0; i < 5; ++i) {
    outs.push_back(t.Vector("out", BufferKind::kOutput, n, 0, 9));
    t.Add(main, 0, t.Launch(scale, {x, outs.back()}, {n, t.exprs.Const(i)}));
  }
  t.Entry(main);
  t.AddFeed("x:0", x);
  for (int32_t out : outs) t.AddFetch("out", out);
  ThreadPool pool(3);
  auto runner = MakeRunner(&t, nullptr, nullptr, &pool);
  std::vector<Tensor> fetched;
  for (int size : {1, 100, 1000}) {
    ASSERT_TRUE(runner->Run({Floats(Ramp(size))}, {}, &fetched).ok());
    for (int i = 0; i < 5; ++i) {
      for (int k = 0; k < size; ++k) {
        ASSERT_EQ(fetched[i].data<float>()[k], static_cast<float>(i * (k + 1)));
      }
    }
  }
}

TEST(Executable, RefusesOtherMachines) {
  Chain t;
  t.model.target.features = {"avx512of-tomorrow"};
  EXPECT_EQ(t.Load().status().code(), Code::kFailedPrecondition);
  t.model.target.features = {};
  t.model.target.arch = "vax";
  EXPECT_EQ(t.Load().status().code(), Code::kFailedPrecondition);
}

TEST(Executable, LoadsFromAFile) {
  Chain t;
  const std::vector<uint8_t> bytes = executable::Serialize(t.model);
  const std::string path = testing::TempDir() + "/chain.image";
  FILE* f = std::fopen(path.c_str(), "wb");
  ASSERT_NE(f, nullptr);
  ASSERT_EQ(std::fwrite(bytes.data(), 1, bytes.size(), f), bytes.size());
  std::fclose(f);
  Result<std::shared_ptr<Executable>> e = Executable::LoadFile(path);
  ASSERT_TRUE(e.ok()) << e.status().ToString();
  auto runner = Runner::Create(*e, (*e)->FindEntry("main"), nullptr);
  std::vector<Tensor> out;
  ASSERT_TRUE((*runner)->Run({Floats({1}), Floats({2})}, {}, &out).ok());
  EXPECT_EQ(Values(out[0]), std::vector<float>{9});
  EXPECT_EQ(Executable::LoadFile(path + ".missing").status().code(), Code::kNotFound);
}

}  // namespace
}  // namespace stator::runtime
