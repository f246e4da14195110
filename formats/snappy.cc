#include "formats/snappy.h"

#include <cstdint>

#include "formats/varint.h"

namespace stator::formats {
namespace {

// Takes `count` little-endian bytes off the front.
absl::optional<uint32_t> TakeBytes(absl::string_view* in, int count) {
  if (in->size() < static_cast<size_t>(count)) return absl::nullopt;
  uint32_t value = 0;
  for (int i = 0; i < count; ++i) value |= uint32_t{static_cast<uint8_t>((*in)[i])} << (8 * i);
  in->remove_prefix(count);
  return value;
}

bool AppendLiteral(uint8_t tag, size_t limit, absl::string_view* in, std::string* out) {
  uint64_t length = tag >> 2;
  if (length >= 60) {  // the length stands in the next one to four bytes
    const auto stored = TakeBytes(in, static_cast<int>(length) - 59);
    if (!stored) return false;
    length = *stored;
  }
  ++length;
  if (length > in->size() || length > limit - out->size()) return false;
  out->append(in->data(), length);
  in->remove_prefix(length);
  return true;
}

bool AppendCopy(uint8_t tag, size_t limit, absl::string_view* in, std::string* out) {
  constexpr int kOffsetBytes[] = {0, 1, 2, 4};
  const int kind = tag & 3;
  const auto stored = TakeBytes(in, kOffsetBytes[kind]);
  if (!stored) return false;
  const size_t length = kind == 1 ? 4 + ((tag >> 2) & 7) : 1 + (tag >> 2);
  const size_t offset = kind == 1 ? size_t{tag} >> 5 << 8 | *stored : *stored;
  if (offset == 0 || offset > out->size() || length > limit - out->size()) return false;
  // Byte by byte: a copy may overlap what it writes, which repeats a pattern.
  for (size_t i = 0; i < length; ++i) out->push_back((*out)[out->size() - offset]);
  return true;
}

}  // namespace

absl::optional<std::string> UncompressSnappy(absl::string_view packed) {
  absl::string_view in = packed;
  const auto length = TakeVarint(&in);
  if (!length || *length > 64 * packed.size()) return absl::nullopt;
  std::string out;
  out.reserve(*length);
  while (!in.empty()) {
    const uint8_t tag = in[0];
    in.remove_prefix(1);
    const bool good = (tag & 3) == 0 ? AppendLiteral(tag, *length, &in, &out)
                                     : AppendCopy(tag, *length, &in, &out);
    if (!good) return absl::nullopt;
  }
  if (out.size() != *length) return absl::nullopt;
  return out;
}

}  // namespace stator::formats
