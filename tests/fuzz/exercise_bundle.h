// Everything that a program may do with a bundle, through the C interface.
#ifndef STATOR_TESTS_FUZZ_EXERCISE_BUNDLE_H_
#define STATOR_TESTS_FUZZ_EXERCISE_BUNDLE_H_

#include <string>

#include "tests/fuzz/mutate_bundle.h"
#include "tests/fuzz/random.h"

namespace stator::fuzz {

struct Outcome {
  bool accepted = false;  // it loaded
  int runs = 0;           // that ended well
  int refused_runs = 0;   // that ended with an error
  std::string bad;        // a promise that was broken without a crash; "" if none
};

// Loads the bundle (from memory, or a file in `folder`, or inside a larger file), looks at all it
// says of itself, plans memory, reads and writes its state and runs its entry points where that
// calls nothing but disarmed kernels. Bounded in time and memory.
Outcome Exercise(const Seed& bundle, const std::string& folder, Random* random);

}  // namespace stator::fuzz

#endif  // STATOR_TESTS_FUZZ_EXERCISE_BUNDLE_H_
