// When blocks and entry points run, as wave numbers.
#ifndef STATOR_EXECUTABLE_WAVE_RANGE_H_
#define STATOR_EXECUTABLE_WAVE_RANGE_H_

#include <cstdint>

#include "executable/image_model.h"

namespace stator::executable {

// Inclusive wave numbers of a block with all that is nested in it; {INT32_MAX, -1} when empty.
struct WaveRange {
  int32_t first;
  int32_t last;
};
// For a verified model.
WaveRange BlockWaves(const ImageModel& model, int32_t block);
// From the entry's first wave (init or main) to its last.
WaveRange EntryWaves(const ImageModel& model, const EntryPoint& entry);

}  // namespace stator::executable

#endif  // STATOR_EXECUTABLE_WAVE_RANGE_H_
