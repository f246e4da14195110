// Hand-made images with kernels compiled by gcc, for tests of the emitter.
#ifndef STATOR_TOOLS_EMIT_OBJECT_TEST_IMAGES_H_
#define STATOR_TOOLS_EMIT_OBJECT_TEST_IMAGES_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "runtime/core/test_program.h"

namespace stator::tools {

using TestImagePtr = std::unique_ptr<runtime::TestProgram>;

// out = (x + y) * 3 for any batch up to 300; equal batches are one size.
TestImagePtr Chain();
// while (x[0] < 100) x = x * 2; out = x
TestImagePtr Doubling();
// out = x[0] < 5 ? x * 2 : x * 3
TestImagePtr Branch();
// out = x, all of it not negative, and all flags true.
TestImagePtr Checked();
// The sum of squares: a kernel with memory of its own, and one with two phases.
TestImagePtr Squares();
// The first k elements times 10, where k is the number of positive ones, at most 3.
TestImagePtr Prefix();
// Two entry points over one state, with an init block.
TestImagePtr Stateful();
// Memory whose size a step decides: no object can hold it.
TestImagePtr Where();

// All that can be emitted, with the names of their objects.
std::vector<std::pair<std::string, TestImagePtr>> EmittableImages();

}  // namespace stator::tools

#endif  // STATOR_TOOLS_EMIT_OBJECT_TEST_IMAGES_H_
