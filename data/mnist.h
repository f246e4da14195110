#ifndef STATOR_DATA_MNIST_H_
#define STATOR_DATA_MNIST_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace stator::data {

// The examples of one set: images as bytes, labels as class numbers. Immutable after loading.
struct LabeledImages {
  int64_t count = 0;
  int64_t height = 0;
  int64_t width = 0;
  std::vector<uint8_t> pixels;  // count x height x width
  std::vector<uint8_t> labels;  // count
};

// Loads <folder>/<stem>-images-idx3-ubyte and <folder>/<stem>-labels-idx1-ubyte, plain or .gz;
// MNIST's stems are "train" and "t10k".
absl::StatusOr<LabeledImages> LoadMnist(const std::string& folder, const std::string& stem);

}  // namespace stator::data

#endif  // STATOR_DATA_MNIST_H_
