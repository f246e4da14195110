// Damaged bundles.
#ifndef STATOR_TESTS_FUZZ_MUTATE_BUNDLE_H_
#define STATOR_TESTS_FUZZ_MUTATE_BUNDLE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "tests/fuzz/random.h"

namespace stator::fuzz {

// A bundle that this project wrote, with its kernels replaced by ones that do nothing.
struct Seed {
  std::string name;
  std::vector<uint8_t> bytes;
  std::vector<uint8_t> weights;  // the file beside it, if its constants are external
  bool external = false;
};

// The same bundle whose kernels return at once: from any byte of a code section the CPU runs to its
// end, but for the last kTailBytes. So what a run touches is what the executor touches. False when
// the bytes are no bundle.
bool DisarmKernels(Seed* seed);
inline constexpr int64_t kTailBytes = 3;

// Damages header, table of variants, plan bytes, plan fields or length, and makes the hashes right
// again, most of the time.
Seed Mutate(const Seed& seed, Random* random);

}  // namespace stator::fuzz

#endif  // STATOR_TESTS_FUZZ_MUTATE_BUNDLE_H_
