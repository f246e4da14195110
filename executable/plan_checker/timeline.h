// The waves of an entry point, and the loops among them.
#ifndef STATOR_EXECUTABLE_PLAN_CHECKER_TIMELINE_H_
#define STATOR_EXECUTABLE_PLAN_CHECKER_TIMELINE_H_

#include <cstdint>
#include <map>
#include <vector>

#include "executable/image_model.h"

namespace stator::executable {

// From the wave of the while step to the last wave of its body.
struct LoopWaves {
  int32_t first;
  int32_t last;
};

struct Timeline {
  int32_t first_wave = INT32_MAX;  // of the init block, or the main block
  int32_t last_wave = -1;
  std::map<const While*, LoopWaves> loops;  // steps of the model, which outlives this
  std::vector<CarriedPair> carried;         // of all loops
};

Timeline FindTimeline(const ImageModel& model, const EntryPoint& entry);

}  // namespace stator::executable

#endif  // STATOR_EXECUTABLE_PLAN_CHECKER_TIMELINE_H_
