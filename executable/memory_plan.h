// Placing buffers with lifetimes into one arena: a pure, deterministic function, used by the
// compiler to report the planned peak and by the runtime when a run's sizes become known.
#ifndef STATOR_EXECUTABLE_MEMORY_PLAN_H_
#define STATOR_EXECUTABLE_MEMORY_PLAN_H_

#include <cstdint>
#include <vector>

#include "executable/image_model.h"

namespace stator::executable {

struct PackItem {
  int64_t size = 0;   // bytes; 0 takes no room
  int32_t first = 0;  // inclusive waves
  int32_t last = 0;
  int64_t alignment = kBufferAlignment;  // power of two
};

struct PackResult {
  std::vector<int64_t> offsets;  // one per item
  int64_t peak = 0;              // end of the highest item
  int64_t lower_bound = 0;       // largest sum of live bytes at any wave; peak >= lower_bound
};

// Tries four orders (size, lifetime, size x lifetime, program order) with best fit in the gaps of
// what is live at the same time, then perturbs the best order, until the bound is reached or
// `effort` item placements were tried per item. The caller guards against overflow: the sum of all
// aligned sizes fits int64 (LayOutArena checks it).
PackResult Pack(const std::vector<PackItem>& items, int effort = 24);

struct ArenaLayout {
  // Per buffer of the model: bytes from the segment's start, for kArena buffers that own storage or
  // share it in place, and for views with constant meaning (base offset + alias offset); -1 else.
  std::vector<int64_t> offsets;
  std::vector<int64_t> segment_bytes;  // per segment
  int64_t peak = 0;                    // sum over segments
  int64_t lower_bound = 0;
};

// Lays out the arena buffers that live inside waves [first_wave, last_wave] (one entry point's).
// `values[e]` is the value of expression e under the run's Input symbols; only expressions of arena
// buffers are read. Groups what shares storage: views with their base, in-place chains, and gives
// both buffers of a while's carried pair the union of their lifetimes, since they trade places.
// InvalidArgument (naming the buffer) for a negative size or a view outside its base,
// ResourceExhausted when the sum overflows.
Result<ArenaLayout> LayOutArena(const ImageModel& model, const std::vector<int64_t>& values,
                                int32_t first_wave, int32_t last_wave);

}  // namespace stator::executable

#endif  // STATOR_EXECUTABLE_MEMORY_PLAN_H_
