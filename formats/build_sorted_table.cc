#include <leveldb/comparator.h>
#include <leveldb/env.h>
#include <leveldb/options.h>
#include <leveldb/slice.h>
#include <leveldb/table_builder.h>

#include "absl/strings/str_cat.h"
#include "formats/sorted_table.h"

namespace stator::formats {
namespace {

// A LevelDB file in memory: an index is small, and reaches the disk whole or not at all.
class MemoryFile : public leveldb::WritableFile {
 public:
  leveldb::Status Append(const leveldb::Slice& data) override {
    bytes.append(data.data(), data.size());
    return leveldb::Status::OK();
  }
  leveldb::Status Close() override { return leveldb::Status::OK(); }
  leveldb::Status Flush() override { return leveldb::Status::OK(); }
  leveldb::Status Sync() override { return leveldb::Status::OK(); }

  std::string bytes;
};

}  // namespace

absl::StatusOr<std::string> BuildSortedTable(const TableEntries& entries) {
  leveldb::Options options;
  options.compression = leveldb::kNoCompression;
  options.block_size = 262144;
  MemoryFile file;
  leveldb::TableBuilder builder(options, &file);
  for (const auto& [key, value] : entries) builder.Add(key, value);
  const leveldb::Status status = builder.Finish();
  if (!status.ok()) return absl::InternalError(absl::StrCat("leveldb: ", status.ToString()));
  return std::move(file.bytes);
}

}  // namespace stator::formats
