#ifndef STATOR_FORMATS_SORTED_TABLE_H_
#define STATOR_FORMATS_SORTED_TABLE_H_

// LevelDB's table files, the index of checkpoints. From the front:
//
//   data blocks   sorted entries: varint shared, unshared, value lengths, key rest, value; then the
//                 u32 restart offsets and their count; then a type byte (0 plain, 1 Snappy) and the
//                 masked CRC-32C of block and type
//   metaindex     one more block, empty here
//   index block   last key of each data block -> varint offset and size of the block
//   footer        48 bytes: the places of metaindex and index, padding, a magic number
//
// LevelDB's own reader trusts the lengths in a file enough to abort on a damaged one, so reading is
// done here; writing is left to LevelDB.

#include <cstdint>
#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace stator::formats {

using TableEntries = std::map<std::string, std::string>;

// All entries of a table, every checksum verified. `path` is for messages only. Memory is bounded
// by a small multiple of the file's size; a damaged file is kDataLoss with its offset.
absl::StatusOr<TableEntries> ParseSortedTable(const std::string& path, absl::string_view file);

// The bytes that TensorFlow's checkpoint writer makes of the same entries: plain blocks of 256 KiB.
absl::StatusOr<std::string> BuildSortedTable(const TableEntries& entries);

}  // namespace stator::formats

#endif  // STATOR_FORMATS_SORTED_TABLE_H_
