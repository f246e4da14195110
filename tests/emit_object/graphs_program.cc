// A user's program for the objects of emit_graphs.cc: the same bits as the session, which left its
// inputs and results as files in the current folder.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "digits.h"
#include "loop.h"
#include "training.h"

namespace {

int failures = 0;

void Fail(const std::string& text) {
  std::printf("%s\n", text.c_str());
  ++failures;
}

std::vector<char> ReadFile(const std::string& path) {
  std::vector<char> bytes;
  std::FILE* file = std::fopen(path.c_str(), "rb");
  if (file == nullptr) return bytes;
  char block[4096];
  for (std::size_t n; (n = std::fread(block, 1, sizeof(block), file)) > 0;) {
    bytes.insert(bytes.end(), block, block + n);
  }
  std::fclose(file);
  return bytes;
}

// The values of a file that must exist and have this many.
template <typename T>
std::vector<T> Read(const std::string& path, std::size_t count) {
  const std::vector<char> bytes = ReadFile(path);
  std::vector<T> values(count);
  if (bytes.size() != count * sizeof(T)) {
    Fail(path + ": " + std::to_string(bytes.size()) + " bytes");
  } else if (count > 0) {
    std::memcpy(values.data(), bytes.data(), bytes.size());
  }
  return values;
}

void ExpectBits(const std::string& path, const void* found, std::size_t size) {
  const std::vector<char> expected = ReadFile(path);
  if (expected.size() != size || std::memcmp(expected.data(), found, size) != 0) {
    Fail(path + " differs");
  }
}

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

std::string FileOf(const char* variable) {
  std::string name = variable;
  for (char& c : name) c = c == '/' ? '_' : c;
  return name;
}

// Values that a State points to, from the session's files.
template <typename State>
void Load(State* state, std::vector<std::vector<char>>* values) {
  for (int i = 0; i < State::kCount; ++i) {
    values->push_back(ReadFile("before_" + FileOf(State::info(i).name)));
    if (values->back().size() == State::info(i).bytes) {
      state->set(i, values->back().data());
    } else if (!state->has_value(i)) {
      Fail(std::string("no value for ") + State::info(i).name);
    }
  }
}

template <typename Entry>
bool Init(Entry*, Memory*, long) {
  return true;
}
// Only where an entry point has one.
template <typename Entry>
auto Init(Entry* entry, Memory* persistent, int) -> decltype(entry->init(nullptr, nullptr) == 0) {
  Memory scratch(Entry::init_scratch_size());
  return entry->init(persistent->data, scratch.data) == 0;
}

void TestDigits() {
  digits::State state;
  Memory memory(digits::State::memory_size());
  state.init(memory.data);
  std::vector<std::vector<char>> values;
  Load(&state, &values);
  digits::Evaluate evaluate;
  evaluate.state = &state;
  Memory persistent(1 << 22);
  if (!Init(&evaluate, &persistent, 0)) Fail("digits: init");
  for (const std::int64_t batch : {1, 3, 32}) {
    const std::string suffix = "_" + std::to_string(batch);
    const std::size_t pixels = digits::Evaluate::images_size(batch);
    const std::vector<float> images = Read<float>("images" + suffix, pixels);
    std::vector<float> probabilities(digits::Evaluate::probabilities_size(batch));
    std::vector<std::int64_t> digit(digits::Evaluate::digit_size(batch));
    Memory scratch(digits::Evaluate::scratch_size(batch));
    evaluate.images = images.data();
    evaluate.probabilities = probabilities.data();
    evaluate.digit = digit.data();
    const int code = evaluate.run(batch, scratch.data);
    if (code != 0) Fail(std::string("digits: ") + digits::message(code));
    ExpectBits("probabilities" + suffix, probabilities.data(), probabilities.size() * 4);
    ExpectBits("digit" + suffix, digit.data(), digit.size() * 8);
  }
}

void TestTraining() {
  constexpr std::int64_t kBatch = 32;
  training::State state;
  Memory memory(training::State::memory_size());
  state.init(memory.data);
  std::vector<std::vector<char>> values;
  Load(&state, &values);
  training::TrainStep train;
  train.state = &state;
  Memory persistent(1 << 22);
  if (!Init(&train, &persistent, 0)) Fail("training: init");
  Memory scratch(training::TrainStep::scratch_size(kBatch));
  std::vector<float> losses;
  for (int step = 0; step < 3; ++step) {
    const std::string suffix = "_step" + std::to_string(step);
    const auto images = Read<float>("images" + suffix, training::TrainStep::images_size(kBatch));
    const auto labels =
        Read<std::int32_t>("labels" + suffix, training::TrainStep::labels_size(kBatch));
    float loss = -1;
    train.images = images.data();
    train.labels = labels.data();
    train.loss = &loss;
    const int code = train.run(kBatch, scratch.data);
    if (code != 0) Fail(std::string("training: ") + training::message(code));
    losses.push_back(loss);
  }
  ExpectBits("losses", losses.data(), losses.size() * sizeof(float));
  for (int i = 0; i < training::State::kCount; ++i) {
    const training::VariableInfo& info = training::State::info(i);
    ExpectBits("after_" + FileOf(info.name), state.data(i), info.bytes);
  }
  // Slots cost a little more than packing for known sizes.
  const auto arena = static_cast<std::size_t>(Read<std::int64_t>("arena_bytes", 1)[0]);
  const std::size_t used = training::TrainStep::scratch_size(kBatch);
  std::printf("training: scratch %zu bytes, the runtime's arena %zu\n", used, arena);
  // Slots of unknown sizes cannot interleave as offsets of known ones do: 1.46 times the arena here.
  if (used > arena + arena / 2) Fail("training: too much scratch");
}

void TestLoop() {
  const float x[3] = {1, 2, 3};
  const float w[3] = {0.5, 0.25, 2};
  loop::Main entry;
  Memory persistent(1 << 16);
  if (!Init(&entry, &persistent, 0)) Fail("loop: init");
  Memory scratch(loop::Main::scratch_size(3));
  for (const std::int32_t trips : {0, 1, 6}) {
    float a[3] = {};
    float b[3] = {};
    std::int32_t count = -1;
    entry.arg0 = x;
    entry.arg1 = w;
    entry.arg2 = &trips;
    entry.result0 = a;
    entry.result1 = b;
    entry.result2 = &count;
    const int code = entry.run(3, scratch.data);
    if (code != 0) Fail(std::string("loop: ") + loop::message(code));
    ExpectBits("loop_a_" + std::to_string(trips), a, sizeof(a));
    ExpectBits("loop_b_" + std::to_string(trips), b, sizeof(b));
    if (count != trips) Fail("loop: count");
  }
}

}  // namespace

int main() {
  TestLoop();
  TestDigits();
  TestTraining();
  if (failures == 0) std::printf("all passed\n");
  return failures == 0 ? 0 : 1;
}
