#ifndef STATOR_COMPILER_PLAN_LIFETIMES_H_
#define STATOR_COMPILER_PLAN_LIFETIMES_H_

#include <vector>

#include "executable/image_model.h"

namespace stator::compiler {

// The waves of a while loop.
struct LoopWaves {
  int32_t first = 0;  // of the copies of what it carries in
  int32_t step = 0;   // of the while step itself
  int32_t last = 0;   // of its body
  std::vector<executable::CarriedPair> carried;
};

// Buffers come with the waves from their first to their last use in program order. What a loop
// reads from outside lives until the loop ends; a carried pair shares one lifetime, since the two
// exchange memory; a base lives as long as its views.
void ExtendLifetimes(const std::vector<LoopWaves>& loops, executable::ImageModel* model);

}  // namespace stator::compiler

#endif  // STATOR_COMPILER_PLAN_LIFETIMES_H_
