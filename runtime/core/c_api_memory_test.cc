// The memory of runs: inputs, outputs, budgets, plans, statistics.
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "runtime/core/stator_runtime.hpp"
#include "runtime/core/test_c_api.h"

namespace stator_runtime {
namespace {

TEST(Run, OutputMemoryMayBeUnalignedButNotSmall) {
  const Model model = Load("chain");
  Context context = Make(model, Threads(1));
  alignas(64) float memory[40];
  for (const int shift : {0, 1, 3}) {
    std::vector<Tensor> out = List(Tensor::Borrow<float>({4}, memory + shift));
    const Error error = context.Run(0, List(Floats({1, 2, 3, 4}), Floats({1, 1, 1, 1})), &out);
    ASSERT_TRUE(error.ok()) << error.message();
    EXPECT_EQ(out[0].data<float>(), memory + shift);
    EXPECT_EQ(Values(out[0]), (std::vector<float>{6, 9, 12, 15}));
  }
  std::vector<Tensor> small = List(Tensor::Borrow<float>({3}, memory));
  const Error error = context.Run(0, List(Floats({1, 2, 3, 4}), Floats({1, 1, 1, 1})), &small);
  EXPECT_EQ(error.message(), "output out:0: needs 16 bytes, its memory has 12");
  EXPECT_EQ(small[0].bytes(), 16u);
}

TEST(Run, InputsMayBeUnaligned) {
  const Model model = Load("chain");
  Context context = Make(model, Threads(1));
  char bytes[20];
  const float values[4] = {1, 2, 3, 4};
  std::memcpy(bytes + 1, values, sizeof(values));
  std::vector<Tensor> out;
  const Error error = context.Run(
      0, List(Tensor::Borrow(STATOR_FLOAT32, {4}, bytes + 1), Floats({0, 0, 0, 0})), &out);
  ASSERT_TRUE(error.ok()) << error.message();
  EXPECT_EQ(Values(out[0]), (std::vector<float>{3, 6, 9, 12}));
}

TEST(Run, OverlapIsRefused) {
  const Model model = Load("chain");
  Context context = Make(model, Threads(1));
  float memory[8] = {};
  std::vector<Tensor> out = List(Tensor::Borrow<float>({4}, memory + 2));
  const auto run = [&](int64_t x, int64_t y) {
    return context.Run(
        0, List(Tensor::Borrow<float>({4}, memory + x), Tensor::Borrow<float>({4}, memory + y)),
        &out);
  };
  EXPECT_EQ(run(0, 0).message(),
            "output out:0: its memory overlaps an input's or another output's");
  EXPECT_EQ(run(4, 4).code(), STATOR_INVALID_ARGUMENT);
  float other[4] = {};
  EXPECT_TRUE(context
                  .Run(0,
                       List(Tensor::Borrow<float>({4}, other), Tensor::Borrow<float>({4}, other)),
                       &out)
                  .ok());  // inputs may
}

TEST(Run, SameValueTwiceAndAFetchedInput) {
  const Model model = Load("same");
  Context context = Make(model, Threads(1));
  alignas(64) float x[2] = {1, 2};
  alignas(64) float a[2];
  for (int i = 0; i < 2; ++i) {
    std::vector<Tensor> out = List(Tensor::Borrow<float>({2}, a));
    const Error error = context.Run(0, List(Tensor::Borrow<float>({2}, x)), &out);
    ASSERT_TRUE(error.ok()) << error.message();
    EXPECT_EQ(Values(out[0]), (std::vector<float>{2, 4}));
    EXPECT_EQ(Values(out[1]), (std::vector<float>{2, 4}));
    EXPECT_EQ(Values(out[2]), (std::vector<float>{1, 2}));
    EXPECT_EQ(out[0].data<float>(), a);
    EXPECT_NE(out[1].data<float>(), a);
    EXPECT_NE(out[2].data<float>(), x);
  }
}

struct Allocations {
  int count = 0;
  size_t bytes = 0;
  bool refuse = false;
  std::vector<void*> memory;
  ~Allocations() {
    for (void* m : memory) std::free(m);
  }
  static void* Allocate(void* user, int32_t entry, int32_t output, size_t bytes, size_t alignment) {
    auto* self = static_cast<Allocations*>(user);
    if (self->refuse) return nullptr;
    ++self->count;
    self->bytes = bytes;
    self->memory.push_back(
        std::aligned_alloc(alignment, (bytes + alignment) / alignment * alignment));
    return self->memory.back();
  }
};

TEST(Run, AllocatorGivesMissingOutputMemory) {
  for (const char* name : {"chain", "positive"}) {
    const Model model = Load(name);
    Allocations allocations;
    stator_context_options options = STATOR_INIT(stator_context_options);
    options.threads = 1;
    options.allocate = Allocations::Allocate;
    options.allocate_user = &allocations;
    stator_context* context = nullptr;
    ASSERT_EQ(stator_context_create(model.c(), nullptr, &options, &context, nullptr), STATOR_OK);
    std::vector<Tensor> in = List(Floats({1, -2, 3}), Floats({0, 0, 0}));
    std::vector<stator_tensor> inputs = {in[0].c(), in[1].c()};
    const int32_t count = std::string(name) == "chain" ? 2 : 1;
    stator_tensor output = STATOR_INIT(stator_tensor);
    stator_error error = STATOR_INIT(stator_error);
    ASSERT_EQ(stator_context_run(context, 0, inputs.data(), count, &output, 1, nullptr, &error),
              STATOR_OK)
        << error.message;
    EXPECT_EQ(allocations.count, 1);
    EXPECT_EQ(output.data, allocations.memory[0]);
    EXPECT_EQ(output.capacity, 0u);
    EXPECT_EQ(static_cast<float*>(output.data)[0], count == 2 ? 3 : 10);
    EXPECT_EQ(output.dims[0], count == 2 ? 3 : 2);
    allocations.refuse = true;
    EXPECT_EQ(stator_context_run(context, 0, inputs.data(), count, &output, 1, nullptr, &error),
              STATOR_RESOURCE_EXHAUSTED);
    stator_context_destroy(context);
  }
}

TEST(Run, TheWrappersAllocatorGivesMissingOutputMemory) {
  const Model model = Load("chain");
  ContextOptions options = Threads(1);
  alignas(64) float memory[64];
  std::string calls;
  options.allocate = [&](int32_t entry, int32_t output, size_t bytes, size_t) -> void* {
    calls += std::to_string(entry) + std::to_string(output) + (bytes >= 12 ? "+" : "-");
    return memory;
  };
  Context context = Make(model, std::move(options));
  Context moved = std::move(context);
  std::vector<Tensor> out;
  const Error error = moved.Run(0, List(Floats({1, -2, 3}), Floats({0, 0, 0})), &out);
  ASSERT_TRUE(error.ok()) << error.message();
  EXPECT_EQ(out[0].data<float>(), memory);
  EXPECT_EQ(Values(out[0]), (std::vector<float>{3, -6, 9}));
  EXPECT_EQ(calls, "00+");
}

TEST(Run, ElementsOfOtherSizesAreRefused) {
  const Model model = Load("chain");
  Context context = Make(model, Threads(1));
  float values[1] = {1};
  struct Larger {
    stator_tensor known;
    int64_t later[2];
  } inputs[2] = {};
  for (Larger& t : inputs) {
    t.known = Tensor::Borrow<float>({1}, values).c();
    t.known.struct_size = sizeof(Larger);
  }
  stator_tensor output = STATOR_INIT(stator_tensor);
  Error::Slot slot;
  const auto run = [&] {
    return slot(
        stator_context_run(context.c(), 0, &inputs[0].known, 2, &output, 1, nullptr, &slot.error));
  };
  EXPECT_TRUE(run().ok()) << slot.error.message;
  EXPECT_EQ(static_cast<float*>(output.data)[0], 6);
  const std::string size = std::to_string(sizeof(Larger));
  inputs[1].known.struct_size = sizeof(stator_tensor);
  EXPECT_EQ(run().message(), "input y:0: tensor: struct_size is " +
                                 std::to_string(sizeof(stator_tensor)) + ", expected " + size +
                                 " as in the first of the array");
  inputs[1].known.struct_size = size_t{1} << 40;
  EXPECT_EQ(run().code(), STATOR_INVALID_ARGUMENT);
  inputs[0].known.struct_size = sizeof(Larger) - 1;
  EXPECT_EQ(run().message(), "input x:0: tensor: struct_size is " +
                                 std::to_string(sizeof(Larger) - 1) + ", expected a multiple of 8");
}

TEST(Run, DataDependentSizesFitOrSayWhatTheyNeed) {
  const Model model = Load("positive");
  Context context = Make(model, Threads(1));
  float memory[2];
  std::vector<Tensor> out = List(Tensor::Borrow<float>({2}, memory));
  ASSERT_TRUE(context.Run(0, List(Floats({1, -2, 3})), &out).ok());
  EXPECT_EQ(Values(out[0]), (std::vector<float>{10, 30}));
  EXPECT_EQ(context.Run(0, List(Floats({1, 2, 3})), &out).message(),
            "output out:0: needs 12 bytes, its memory has 8");
  EXPECT_EQ(out[0].bytes(), 12u);
  std::vector<Tensor> lent;
  ASSERT_TRUE(context.Run(0, List(Floats({1, 2, 3})), &lent).ok());
  EXPECT_EQ(Values(lent[0]), (std::vector<float>{10, 20, 30}));
}

TEST(Run, BudgetPlanAndStats) {
  const Model model = Load("chain");
  ContextOptions options = Threads(1);
  options.memory_budget = 1000;
  Context context = Make(model, options);
  const auto batch = [](int n) { return Floats(std::vector<float>(n, 1)); };
  Result<stator_memory_plan> plan = context.Plan(0, List(batch(100), batch(100)));
  ASSERT_TRUE(plan.ok()) << plan.error().message();
  EXPECT_EQ(plan->planned_bytes, 448);  // `sum`, a multiple of 64
  EXPECT_EQ(plan->lower_bound, 448);
  std::vector<Tensor> out;
  ASSERT_TRUE(context.Run(0, List(batch(100), batch(100)), &out).ok());
  const Result<stator_run_stats> stats = context.Stats(0);
  ASSERT_TRUE(stats.ok()) << stats.error().message();
  EXPECT_EQ(stats->planned_bytes, 448);
  EXPECT_EQ(stats->peak_bytes, 848);  // and the output
  EXPECT_EQ(context.Run(0, List(batch(1000), batch(1000)), &out).code(), STATOR_RESOURCE_EXHAUSTED);
  EXPECT_EQ(context.Plan(0, List(batch(3), batch(4))).error().code(), STATOR_INVALID_ARGUMENT);
  EXPECT_TRUE(context.ReleaseMemory().ok());
  EXPECT_EQ(context.Stats(1).error().code(), STATOR_NOT_FOUND);
  EXPECT_TRUE(context.Run(0, List(batch(100), batch(100)), &out).ok());
}

TEST(Run, PlanTellsOutputSizes) {
  const Model model = Load("positive");
  Context context = Make(model, Threads(1));
  stator_tensor input = STATOR_INIT(stator_tensor);
  input.dtype = STATOR_FLOAT32;
  input.rank = 1;
  input.dims[0] = 7;
  stator_tensor output = STATOR_INIT(stator_tensor);
  ASSERT_EQ(stator_context_plan(context.c(), 0, &input, 1, &output, 1, nullptr, nullptr),
            STATOR_OK);
  EXPECT_EQ(output.dims[0], -1);
  EXPECT_EQ(output.bytes, 0u);
  const Model chain = Load("chain");
  Context other = Make(chain, Threads(1));
  stator_tensor inputs[2] = {input, input};
  ASSERT_EQ(stator_context_plan(other.c(), 0, inputs, 2, &output, 1, nullptr, nullptr), STATOR_OK);
  EXPECT_EQ(output.dims[0], 7);
  EXPECT_EQ(output.bytes, 28u);
  std::vector<Tensor> types;
  ASSERT_TRUE(other.Plan(0, List(Floats({1, 2}), Floats({1, 2})), &types).ok());
  ASSERT_EQ(types.size(), 1u);
  EXPECT_EQ(types[0].dims(), std::vector<int64_t>{2});
}

TEST(Run, StatisticsOutliveMemory) {
  const Model model = Load("chain");
  Context context = Make(model, Threads(1));
  const auto stats = [&] {
    stator_run_stats s = STATOR_INIT(stator_run_stats);
    EXPECT_EQ(stator_context_get_stats(context.c(), 0, &s, nullptr), STATOR_OK);
    return s;
  };
  EXPECT_EQ(stats().planned_bytes, 0);
  std::vector<Tensor> out;
  ASSERT_TRUE(context.Run(0, List(Floats({1}), Floats({1})), &out).ok());
  const stator_run_stats ran = stats();
  EXPECT_GT(ran.peak_bytes, 0);
  ASSERT_TRUE(context.Plan(0, List(Floats({1, 2}), Floats({1, 2}))).ok());
  EXPECT_EQ(stats().peak_bytes, ran.peak_bytes);
  ASSERT_EQ(stator_context_release_memory(context.c(), nullptr), STATOR_OK);
  EXPECT_EQ(stats().peak_bytes, ran.peak_bytes);
  EXPECT_EQ(stator_context_get_stats(context.c(), 1, nullptr, nullptr), STATOR_NOT_FOUND);
}

TEST(Run, TensorsHoldNumbersAndStringsOnly) {
  const Model model = Load("chain");
  Context context = Make(model, Threads(1));
  for (const stator_dtype dtype : {0, 20, 21, 26, -1, 256}) {  // resources and variants are 20, 21
    int64_t memory[4] = {};
    std::vector<Tensor> out;
    const Error error = context.Run(
        0, List(Tensor::Borrow(dtype, {1}, memory), Tensor::Borrow(dtype, {1}, memory)), &out);
    EXPECT_EQ(error.message(), "input x:0: unknown dtype " + std::to_string(dtype));
    EXPECT_EQ(stator_dtype_size(dtype), 0u);
    EXPECT_STREQ(stator_dtype_name(dtype), "invalid");
  }
}

}  // namespace
}  // namespace stator_runtime
