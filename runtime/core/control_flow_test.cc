// Branches, loops and sizes that only the run knows.
#include "gtest/gtest.h"
#include "runtime/core/test_runner.h"

namespace stator::runtime {
namespace {

using executable::Access;
using executable::Alloc;
using executable::BufferKind;
using executable::Copy;
using executable::Free;
using executable::SymbolLife;

// where(x > 0) * 10: a data-dependent size.
TEST(ControlFlow, StepSymbolsSizeDynamicBuffers) {
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
TEST(ControlFlow, IfTakesOneBranch) {
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

TEST(ControlFlow, WhileCarriesBuffers) {
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
TEST(ControlFlow, LoopSymbolsGrowDynamicBuffers) {
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

}  // namespace
}  // namespace stator::runtime
