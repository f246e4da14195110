// Reading images.
//
//   0        header, 128 bytes: magic, version, and for each section offset, size, hash
//   128      plan: FlatBuffer of image.fbs
//   n*64 KiB constants (absent when empty)
//   n*64 KiB code (absent when empty)
#ifndef STATOR_EXECUTABLE_IMAGE_VIEW_H_
#define STATOR_EXECUTABLE_IMAGE_VIEW_H_

#include <cstddef>
#include <cstdint>

#include "executable/image_model.h"
#include "executable/status.h"

namespace stator::executable {

struct SectionHeader {
  uint64_t offset;  // bytes from the start of the image
  uint64_t size;    // bytes
  uint64_t hash;    // HashBytes of the section
};

struct ImageHeader {
  char magic[8];  // "STATORX\n"
  uint32_t version;
  uint32_t abi_version;  // STATOR_KERNEL_ABI_VERSION
  SectionHeader plan;
  SectionHeader constants;
  SectionHeader code;
  uint64_t total_size;
  uint64_t reserved[3];
  uint64_t header_hash;  // HashBytes of all bytes before this field
};
static_assert(sizeof(ImageHeader) == 128);
inline constexpr char kImageMagic[8] = {'S', 'T', 'A', 'T', 'O', 'R', 'X', '\n'};

// A 64-bit content hash (not cryptographic), the same on every machine.
uint64_t HashBytes(const void* data, size_t size, uint64_t seed = 0);

enum class HashCheck {
  kAll,          // hash every section
  kPlanAndCode,  // leave large constants untouched, so that they page in when used
};

// An image's bytes (not owned) and its decoded plan. `plan.constants` and `plan.code` stay empty:
// the sections are read in place.
struct ImageView {
  ImageHeader header;
  ImageModel plan;
  const uint8_t* constants = nullptr;
  int64_t constants_size = 0;
  const uint8_t* code = nullptr;
  int64_t code_size = 0;
};

// Checks header, sections and hashes, runs FlatBuffers' verifier and decodes the plan. Safe on any
// bytes: DataLoss or InvalidArgument, never a crash. `data` is 16-byte aligned and outlives the
// view. Meaning (indices, lifetimes, ...) is checked by verifier.h, not here.
Result<ImageView> ReadImage(const uint8_t* data, size_t size, HashCheck check = HashCheck::kAll);

// A copy of the view's plan with its constants and code: Serialize(ToModel(view)) gives the bytes
// back.
ImageModel ToModel(const ImageView& view);

}  // namespace stator::executable

#endif  // STATOR_EXECUTABLE_IMAGE_VIEW_H_
