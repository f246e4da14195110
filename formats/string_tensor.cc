#include "formats/string_tensor.h"

#include "absl/strings/str_cat.h"
#include "formats/crc32c.h"
#include "formats/varint.h"

namespace stator::formats {
namespace {

std::string Word(uint64_t value, int bytes) {
  std::string word;
  for (int i = 0; i < bytes; ++i) word.push_back(static_cast<char>(value >> (8 * i)));
  return word;
}

uint32_t ExtendByLength(uint32_t crc, uint64_t length) {
  return ExtendCrc32c(crc, Word(length, length <= UINT32_MAX ? 4 : 8));
}

}  // namespace

StoredStrings EncodeStrings(absl::Span<const std::string> values) {
  StoredStrings stored{{}, 0};
  for (const std::string& value : values) {
    AppendVarint(value.size(), &stored.bytes);
    stored.crc = ExtendByLength(stored.crc, value.size());
  }
  const std::string checksum = Word(MaskCrc32c(stored.crc), 4);
  stored.bytes += checksum;
  stored.crc = ExtendCrc32c(stored.crc, checksum);
  for (const std::string& value : values) {
    stored.bytes += value;
    stored.crc = ExtendCrc32c(stored.crc, value);
  }
  return stored;
}

absl::StatusOr<std::vector<std::string>> DecodeStrings(absl::string_view bytes, int64_t count,
                                                       uint32_t crc) {
  // A length takes at least one byte, so this also bounds what is allocated.
  if (static_cast<uint64_t>(count) > bytes.size()) {
    return absl::DataLossError(
        absl::StrCat("expected ", count, " strings, found ", bytes.size(), " bytes in all"));
  }
  std::vector<uint64_t> lengths;
  uint32_t running = 0;
  for (int64_t i = 0; i < count; ++i) {
    const auto length = TakeVarint(&bytes);
    if (!length) return absl::DataLossError(absl::StrCat("damaged length of string ", i));
    lengths.push_back(*length);
    running = ExtendByLength(running, *length);
  }
  const std::string checksum = Word(MaskCrc32c(running), 4);
  if (bytes.substr(0, 4) != checksum) {
    return absl::DataLossError("the checksum of the lengths does not match");
  }
  bytes.remove_prefix(4);
  running = ExtendCrc32c(running, checksum);
  std::vector<std::string> values;
  values.reserve(count);
  for (const uint64_t length : lengths) {
    if (length > bytes.size()) return absl::DataLossError("a string goes beyond its tensor");
    values.emplace_back(bytes.substr(0, length));
    running = ExtendCrc32c(running, values.back());
    bytes.remove_prefix(length);
  }
  if (!bytes.empty()) {
    return absl::DataLossError(
        absl::StrCat("found ", bytes.size(), " bytes after the last string"));
  }
  if (running != crc) return absl::DataLossError("the checksum does not match");
  return values;
}

}  // namespace stator::formats
