#ifndef STATOR_FORMATS_STRING_TENSOR_H_
#define STATOR_FORMATS_STRING_TENSOR_H_

// How a checkpoint stores the elements of a string tensor:
//
//   varint length of each | masked CRC-32C of the lengths (u32) | the strings, back to back
//
// where a length enters the checksum as a little-endian word of 4 bytes, or of 8 if it needs more.

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace stator::formats {

struct StoredStrings {
  std::string bytes;
  uint32_t crc;  // of lengths, their checksum and strings; unmasked
};
StoredStrings EncodeStrings(absl::Span<const std::string> values);

// Takes `bytes` apart into `count` strings and verifies both checksums; `crc` is the unmasked one
// of the entry. A failure is kDataLoss without the place, which the caller adds.
absl::StatusOr<std::vector<std::string>> DecodeStrings(absl::string_view bytes, int64_t count,
                                                       uint32_t crc);

}  // namespace stator::formats

#endif  // STATOR_FORMATS_STRING_TENSOR_H_
