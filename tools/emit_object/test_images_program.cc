// A user's program for the objects of test_images.cc; compiled by emit_object_test.sh without the
// project's build. Exits with the number of failures.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "branch.h"
#include "chain.h"
#include "checked.h"
#include "doubling.h"
#include "prefix.h"
#include "squares.h"
#include "stateful.h"

namespace {

int failures = 0;

void Expect(bool holds, const char* what, int line) {
  if (holds) return;
  std::printf("line %d: %s does not hold\n", line, what);
  ++failures;
}
#define EXPECT(x) Expect((x), #x, __LINE__)

void ExpectText(const char* found, const char* expected, int line) {
  if (std::strcmp(found, expected) == 0) return;
  std::printf("line %d: expected \"%s\", found \"%s\"\n", line, expected, found);
  ++failures;
}
#define EXPECT_TEXT(found, expected) ExpectText((found), (expected), __LINE__)

// Aligned memory, filled so that nobody can rely on zeros.
struct Memory {
  explicit Memory(std::size_t size)
      : bytes((size + 63) / 64 * 64 + 64), data(std::aligned_alloc(64, bytes)) {
    std::memset(data, 0xFF, bytes);
  }
  ~Memory() { std::free(data); }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
  std::size_t bytes;
  void* data;
};

std::vector<float> Ramp(std::size_t n, float first) {
  std::vector<float> out(n);
  for (std::size_t i = 0; i < n; ++i) out[i] = first + static_cast<float>(i);
  return out;
}

void TestChain() {
  chain::Main entry;
  for (const std::int64_t batch : {1, 3, 0, 257, 32, 300}) {
    const auto n = static_cast<std::size_t>(batch);
    EXPECT(chain::Main::x_size(batch) == n && chain::Main::class__size(batch) == (n + 1) / 2);
    const std::vector<float> x = Ramp(n, 1);
    const std::vector<float> y = Ramp(n, 10);
    std::vector<float> out(n);
    std::vector<float> tail((n + 1) / 2);
    Memory scratch(chain::Main::scratch_size(batch));
    entry.x = x.data();
    entry.model_y = y.data();
    entry.out = out.data();
    entry.class_ = tail.data();
    const int code = entry.run(batch, scratch.data);
    EXPECT_TEXT(chain::message(code), "OK");
    for (std::size_t i = 0; i < n; ++i) EXPECT(out[i] == 3 * (x[i] + y[i]));
    for (std::size_t i = 0; i < tail.size(); ++i) EXPECT(tail[i] == 2 * out[i]);
  }
  Memory scratch(1 << 16);
  EXPECT(chain::Main::scratch_size(301) == 0);
  EXPECT_TEXT(
      chain::message(entry.run(301, scratch.data)),
      "InvalidArgument: node sum_node (model.cc:7): batch must be at most \"300\", line 42");
  EXPECT_TEXT(chain::message(entry.run(-1, scratch.data)),
              "InvalidArgument: batch must be at least 0");
  EXPECT_TEXT(chain::message(entry.run(3, nullptr)),
              "InvalidArgument: scratch memory is missing or not aligned");
  EXPECT_TEXT(chain::message(entry.run(3, static_cast<char*>(scratch.data) + 4)),
              "InvalidArgument: scratch memory is missing or not aligned");
  entry.model_y = nullptr;
  EXPECT_TEXT(chain::message(entry.run(3, scratch.data)), "InvalidArgument: `model_y` is null");
  EXPECT_TEXT(chain::message(9999), "no such code");
}

void TestControlFlow() {
  for (const float first : {1.0f, 99.0f, 100.0f, 2.0f, 60.0f}) {
    const float x[2] = {first, 1};
    float out[2] = {};
    Memory scratch(doubling::Main::scratch_size(2));
    doubling::Main loop;
    loop.x = x;
    loop.out = out;
    EXPECT(loop.run(2, scratch.data) == 0);
    float expected = first;
    float factor = 1;
    for (; expected < 100; expected *= 2) factor *= 2;
    EXPECT(out[0] == expected && out[1] == factor);
  }
  for (const float first : {4.0f, 6.0f}) {
    const float x[2] = {first, 10};
    float out[2] = {};
    float same[2] = {};
    Memory scratch(branch::Main::scratch_size(2));
    branch::Main either;
    either.x = x;
    either.out = out;
    either.x_2 = same;
    EXPECT(either.run(2, scratch.data) == 0);
    const float factor = first < 5 ? 2.0f : 3.0f;
    EXPECT(out[0] == first * factor && out[1] == 10 * factor);
    EXPECT(same[0] == first && same[1] == 10);
  }
}

void TestChecks() {
  std::vector<float> x = Ramp(4000, 1);
  std::vector<float> out(x.size());
  bool flags[3] = {true, true, true};
  Memory scratch(checked::Main::scratch_size(4000));
  checked::Main entry;
  entry.x = x.data();
  entry.flags = flags;
  entry.out = out.data();
  EXPECT(entry.run(4000, scratch.data) == 0);
  EXPECT(entry.failed_element() == -1);
  EXPECT(out == x);
  flags[1] = false;
  EXPECT_TEXT(checked::message(entry.run(4000, scratch.data)),
              "InvalidArgument: node assert: assertion failed");
  EXPECT(entry.failed_element() == 1);
  x[1234] = x[3999] = -1;
  EXPECT_TEXT(checked::message(entry.run(4000, scratch.data)),
              "OutOfRange: node sqrt (model.cc:3): negative input");
  EXPECT(entry.failed_element() == 1234);
}

void TestScratchAndPhases() {
  for (const std::int64_t n : {1, 16, 17, 5000}) {
    std::vector<float> x(static_cast<std::size_t>(n));
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i % 5);
    float expected = 0;  // small integers: exact in every order
    for (const float v : x) expected += v * v;
    float out = -1;
    Memory scratch(squares::Main::scratch_size(n));
    squares::Main entry;
    entry.x = x.data();
    entry.out = &out;
    EXPECT(entry.run(n, scratch.data) == 0);
    EXPECT(out == expected);
  }
}

void TestStepSymbols() {
  const float x[5] = {1, -2, 3, -4, -5};
  float out[5] = {};
  Memory scratch(prefix::Main::scratch_size(5));
  prefix::Main entry;
  entry.x = x;
  entry.out = out;
  EXPECT(entry.run(5, scratch.data) == 0);
  EXPECT(out[0] == 12 && out[1] == -24 && out[2] == 3 && out[4] == -5);
  const float positive[5] = {1, 1, 1, 1, 0};
  entry.x = positive;
  EXPECT_TEXT(prefix::message(entry.run(5, scratch.data)),
              "InvalidArgument: node where: rows must be at most 3");
}

void TestState() {
  using stateful::Evaluate;
  using stateful::State;
  using stateful::TrainStep;
  State state;
  EXPECT(State::kCount == 5);
  EXPECT_TEXT(State::info(0).name, "layer/v");
  EXPECT(State::info(0).rank == 1 && State::info(0).dims[0] == 4 && State::info(0).bytes == 16);
  EXPECT(State::info(0).written && !State::info(4).written);
  EXPECT(state.layer_v.size() == 4);

  TrainStep train;
  Memory scratch(TrainStep::scratch_size());
  const float x[4] = {1, 2, 3, 4};
  float total[4] = {};
  bool known = true;
  train.x = x;
  train.total = total;
  train.known = &known;
  EXPECT_TEXT(stateful::message(train.run(scratch.data)), "InvalidArgument: `state` is null");
  train.state = &state;
  EXPECT_TEXT(stateful::message(train.run(scratch.data)),
              "FailedPrecondition: variable layer/v is not initialized");
  Memory memory(State::memory_size());
  state.init(memory.data);
  EXPECT(!state.layer_v.has_value() && state.steps.has_value() && state.steps.data[0] == 0);
  EXPECT(!state.has_value(0) && state.has_value(2));
  EXPECT(state.u.has_value() && state.u.data[0] == 5 && state.u.data[3] == 8);
  EXPECT(state.w.has_value() && state.w.data[0] == -1 && state.w.data[3] == -4);
  EXPECT(State::info(4).initial == state.w.data && State::info(0).initial == nullptr);
  const float tens[4] = {10, 20, 30, 40};
  state.layer_v.set(tens);
  state.set(1, tens);
  EXPECT(state.data(1) == state.u.data);

  EXPECT(train.run(scratch.data) == 0);
  EXPECT(!known);  // what the run found
  EXPECT(state.fresh.has_value() && state.fresh.data[0] == 1);
  for (int i = 0; i < 4; ++i) {
    EXPECT(total[i] == tens[i] + 2 * x[i]);
    EXPECT(state.u.data[i] == 2 * x[i]);
    EXPECT(state.layer_v.data[i] == tens[i] + x[i]);
  }
  EXPECT(train.run(scratch.data) == 0);
  EXPECT(known);
  for (int i = 0; i < 4; ++i) {
    EXPECT(total[i] == 4 * x[i]);
    EXPECT(state.layer_v.data[i] == tens[i] + 2 * x[i]);
  }
  EXPECT(state.steps.data[0] == 2);

  Evaluate evaluate;
  const float w[4] = {100, 200, 300, 400};
  state.w.data = w;
  evaluate.state = &state;
  float out[4] = {};
  evaluate.out = out;
  Memory evaluate_scratch(Evaluate::scratch_size());
  EXPECT_TEXT(stateful::message(evaluate.run(evaluate_scratch.data)),
              "FailedPrecondition: `init` has not run");
  Memory persistent(Evaluate::persistent_size());
  Memory init_scratch(Evaluate::init_scratch_size());
  EXPECT(evaluate.init(persistent.data, init_scratch.data) == 0);
  EXPECT(evaluate.run(evaluate_scratch.data) == 0);
  for (int i = 0; i < 4; ++i) {
    EXPECT(out[i] == state.layer_v.data[i] + 2 * static_cast<float>(i + 1) + w[i]);
  }
}

}  // namespace

int main() {
  TestChain();
  TestControlFlow();
  TestChecks();
  TestScratchAndPhases();
  TestStepSymbols();
  TestState();
  if (failures == 0) std::printf("all passed\n");
  return failures == 0 ? 0 : 1;
}
