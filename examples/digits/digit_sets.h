#ifndef STATOR_EXAMPLES_DIGITS_DIGIT_SETS_H_
#define STATOR_EXAMPLES_DIGITS_DIGIT_SETS_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "data/dataset.h"
#include "data/mnist.h"

namespace stator::examples {

struct DigitSets {
  std::shared_ptr<const data::LabeledImages> train, test;
};

// MNIST's IDX files in `folder`; where that is empty, digits that are drawn here, always the same.
// Drawn ones stay in the folder `shared`, if it is not empty: whoever needs them first draws them,
// others wait.
absl::StatusOr<DigitSets> LoadDigits(const std::string& folder, bool quiet,
                                     const std::string& shared = "");

// The images to train on, in another order in each epoch; and those to test with, in batches.
absl::StatusOr<data::DatasetRef> TrainingImages(const DigitSets& sets, uint64_t seed);
absl::StatusOr<data::DatasetRef> TestBatches(const DigitSets& sets);

}  // namespace stator::examples

#endif  // STATOR_EXAMPLES_DIGITS_DIGIT_SETS_H_
