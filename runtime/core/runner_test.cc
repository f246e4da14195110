#include "runtime/core/runner.h"

#include "gtest/gtest.h"
#include "runtime/core/test_runner.h"

namespace stator::runtime {
namespace {

using executable::Access;
using executable::BufferKind;
using executable::SymbolLife;

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

}  // namespace
}  // namespace stator::runtime
