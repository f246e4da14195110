// The C interface's finer points; most are driven through the C++ wrapper, which this tests too.
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "runtime/core/stator_runtime.hpp"
#include "runtime/core/test_bundles.h"

namespace stator_runtime {
namespace {

std::string Bytes(const char* name) {
  size_t size = 0;
  const void* bytes = stator_test_bundle(name, &size);
  return std::string(static_cast<const char*>(bytes), size);
}

Model Load(const char* name, LoadOptions options = {}) {
  const std::string bytes = Bytes(name);
  Result<Model> model = Model::LoadMemory(bytes.data(), bytes.size(), std::move(options));
  EXPECT_TRUE(model.ok()) << model.error().message();
  return *model;
}

Context Make(const Model& model, ContextOptions options = {}, const State* state = nullptr) {
  Result<Context> context = Context::Create(model, std::move(options), state);
  EXPECT_TRUE(context.ok()) << context.error().message();
  return std::move(*context);
}

ContextOptions Threads(int32_t n) {
  ContextOptions options;
  options.threads = n;
  return options;
}

std::vector<float> Values(const Tensor& t) {
  return std::vector<float>(t.data<float>(), t.data<float>() + t.size());
}

std::vector<Tensor> List(Tensor a) {
  std::vector<Tensor> list;
  list.push_back(std::move(a));
  return list;
}
std::vector<Tensor> List(Tensor a, Tensor b) {
  std::vector<Tensor> list = List(std::move(a));
  list.push_back(std::move(b));
  return list;
}

Tensor Floats(const std::vector<float>& values) {
  return Tensor::Of<float>({static_cast<int64_t>(values.size())}, values);
}

std::string WriteFile(const std::string& name, const std::string& bytes) {
  const std::string path = testing::TempDir() + "/" + name;
  FILE* f = std::fopen(path.c_str(), "wb");
  EXPECT_EQ(std::fwrite(bytes.data(), 1, bytes.size(), f), bytes.size());
  std::fclose(f);
  return path;
}

float RunChain(const Model& model) {
  Context context = Make(model, Threads(1));
  std::vector<Tensor> out;
  const Error error = context.Run(0, List(Floats({1}), Floats({2})), &out);
  EXPECT_TRUE(error.ok()) << error.message();
  return error.ok() ? out[0].data<float>()[0] : 0;
}

TEST(Load, FileMemoryAndDescriptor) {
  const std::string bytes = Bytes("chain");
  const std::string path = WriteFile("chain.stb", bytes);
  Result<Model> file = Model::LoadFile(path);
  ASSERT_TRUE(file.ok()) << file.error().message();
  EXPECT_EQ(RunChain(*file), 9);
  // Inside another file: at a multiple of 64 KiB it is mapped, elsewhere copied.
  for (const size_t offset : {size_t{65536}, size_t{4096}, size_t{12345}}) {
    const std::string outer =
        WriteFile("outer", std::string(offset, 'x') + bytes + std::string(100, 'y'));
    const int fd = open(outer.c_str(), O_RDONLY);
    Result<Model> model = Model::LoadFd(fd, offset, bytes.size());
    close(fd);
    ASSERT_TRUE(model.ok()) << model.error().message();
    EXPECT_EQ(RunChain(*model), 9);
  }
}

TEST(Load, RefusesBadDescriptors) {
  const std::string path = WriteFile("chain.stb", Bytes("chain"));
  const int fd = open(path.c_str(), O_RDONLY);
  EXPECT_EQ(Model::LoadFd(fd, 0, 1 << 30).error().code(), STATOR_DATA_LOSS);
  EXPECT_EQ(Model::LoadFd(fd, 1 << 30, 0).error().code(), STATOR_DATA_LOSS);
  EXPECT_EQ(Model::LoadFd(fd, 0, UINT64_MAX).error().code(), STATOR_DATA_LOSS);
  close(fd);
  EXPECT_EQ(Model::LoadFd(-1, 0, 0).error().code(), STATOR_INVALID_ARGUMENT);
  int pipes[2];
  ASSERT_EQ(pipe(pipes), 0);
  EXPECT_EQ(Model::LoadFd(pipes[0], 0, 0).error().code(), STATOR_INVALID_ARGUMENT);
  close(pipes[0]);
  close(pipes[1]);
}

TEST(Load, DamageIsFound) {
  std::string bytes = Bytes("chain");
  bytes[200] ^= 1;
  const Result<Model> model = Model::LoadMemory(bytes.data(), bytes.size());
  EXPECT_EQ(model.error().code(), STATOR_DATA_LOSS) << model.error().message();
  EXPECT_EQ(Model::LoadFile("/nowhere/at all").error().code(), STATOR_NOT_FOUND);
}

TEST(Load, LogsAndChecksStructs) {
  LoadOptions options;
  std::string log;
  options.log = [&](int32_t level, const char* message) { log += message; };
  const Model model = Load("chain", std::move(options));
  EXPECT_NE(log.find("made by test 1 for x86_64"), std::string::npos) << log;

  struct {
    stator_load_options known = STATOR_INIT(stator_load_options);
    int64_t later = 0;
  } newer;
  newer.known.struct_size = sizeof(newer);
  const std::string bytes = Bytes("chain");
  stator_model* handle = nullptr;
  stator_error error = STATOR_INIT(stator_error);
  EXPECT_EQ(stator_model_load_memory(bytes.data(), bytes.size(), &newer.known, &handle, &error),
            STATOR_OK);
  stator_model_destroy(handle);
  newer.later = 1;
  EXPECT_EQ(stator_model_load_memory(bytes.data(), bytes.size(), &newer.known, &handle, &error),
            STATOR_UNIMPLEMENTED);
  newer.known.struct_size = 0;
  EXPECT_EQ(stator_model_load_memory(bytes.data(), bytes.size(), &newer.known, &handle, &error),
            STATOR_INVALID_ARGUMENT);
  EXPECT_STREQ(error.message, "load options: struct_size is 0, expected at least 40");
}

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
  stator_run_stats stats = STATOR_INIT(stator_run_stats);
  ASSERT_EQ(stator_context_get_stats(context.c(), 0, &stats, nullptr), STATOR_OK);
  EXPECT_EQ(stats.planned_bytes, 448);
  EXPECT_EQ(stats.peak_bytes, 848);  // and the output
  EXPECT_EQ(context.Run(0, List(batch(1000), batch(1000)), &out).code(), STATOR_RESOURCE_EXHAUSTED);
  EXPECT_EQ(context.Plan(0, List(batch(3), batch(4))).error().code(), STATOR_INVALID_ARGUMENT);
  EXPECT_EQ(stator_context_release_memory(context.c(), nullptr), STATOR_OK);
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
}

TEST(Run, CancelAndDeadline) {
  const Model model = Load("slow");
  Context context = Make(model, Threads(2));
  std::vector<Tensor> out;
  RunOptions deadline;
  deadline.timeout_ns = 10'000'000;
  EXPECT_EQ(context.Run(0, {}, &out, deadline).code(), STATOR_DEADLINE_EXCEEDED);
  Cancellation cancellation;
  RunOptions options;
  options.cancellation = &cancellation;
  std::atomic<stator_code> second{STATOR_OK};
  std::thread other([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    stator_tensor mine = STATOR_INIT(stator_tensor);
    second = stator_context_run(context.c(), 0, nullptr, 0, &mine, 1, nullptr, nullptr);
    cancellation.Cancel();
  });
  EXPECT_EQ(context.Run(0, {}, &out, options).code(), STATOR_CANCELLED);
  other.join();
  EXPECT_EQ(second.load(), STATOR_FAILED_PRECONDITION);                   // the context was in use
  EXPECT_EQ(context.Run(0, {}, &out, options).code(), STATOR_CANCELLED);  // it stays so
}

TEST(Run, CallersParallelForComputesTheSame) {
  const Model model = Load("chain");
  ContextOptions options = Threads(3);
  std::atomic<int> calls{0};
  std::atomic<int> parts_run{0};
  options.parallel_for = [&](int32_t parts, const std::function<void(int32_t)>& part) {
    ++calls;
    EXPECT_LE(parts, 3);
    std::vector<std::thread> threads;
    for (int32_t i = 0; i < parts; ++i) {
      threads.emplace_back([&, i] {
        part(i);
        ++parts_run;
      });
    }
    for (std::thread& t : threads) t.join();
  };
  Context context = Make(model, std::move(options));
  std::vector<float> x(4096);
  for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i);
  std::vector<Tensor> out;
  ASSERT_TRUE(context.Run(0, List(Floats(x), Floats(x)), &out).ok());
  for (size_t i = 0; i < x.size(); ++i) ASSERT_EQ(out[0].data<float>()[i], 6 * x[i]);
  EXPECT_GT(calls.load(), 0);
  EXPECT_GT(parts_run.load(), calls.load());
}

TEST(State, SharedCopiedAndWritten) {
  const Model model = Load("train");
  Result<State> state = State::Create(model);
  ASSERT_TRUE(state.ok());
  EXPECT_EQ(state->Names(), std::vector<std::string>{"w"});
  EXPECT_TRUE(state->IsInitialized("w"));
  Context a = Make(model, Threads(1), &*state);
  Context b = Make(model, Threads(1), &*state);
  const int32_t train = model.FindEntry("train");
  const int32_t predict = model.FindEntry("predict");
  std::vector<Tensor> out;
  ASSERT_TRUE(a.Run(train, List(Floats({1, 2, 3, 4})), &out).ok());
  std::vector<Tensor> y;
  ASSERT_TRUE(b.Run(predict, {}, &y).ok());
  EXPECT_EQ(Values(y[0]), (std::vector<float>{10, 20, 30, 40}));

  // A copy goes its own way, in place updates included.
  Result<State> copy = state->Copy();
  ASSERT_TRUE(copy.ok());
  Context c = Make(model, Threads(1), &*copy);
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(a.Run(train, List(Floats({1, 1, 1, 1})), &out).ok());
  ASSERT_TRUE(c.Run(train, List(Floats({100, 0, 0, 0})), &out).ok());
  EXPECT_EQ(Values(*state->Read("w")), (std::vector<float>{3, 4, 5, 6}));
  EXPECT_EQ(Values(*copy->Read("w")), (std::vector<float>{101, 2, 3, 4}));
  // Packed weights follow the state that a context has, not the last one used.
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(b.Run(predict, {}, &y).ok());
    EXPECT_EQ(Values(y[0])[0], 30);
    ASSERT_TRUE(c.Run(predict, {}, &y).ok());
    EXPECT_EQ(Values(y[0])[0], 1010);
  }
  ASSERT_TRUE(copy->Write("w", Floats({1, 1, 1, 1})).ok());
  ASSERT_TRUE(c.Run(predict, {}, &y).ok());
  EXPECT_EQ(Values(y[0]), (std::vector<float>{10, 10, 10, 10}));
}

TEST(State, StartsWithTheBundlesWeights) {
  const Model model = Load("weights");
  stator_variable_info info = STATOR_INIT(stator_variable_info);
  ASSERT_EQ(stator_model_get_variable(model.c(), STATOR_ALL_ENTRIES, 0, &info, nullptr), STATOR_OK);
  EXPECT_EQ(info.has_initial_value, 1);
  EXPECT_EQ(info.is_written, 1);
  Result<State> state = State::Create(model);
  ASSERT_TRUE(state.ok());
  const std::vector<float> start = {0.5, 1.5, 2.5, 3.5};
  EXPECT_EQ(Values(*state->Read("w")), start);
  // The mapped bytes stay as they are whatever is trained on them.
  Context a = Make(model, Threads(1), &*state);
  std::vector<Tensor> out;
  for (int i = 1; i <= 2; ++i) {
    ASSERT_TRUE(a.Run(model.FindEntry("train"), List(Floats({1, 1, 1, 1})), &out).ok());
    EXPECT_EQ(Values(out[0])[0], 0.5 + i);
  }
  Context b = Make(model, Threads(1));
  std::vector<Tensor> y;
  ASSERT_TRUE(b.Run(model.FindEntry("predict"), {}, &y).ok());
  EXPECT_EQ(Values(y[0]), (std::vector<float>{5, 15, 25, 35}));
  EXPECT_EQ(Values(*b.state().Read("w")), start);

  stator_fixed_weight_info fixed = STATOR_INIT(stator_fixed_weight_info);
  ASSERT_EQ(stator_model_get_fixed_weight(model.c(), 0, &fixed, nullptr), STATOR_OK);
  EXPECT_STREQ(fixed.name, "bias");
  EXPECT_EQ(model.Info().num_fixed_weights, 1);
  EXPECT_EQ(state->Write("bias", Floats({1})).message(),
            "variable bias: cannot be replaced: folded into a constant");
}

TEST(State, RefusesWhatDoesNotFit) {
  const Model model = Load("train");
  Result<State> state = State::Create(model);
  EXPECT_EQ(state->Write("w", Floats({1, 2})).message(),
            "variable w: expected float[4], got float[2]");
  EXPECT_EQ(state->Write("v", Floats({1})).code(), STATOR_NOT_FOUND);
  EXPECT_EQ(state->Read("v").error().code(), STATOR_NOT_FOUND);
  const Tensor four = Floats({5, 6, 7, 8});
  EXPECT_EQ(state->Write({{"w", &four}, {"w", &four}}).code(), STATOR_INVALID_ARGUMENT);
  EXPECT_TRUE(state->Write({{"w", &four}}).ok());
  EXPECT_EQ(Values(*state->Read("w")), (std::vector<float>{5, 6, 7, 8}));
  // An uninitialized variable and a model that disagrees are in session and runner tests; this
  // state's own contexts always agree.
  Context context = Make(model, Threads(1), &*state);
  EXPECT_EQ(Values(*context.state().Read("w")), (std::vector<float>{5, 6, 7, 8}));
}

Error Split(stator_call* call) {
  Error::Slot slot;
  std::vector<std::string> parts;
  auto input = stator_init<stator_tensor>();
  Error error = slot(stator_call_input(call, 0, &input, &slot.error));
  if (!error.ok()) return error;
  const stator_string comma = stator_call_attributes(call);
  for (int64_t i = 0; i < input.dims[0]; ++i) {
    stator_string value;
    error = slot(stator_call_input_string(call, 0, i, &value, &slot.error));
    if (!error.ok()) return error;
    if (value.size == 0) return Error(STATOR_OUT_OF_RANGE, "empty text");
    std::string rest(value.data, value.size);
    for (size_t at; (at = rest.find(comma.data, 0, comma.size)) != std::string::npos;) {
      parts.push_back(rest.substr(0, at));
      rest = rest.substr(at + comma.size);
    }
    parts.push_back(rest);
  }
  auto output = stator_init<stator_tensor>();
  error = slot(stator_call_output(call, 0, &output, &slot.error));
  if (!error.ok()) return error;
  EXPECT_EQ(output.rank, -1);
  const int64_t n = static_cast<int64_t>(parts.size());
  error = slot(stator_call_allocate_output(call, 0, 1, &n, &output, &slot.error));
  if (!error.ok()) return error;
  EXPECT_EQ(output.dims[0], n);
  for (int64_t i = 0; i < n; ++i) {
    error = slot(
        stator_call_set_output_string(call, 0, i, parts[i].data(), parts[i].size(), &slot.error));
    if (!error.ok()) return error;
  }
  EXPECT_EQ(stator_call_set_output_string(call, 0, n, "", 0, nullptr), STATOR_INVALID_ARGUMENT);
  EXPECT_EQ(stator_call_input(call, 1, &input, nullptr), STATOR_INVALID_ARGUMENT);
  return Error(stator_call_poll(call), "");
}

TEST(HostFunctions, AreFoundByNameAndSeeStrings) {
  const std::string bytes = Bytes("words");
  EXPECT_EQ(Model::LoadMemory(bytes.data(), bytes.size()).error().message(),
            "node split: host function split is not registered in this program");
  LoadOptions options;
  options.host_functions = {{"split", Split}};
  const Model model = Load("words", std::move(options));
  Context context = Make(model, Threads(1));
  const auto strings = [](const std::vector<std::string>& values) {
    std::vector<stator_string> list;
    for (const std::string& v : values) list.push_back({v.data(), v.size()});
    return Tensor::Of<stator_string>({static_cast<int64_t>(values.size())}, list);
  };
  const std::vector<std::string> text = {"a,bc", "def"};
  std::vector<Tensor> out;
  const Error error = context.Run(0, List(strings(text)), &out);
  ASSERT_TRUE(error.ok()) << error.message();
  ASSERT_EQ(out[0].dims(), std::vector<int64_t>{3});
  std::string joined;
  for (int i = 0; i < 3; ++i) {
    const stator_string s = out[0].data<stator_string>()[i];
    joined += std::string(s.data, s.size) + ";";
  }
  EXPECT_EQ(joined, "def;bc;a;");
  stator_string two[2];
  std::vector<Tensor> small = List(Tensor::Borrow<stator_string>({2}, two));
  EXPECT_EQ(context.Run(0, List(strings(text)), &small).message(),
            "output out:0: needs 48 bytes, its memory has 32");
  const std::vector<std::string> empty = {""};
  const Error failed = context.Run(0, List(strings(empty)), &out);
  EXPECT_EQ(failed.code(), STATOR_OUT_OF_RANGE);
  EXPECT_EQ(failed.message(), "node split: empty text");
}

// The rules that the header states for fork. The sanitizers do not allow threads after one.
#if !defined(__SANITIZE_THREAD__)
TEST(Fork, ModelsLiveOnAndThreadsDoNot) {
  const Model model = Load("chain");
  Context threaded = Make(model, Threads(3));
  Context single = Make(model, Threads(1));
  std::vector<Tensor> out;
  ASSERT_TRUE(threaded.Run(0, List(Floats({1}), Floats({2})), &out).ok());
  const pid_t child = fork();
  if (child == 0) {
    int failed = 0;
    failed |=
        threaded.Run(0, List(Floats({1}), Floats({2})), &out).code() != STATOR_FAILED_PRECONDITION;
    failed |= single.Run(0, List(Floats({1}), Floats({2})), &out).code() != STATOR_OK;
    {
      Context gone = std::move(threaded);
      Context fresh = Make(model, Threads(2));
      failed |= fresh.Run(0, List(Floats({1}), Floats({2})), &out).code() != STATOR_OK;
    }
    _exit(failed);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(threaded.Run(0, List(Floats({1}), Floats({2})), &out).ok());
}
#endif

}  // namespace
}  // namespace stator_runtime
