#ifndef STATOR_FORMATS_FILE_H_
#define STATOR_FORMATS_FILE_H_

// Files written so that a crash at any moment leaves the old content or the new, never a mixture:
// written aside, flushed to the disk, renamed, and the folder flushed as well.

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace stator::formats {

// The Status of the system call that just failed: "<what> <path>: <reason>". A missing file is
// kNotFound, missing rights kPermissionDenied, a full disk kResourceExhausted.
absl::Status ErrnoStatus(absl::string_view what, const std::string& path);

// Reads a whole file of at most `max_bytes`.
absl::StatusOr<std::string> ReadFile(const std::string& path, int64_t max_bytes);

// Replaces `path` by `bytes`, durably. Returns only after the disk has it.
absl::Status WriteFileAtomically(const std::string& path, absl::string_view bytes);

// A file that appears under its name only when Commit succeeds; until then its bytes lie beside it,
// under that name with `.tmp-` and numbers appended. Not thread-safe.
class AtomicFile {
 public:
  static absl::StatusOr<AtomicFile> Create(const std::string& path);
  AtomicFile(AtomicFile&& other) noexcept;
  AtomicFile& operator=(AtomicFile&&) = delete;
  ~AtomicFile();  // removes what was not committed

  absl::Status Append(absl::string_view bytes);
  // Flushes the bytes to the disk. Commit does so itself; apart, for an order over several files.
  absl::Status Sync();
  // Sync, rename to the final name, flush the folder.
  absl::Status Commit();

  const std::string& path() const { return path_; }

 private:
  AtomicFile(std::string path, std::string temporary, int fd);
  absl::Status Flush();

  std::string path_;
  std::string temporary_;
  std::string buffer_;
  int fd_ = -1;
};

}  // namespace stator::formats

#endif  // STATOR_FORMATS_FILE_H_
