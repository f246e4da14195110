#ifndef STATOR_TESTS_AARCH64_EMULATED_IMAGE_H_
#define STATOR_TESTS_AARCH64_EMULATED_IMAGE_H_

#include "tests/aarch64/image_run.h"

namespace stator::tests {

// Runs an image for aarch64 by the runtime that is built for aarch64, under the emulator. Internal
// when that program dies.
ImageResult RunEmulated(const ImageRun& run);

}  // namespace stator::tests

#endif  // STATOR_TESTS_AARCH64_EMULATED_IMAGE_H_
