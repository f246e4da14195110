// What a prepared run costs: no allocation, and little time per step.
#include <cstdio>
#include <cstdlib>

#include "gtest/gtest.h"
#include "runtime/core/runner.h"
#include "runtime/core/stator_runtime.h"
#include "runtime/core/test_allocations.h"
#include "runtime/core/test_bundles.h"
#include "runtime/core/test_program.h"

namespace stator::runtime {
namespace {

using executable::Access;
using executable::BufferKind;

// `steps` times: scale by one, in the arena, in place of the one before.
std::unique_ptr<Runner> MakeChain(TestProgram* t, int steps) {
  const int32_t n = t->AddSymbol("n", executable::SymbolLife::kInput);
  const int32_t x = t->Vector("x", BufferKind::kInput, n, 0, steps + 1);
  const int32_t scale = t->AddKernel({"scale"}, {{Access::kRead}, {Access::kWrite, 0}}, 2);
  const int32_t main = t->Block("main");
  int32_t last = x;
  for (int i = 0; i < steps; ++i) {
    const int32_t next = t->Vector("v", BufferKind::kArena, n, i, i + 1);
    if (i > 0) t->model.buffers[next].in_place_of = last;
    t->Add(main, i, t->Launch(scale, {last, next}, {n, t->exprs.Const(1)}));
    last = next;
  }
  const int32_t out = t->Vector("out", BufferKind::kOutput, n, 0, steps + 1);
  t->Add(main, steps, executable::Copy{last, out});
  t->Entry(main);
  t->AddFeed("x:0", x);
  t->AddFetch("out:0", out);
  Result<std::shared_ptr<Executable>> e = t->Load();
  EXPECT_TRUE(e.ok()) << e.status().ToString();
  return Runner::Create(*e, 0, nullptr).value();
}

TEST(PreparedRun, AllocatesNothing) {
  TestProgram t;
  auto runner = MakeChain(&t, 20);
  const std::vector<Tensor> feeds = {Tensor::Of<float>({64}, std::vector<float>(64, 2))};
  std::vector<Tensor> out;
  RunOptions options;
  options.reuse_fetches = true;
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(runner->Run(feeds, options, &out).ok());
  const int64_t before = AllocationCount();
  ASSERT_GT(before, 0) << "nobody counts";
  const void* memory = out[0].raw();
  for (int i = 0; i < 100; ++i) {
    if (!runner->Run(feeds, options, &out).ok()) std::abort();
  }
  EXPECT_EQ(AllocationCount() - before, 0);
  EXPECT_EQ(out[0].raw(), memory);
  EXPECT_EQ(out[0].data<float>()[63], 2);
}

TEST(PreparedRun, AllocatesNothingThroughTheCInterface) {
  size_t size = 0;
  const void* bytes = stator_test_bundle("chain", &size);
  stator_model* model = nullptr;
  ASSERT_EQ(stator_model_load_memory(bytes, size, nullptr, &model, nullptr), STATOR_OK);
  stator_context_options options = STATOR_INIT(stator_context_options);
  options.threads = 1;
  stator_context* context = nullptr;
  ASSERT_EQ(stator_context_create(model, nullptr, &options, &context, nullptr), STATOR_OK);
  alignas(64) static float x[100];
  alignas(64) static float out[100];
  stator_tensor input = STATOR_INIT(stator_tensor);
  input.dtype = STATOR_FLOAT32;
  input.rank = 1;
  input.dims[0] = 100;
  input.data = x;
  const stator_tensor inputs[2] = {input, input};
  // The caller's memory, then the library's.
  for (const size_t capacity : {sizeof(out), size_t{0}}) {
    stator_tensor output = STATOR_INIT(stator_tensor);
    output.data = out;
    output.capacity = capacity;
    const auto run = [&] {
      return stator_context_run(context, 0, inputs, 2, &output, 1, nullptr, nullptr);
    };
    for (int i = 0; i < 3; ++i) ASSERT_EQ(run(), STATOR_OK);
    const int64_t before = AllocationCount();
    const int64_t start = NowNanoseconds();
    for (int i = 0; i < 1000; ++i) {
      if (run() != STATOR_OK) std::abort();
    }
    std::printf("%.1f ns a run of two steps\n",
                static_cast<double>(NowNanoseconds() - start) / 1000);
    EXPECT_EQ(AllocationCount() - before, 0) << capacity;
  }
  stator_context_destroy(context);
  stator_model_destroy(model);
}

TEST(PreparedRun, CostPerStep) {
  TestProgram t;
  constexpr int kSteps = 200;
  auto runner = MakeChain(&t, kSteps);
  const std::vector<Tensor> feeds = {Tensor::Of<float>({1}, {2})};
  std::vector<Tensor> out;
  RunOptions options;
  options.reuse_fetches = true;
  int64_t best = INT64_MAX;
  for (int i = 0; i < 2000; ++i) {
    const int64_t start = NowNanoseconds();
    if (!runner->Run(feeds, options, &out).ok()) std::abort();
    best = std::min(best, NowNanoseconds() - start);
  }
  const double per_step = static_cast<double>(best) / kSteps;
  std::printf("%.1f ns a step, kernel included\n", per_step);
  RecordProperty("ns_per_step", std::to_string(per_step));
  EXPECT_LT(per_step, 2000);  // catches a syscall or an allocation per step, on any machine
}

}  // namespace
}  // namespace stator::runtime
