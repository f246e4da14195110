// draw_digits FOLDER TRAIN TEST: so many digits as MNIST's files, so that a job's tasks need not
// each draw them.
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "data/digits.h"

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: %s FOLDER TRAIN TEST\n", argv[0]);
    return 2;
  }
  std::error_code error;
  std::filesystem::create_directories(argv[1], error);
  stator::data::DigitSetOptions options;
  options.train_count = std::atoi(argv[2]);
  options.test_count = std::atoi(argv[3]);
  const absl::Status status = stator::data::WriteDigitSet(argv[1], options);
  if (!status.ok()) std::fprintf(stderr, "%s\n", status.ToString().c_str());
  return status.ok() ? 0 : 1;
}
