// Reading images.
//
//   0        header, 128 bytes: magic, versions, number of variants, constants section
//   128      per variant, that is per target: its plan and code sections
//   n*64     plans: FlatBuffers of image.fbs
//   n*64 KiB constants (absent when empty, or when they lie in a file of their own)
//   n*64 KiB code, one section per variant (absent when empty)
//
// Variants are the same program for different machines: they differ in code and what follows from
// it, share the constants, and stand in the order in which a machine should prefer them.
#ifndef STATOR_EXECUTABLE_IMAGE_VIEW_H_
#define STATOR_EXECUTABLE_IMAGE_VIEW_H_

#include <cstddef>
#include <cstdint>
#include <vector>

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
  uint32_t num_variants;  // in [1, kMaxVariants]
  uint32_t flags;         // kExternalConstants
  SectionHeader constants;  // external: in the other file, at 0
  uint64_t total_size;      // of this file
  uint64_t variants_hash;   // HashBytes of the table of variants
  uint64_t reserved[7];
  uint64_t header_hash;  // HashBytes of all bytes before this field
};
static_assert(sizeof(ImageHeader) == 128);
inline constexpr uint32_t kMaxVariants = 64;
inline constexpr uint32_t kExternalConstants = 1;

// Ends a file of external constants, so that another image's are noticed without hashing them all.
struct ConstantsTrailer {
  char magic[8];  // "STATORW\n"
  uint64_t hash;  // HashBytes of all before it
};
static_assert(sizeof(ConstantsTrailer) == 16);
inline constexpr char kConstantsMagic[8] = {'S', 'T', 'A', 'T', 'O', 'R', 'W', '\n'};

struct VariantHeader {
  SectionHeader plan;
  SectionHeader code;
};
static_assert(sizeof(VariantHeader) == 48);
inline constexpr char kImageMagic[8] = {'S', 'T', 'A', 'T', 'O', 'R', 'X', '\n'};

// A 64-bit content hash (not cryptographic), the same on every machine.
uint64_t HashBytes(const void* data, size_t size, uint64_t seed = 0);

enum class HashCheck {
  kAll,          // hash every section
  kPlanAndCode,  // leave large constants untouched, so that they page in when used
};

struct ReadOptions {
  HashCheck check = HashCheck::kAll;
  // OK for the targets that the reader wants: it takes the first such variant. Null: the first.
  Status (*accepts)(const Target&) = nullptr;
  // The constants file of an image with external constants, with its trailer; 64-byte aligned,
  // outlives the view.
  const uint8_t* external_constants = nullptr;
  size_t external_constants_size = 0;
};

// An image's bytes (not owned) and the decoded plan of one variant. `plan.constants` and `plan.code`
// stay empty: the sections are read in place.
struct ImageView {
  ImageHeader header;
  VariantHeader variant;
  std::vector<Target> targets;  // of all variants
  ImageModel plan;
  const uint8_t* constants = nullptr;
  int64_t constants_size = 0;
  const uint8_t* code = nullptr;
  int64_t code_size = 0;
};

// Checks header, sections and hashes, runs FlatBuffers' verifier and decodes the plan. Safe on any
// bytes: DataLoss or InvalidArgument, never a crash; FailedPrecondition when no variant is accepted,
// or external constants are missing. `data` is 16-byte aligned and outlives the view. Meaning
// (indices, lifetimes, ...) is checked by verifier.h, not here.
Result<ImageView> ReadImage(const uint8_t* data, size_t size, const ReadOptions& options = {});

// The header, checked as far as it can be without the rest of the image.
Result<ImageHeader> ReadHeader(const uint8_t* data, size_t size);

// A copy of the view's plan with its constants and code: Serialize(ToModel(view)) gives the bytes
// back.
ImageModel ToModel(const ImageView& view);

}  // namespace stator::executable

#endif  // STATOR_EXECUTABLE_IMAGE_VIEW_H_
