#ifndef STATOR_FORMATS_CRC32C_H_
#define STATOR_FORMATS_CRC32C_H_

// CRC-32C (Castagnoli), the checksum of checkpoints, records and table blocks. Uses the processor's
// instruction where there is one.

#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"

namespace stator::formats {

// The checksum of A + bytes, given `crc`, the checksum of A (0 for an empty A).
uint32_t ExtendCrc32c(uint32_t crc, absl::string_view bytes);

inline uint32_t Crc32c(absl::string_view bytes) { return ExtendCrc32c(0, bytes); }

// Checksums are stored masked, because a checksum of data that contains its own checksum would be
// the same for all data.
inline uint32_t MaskCrc32c(uint32_t crc) { return ((crc >> 15) | (crc << 17)) + 0xa282ead8u; }
inline uint32_t UnmaskCrc32c(uint32_t masked) {
  const uint32_t rotated = masked - 0xa282ead8u;
  return (rotated >> 17) | (rotated << 15);
}

namespace internal {
// The two implementations, for tests. The fast one may be called only where it is available.
bool HasCrc32cInstruction();
uint32_t ExtendCrc32cByTable(uint32_t crc, absl::string_view bytes);
uint32_t ExtendCrc32cByInstruction(uint32_t crc, absl::string_view bytes);
}  // namespace internal

}  // namespace stator::formats

#endif  // STATOR_FORMATS_CRC32C_H_
