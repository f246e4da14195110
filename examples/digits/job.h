#ifndef STATOR_EXAMPLES_DIGITS_JOB_H_
#define STATOR_EXAMPLES_DIGITS_JOB_H_

#include "absl/status/statusor.h"
#include "distribute/run.h"
#include "examples/digits/flags.h"

namespace stator::examples {

// The program of digits.cc as a job trains it: the same model, told step by step.
absl::StatusOr<distribute::TrainingProgram> BuildDigitsProgram(const Job& job, const Flags& flags);

}  // namespace stator::examples

#endif  // STATOR_EXAMPLES_DIGITS_JOB_H_
