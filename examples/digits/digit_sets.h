#ifndef STATOR_EXAMPLES_DIGITS_DIGIT_SETS_H_
#define STATOR_EXAMPLES_DIGITS_DIGIT_SETS_H_

#include <string>

#include "absl/status/statusor.h"
#include "data/pipeline.h"

namespace stator::examples {

struct DigitSets {
  data::LabeledImages train, test;
};

// MNIST's IDX files in `folder`; where that is empty, digits that are drawn here, always the same.
absl::StatusOr<DigitSets> LoadDigits(const std::string& folder, bool quiet);

}  // namespace stator::examples

#endif  // STATOR_EXAMPLES_DIGITS_DIGIT_SETS_H_
