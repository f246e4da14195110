#ifndef STATOR_TESTS_AARCH64_IMAGE_RUN_H_
#define STATOR_TESTS_AARCH64_IMAGE_RUN_H_

// One run of an image's first entry point, here or in a program for another architecture.

#include <map>
#include <string>
#include <vector>

#include "compiler/codegen/cpu/message.h"
#include "executable/status.h"
#include "runtime/core/tensor.h"

namespace stator::tests {

struct ImageRun {
  std::string image;
  int threads = 1;
  std::vector<runtime::Tensor> feeds;
  std::map<std::string, runtime::Tensor> variables;  // before the run; others: as the image says
};

struct ImageResult {
  executable::Status status;
  std::vector<runtime::Tensor> fetches;
  std::map<std::string, runtime::Tensor> variables;  // after the run
};

// Loads and runs the image in this process. Its plans are checked, its arena is poisoned.
ImageResult RunHere(const ImageRun& run);

void Put(const ImageRun& run, compiler::Message* message);
ImageRun GetImageRun(compiler::Message* message);
void Put(const ImageResult& result, compiler::Message* message);
ImageResult GetImageResult(compiler::Message* message);

}  // namespace stator::tests

#endif  // STATOR_TESTS_AARCH64_IMAGE_RUN_H_
