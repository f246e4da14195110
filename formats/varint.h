#ifndef STATOR_FORMATS_VARINT_H_
#define STATOR_FORMATS_VARINT_H_

// Base-128 numbers: seven bits a byte, the lowest first, the top bit set on all but the last byte.

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"

namespace stator::formats {

// Takes a number off the front of `in`; nothing, and `in` unspecified, if none is there.
inline absl::optional<uint64_t> TakeVarint(absl::string_view* in) {
  uint64_t value = 0;
  for (int shift = 0; shift < 64 && !in->empty(); shift += 7) {
    const uint8_t byte = in->front();
    in->remove_prefix(1);
    if (shift == 63 && byte > 1) return absl::nullopt;  // more than 64 bits
    value |= uint64_t{byte & 0x7fu} << shift;
    if (byte < 0x80) return value;
  }
  return absl::nullopt;
}

inline void AppendVarint(uint64_t value, std::string* out) {
  for (; value >= 0x80; value >>= 7) out->push_back(static_cast<char>(value | 0x80));
  out->push_back(static_cast<char>(value));
}

}  // namespace stator::formats

#endif  // STATOR_FORMATS_VARINT_H_
