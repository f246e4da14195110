#ifndef STATOR_FORMATS_TFRECORD_H_
#define STATOR_FORMATS_TFRECORD_H_

// TFRecord files: records back to back, no header, no index.
//
//   u64 length   u32 masked CRC of the 8 bytes before   payload   u32 masked CRC of the payload
//
// Numbers are little-endian. Compressed files are a gzip or zlib stream of this.

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "formats/file.h"

namespace stator::formats {

struct TfRecordOptions {
  int64_t max_record_bytes = int64_t{1} << 30;
  // A file that is still being written may end in the middle of a record, which then does not
  // count.
  bool allow_short_tail = false;
  // A compressed file is unpacked into a temporary one of at most so many bytes, so that its records
  // can be read in any order.
  int64_t max_unpacked_bytes = int64_t{1} << 40;
};

// Reads records in any order. Any thread may read.
class TfRecordFile {
 public:
  // Finds where each record begins, which reads the lengths and verifies their checksums. Errors
  // name the file, the record's number (from 0) and its offset: kDataLoss for damage,
  // kResourceExhausted for a record or an unpacked file that is too long.
  static absl::StatusOr<TfRecordFile> Open(const std::string& path,
                                           const TfRecordOptions& options = {});
  TfRecordFile(TfRecordFile&& other) noexcept;
  TfRecordFile& operator=(TfRecordFile&&) = delete;
  ~TfRecordFile();

  int64_t count() const { return static_cast<int64_t>(offsets_.size()) - 1; }
  // Record `index` (0 … count-1). kDataLoss if its checksum is wrong.
  absl::StatusOr<std::string> Read(int64_t index) const;

  const std::string& path() const { return path_; }

 private:
  TfRecordFile(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}
  absl::Status FindRecords(const TfRecordOptions& options);
  absl::Status Unpack(const TfRecordOptions& options);
  // " record 3 at offset 120".
  std::string Place(int64_t index) const;

  std::string path_;
  int fd_;                        // of the file, or of what it unpacks to
  bool unpacked_ = false;
  std::vector<int64_t> offsets_;  // of each record, and of the end of the last
};

// Writes a file that appears under its name when complete. Not thread-safe.
class TfRecordWriter {
 public:
  static absl::StatusOr<TfRecordWriter> Create(const std::string& path);
  absl::Status Append(absl::string_view record);
  absl::Status Finish() { return file_.Commit(); }

 private:
  explicit TfRecordWriter(AtomicFile file) : file_(std::move(file)) {}
  AtomicFile file_;
};

}  // namespace stator::formats

#endif  // STATOR_FORMATS_TFRECORD_H_
