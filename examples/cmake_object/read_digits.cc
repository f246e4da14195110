// Reads handwritten digits with the generated class digits::Read:
//   read_digits EXAMPLES COUNT
// EXAMPLES is a file of `digits --export-training`: for each image its label and its pixels.
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

#include "digits.h"

int main(int argc, char** argv) {
  const std::int64_t count = argc == 3 ? std::atol(argv[2]) : 0;
  std::FILE* file = argc == 3 ? std::fopen(argv[1], "rb") : nullptr;
  if (count < 1 || file == nullptr) {
    std::fprintf(stderr, "read_digits: give a file and how many images to read\n");
    return 1;
  }
  constexpr int kPixels = 28 * 28;
  std::vector<float> images(digits::Read::images_size(count));
  for (std::int64_t i = 0; i < count; ++i) {
    unsigned char record[1 + kPixels];
    if (std::fread(record, sizeof(record), 1, file) != 1) return 1;
    for (int p = 0; p < kPixels; ++p) images[i * kPixels + p] = record[1 + p] * (1.0f / 255.0f);
  }
  std::fclose(file);

  // The class allocates nothing: results, state and working memory are the program's.
  std::vector<std::int64_t> digit(digits::Read::digit_size(count));
  std::vector<float> probabilities(digits::Read::probabilities_size(count));
  digits::State state;
  std::vector<char> state_memory(digits::State::memory_size());
  state.init(state_memory.data());
  constexpr std::size_t kAlignment = digits::Read::kScratchAlignment;
  const std::size_t bytes = digits::Read::scratch_size(count) + kAlignment;
  const std::unique_ptr<void, void (*)(void*)> scratch(
      std::aligned_alloc(kAlignment, bytes / kAlignment * kAlignment), std::free);

  digits::Read read;
  read.state = &state;
  read.images = images.data();
  read.digit = digit.data();
  read.probabilities = probabilities.data();
  if (const int code = read.run(count, scratch.get())) {
    std::fprintf(stderr, "read_digits: %s\n", digits::message(code));
    return 1;
  }
  for (std::int64_t i = 0; i < count; ++i) {
    std::printf("%d %a\n", static_cast<int>(digit[i]), probabilities[10 * i + digit[i]]);
  }
}
