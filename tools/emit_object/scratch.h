// Places in scratch memory, decided when the header is written.
//
//   [ fixed part | slot | slot | ... | kernels' own ]
//
// Buffers of constant size are packed exactly into the fixed part. The others go to slots: the
// lifetimes in a slot do not meet, a slot is as large as its largest buffer, and slots stand one
// after the other, so that only sums and maxima are left to compute when sizes are known.
#ifndef STATOR_TOOLS_EMIT_OBJECT_SCRATCH_H_
#define STATOR_TOOLS_EMIT_OBJECT_SCRATCH_H_

#include <cstdint>
#include <map>
#include <vector>

#include "tools/emit_object/sizes.h"

namespace stator::tools {

// Memory of one root buffer.
struct ScratchItem {
  int32_t first_wave = INT32_MAX;  // inclusive
  int32_t last_wave = -1;
  std::vector<int32_t> bytes;  // expressions; the largest counts
  int64_t alignment = executable::kBufferAlignment;
};

struct Slot {
  std::vector<int32_t> bytes;  // expressions, each once; the largest counts
  int64_t alignment = executable::kBufferAlignment;
};

struct ScratchLayout {
  std::map<int32_t, int64_t> fixed;    // root: bytes from the start
  int64_t fixed_bytes = 0;             // a multiple of `alignment`
  std::map<int32_t, int32_t> slotted;  // root: index of slots
  std::vector<Slot> slots;
  int64_t alignment = executable::kBufferAlignment;  // of the whole
};

ScratchLayout LayOutScratch(const std::map<int32_t, ScratchItem>& items, const Sizes& sizes);

// Offsets of the slots where expressions have these values; for tests and the emitter's own proof.
std::vector<int64_t> SlotOffsets(const ScratchLayout& layout, const std::vector<int64_t>& values);

}  // namespace stator::tools

#endif  // STATOR_TOOLS_EMIT_OBJECT_SCRATCH_H_
