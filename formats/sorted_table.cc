#include "formats/sorted_table.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "formats/crc32c.h"
#include "formats/snappy.h"
#include "formats/varint.h"
#include "graph/status_macros.h"

namespace stator::formats {
namespace {

constexpr size_t kFooter = 48;
constexpr size_t kTrailer = 5;
constexpr uint64_t kMagic = 0xdb4775248b80fb57;
// Shared key prefixes let a small file describe large keys; these bound what it may expand to.
constexpr size_t kMaxKey = size_t{1} << 16;
constexpr size_t kMaxGrowth = 64;

struct Handle {
  uint64_t offset;
  uint64_t size;  // without the trailer
};

absl::optional<Handle> TakeHandle(absl::string_view* in) {
  const auto offset = TakeVarint(in);
  const auto size = offset ? TakeVarint(in) : absl::nullopt;
  if (!size) return absl::nullopt;
  return Handle{*offset, *size};
}

uint32_t LoadU32(absl::string_view bytes) {
  uint32_t value = 0;
  for (int i = 0; i < 4; ++i) value |= uint32_t{static_cast<uint8_t>(bytes[i])} << (8 * i);
  return value;
}

class Parser {
 public:
  Parser(const std::string& path, absl::string_view file)
      : path_(path), file_(file), budget_(file.size() * kMaxGrowth + kMaxKey) {}

  absl::StatusOr<TableEntries> Parse() {
    if (file_.size() < kFooter) {
      return Fail(0, absl::StrCat("expected a table of at least ", kFooter, " bytes, found ",
                                  file_.size()));
    }
    const size_t footer = file_.size() - kFooter;
    const uint64_t magic =
        LoadU32(file_.substr(footer + 40)) | uint64_t{LoadU32(file_.substr(footer + 44))} << 32;
    if (magic != kMagic) return Fail(footer + 40, "expected the magic number of a table");
    absl::string_view handles = file_.substr(footer, 40);
    const auto metaindex = TakeHandle(&handles);
    const auto index = metaindex ? TakeHandle(&handles) : absl::nullopt;
    if (!index) return Fail(footer, "expected the places of two blocks");

    std::vector<std::pair<std::string, std::string>> blocks;
    STATOR_RETURN_IF_ERROR(ParseBlock(*index, [&](std::string key, absl::string_view value) {
      blocks.emplace_back(std::move(key), std::string(value));
      return absl::OkStatus();
    }));
    TableEntries entries;
    for (const auto& [last_key, place] : blocks) {
      absl::string_view rest = place;
      const auto handle = TakeHandle(&rest);
      if (!handle || !rest.empty()) return Fail(index->offset, "expected the place of a block");
      STATOR_RETURN_IF_ERROR(ParseBlock(*handle, [&](std::string key, absl::string_view value) {
        if (!entries.empty() && entries.rbegin()->first >= key) {
          return Fail(handle->offset, "expected keys in rising order");
        }
        if (key > last_key) return Fail(handle->offset, "found a key beyond its block's last key");
        entries.emplace_hint(entries.end(), std::move(key), std::string(value));
        return absl::OkStatus();
      }));
    }
    return entries;
  }

 private:
  absl::Status Fail(uint64_t offset, const std::string& what) const {
    return absl::DataLossError(absl::StrCat(path_, ": offset ", offset, ": ", what));
  }

  // The block's bytes after checking and unpacking; `storage` holds them if they were packed.
  absl::StatusOr<absl::string_view> Load(Handle handle, std::string* storage) {
    if (handle.offset > file_.size() || handle.size > file_.size() - handle.offset ||
        file_.size() - handle.offset - handle.size < kTrailer) {
      return Fail(handle.offset, absl::StrCat("expected a block of ", handle.size,
                                              " bytes inside the file of ", file_.size()));
    }
    const absl::string_view body = file_.substr(handle.offset, handle.size);
    const absl::string_view trailer = file_.substr(handle.offset + handle.size, kTrailer);
    const absl::string_view checked = file_.substr(handle.offset, handle.size + 1);
    if (MaskCrc32c(Crc32c(checked)) != LoadU32(trailer.substr(1))) {
      return Fail(handle.offset, "the checksum of this block does not match");
    }
    if (trailer[0] == 0) return body;
    if (trailer[0] != 1) {
      return Fail(handle.offset + handle.size,
                  absl::StrCat("expected compression 0 or 1, found ", int{trailer[0]}));
    }
    auto unpacked = UncompressSnappy(body);
    if (!unpacked) return Fail(handle.offset, "damaged Snappy data");
    *storage = *std::move(unpacked);
    return absl::string_view(*storage);
  }

  template <typename Visit>
  absl::Status ParseBlock(Handle handle, const Visit& visit) {
    std::string storage;
    STATOR_ASSIGN_OR_RETURN(absl::string_view block, Load(handle, &storage));
    if (block.size() < 4) return Fail(handle.offset, "expected a block's restart count");
    const uint64_t restarts = LoadU32(block.substr(block.size() - 4));
    if (restarts > (block.size() - 4) / 4) {
      return Fail(handle.offset, absl::StrCat("expected ", restarts, " restarts inside the block"));
    }
    absl::string_view in = block.substr(0, block.size() - 4 - 4 * restarts);
    std::string key;
    while (!in.empty()) {
      const auto shared = TakeVarint(&in);
      const auto unshared = shared ? TakeVarint(&in) : absl::nullopt;
      const auto length = unshared ? TakeVarint(&in) : absl::nullopt;
      if (!length || *shared > key.size() || *unshared > in.size() ||
          *length > in.size() - *unshared || *shared + *unshared > kMaxKey) {
        return Fail(handle.offset, "damaged entry in this block");
      }
      key.resize(*shared);
      key.append(in.data(), *unshared);
      const uint64_t cost = key.size() + *length;
      if (cost > budget_) return Fail(handle.offset, "the table describes far more than it holds");
      budget_ -= cost;
      STATOR_RETURN_IF_ERROR(visit(key, in.substr(*unshared, *length)));
      in.remove_prefix(*unshared + *length);
    }
    return absl::OkStatus();
  }

  const std::string& path_;
  absl::string_view file_;
  uint64_t budget_;
};

}  // namespace

absl::StatusOr<TableEntries> ParseSortedTable(const std::string& path, absl::string_view file) {
  return Parser(path, file).Parse();
}

}  // namespace stator::formats
