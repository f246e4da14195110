#ifndef STATOR_DISTRIBUTE_CHECKPOINT_DISK_H_
#define STATOR_DISTRIBUTE_CHECKPOINT_DISK_H_

// The few operations on files that checkpoints need, behind an interface, so that a test can record
// them and show what a crash after each one leaves behind.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace stator::distribute {

// A file that is being written. Destroying it closes it, wherever it stands. Not thread-safe.
class DiskFile {
 public:
  virtual ~DiskFile() = default;
  virtual absl::Status Append(absl::string_view bytes) = 0;
  // Returns when the disk holds every byte. The name of a new file needs SyncDirectory besides.
  virtual absl::Status Sync() = 0;
};

// Held until destroyed, until its process dies, or until another process has broken it.
class DiskLock {
 public:
  virtual ~DiskLock() = default;
  // kAborted once it was broken.
  virtual absl::Status Check() const = 0;
};

// Thread-safe. A missing file is kNotFound, missing rights kPermissionDenied, a full disk
// kResourceExhausted; messages name the path.
class Disk {
 public:
  virtual ~Disk() = default;

  // With the directories above it; fine if it exists.
  virtual absl::Status CreateDirectories(const std::string& path) = 0;
  // A new file, or an old one emptied.
  virtual absl::StatusOr<std::unique_ptr<DiskFile>> CreateFile(const std::string& path) = 0;
  // Replaces a file that has the new name.
  virtual absl::Status Rename(const std::string& from, const std::string& to) = 0;
  // Makes the names in a directory durable.
  virtual absl::Status SyncDirectory(const std::string& path) = 0;
  // A file, or a directory with all that is in it; fine if there is none.
  virtual absl::Status Remove(const std::string& path) = 0;

  // The names in a directory, sorted.
  virtual absl::StatusOr<std::vector<std::string>> List(const std::string& path) = 0;
  virtual bool Exists(const std::string& path) = 0;
  // Hands the file's bytes to `visit`, piece by piece.
  virtual absl::Status Read(const std::string& path,
                            const std::function<absl::Status(absl::string_view)>& visit) = 0;

  // Takes the lock that the file `path`, made if missing, stands for: one holder among all
  // processes of all hosts that share the directory. kDeadlineExceeded after `timeout`. Removing
  // the file breaks the lock: its holder, stopped perhaps, learns of it by Check.
  virtual absl::StatusOr<std::unique_ptr<DiskLock>> Lock(const std::string& path,
                                                         absl::Duration timeout) = 0;
};

// The operating system's. Lives as long as the program.
Disk* RealDisk();

// A whole small file. kResourceExhausted above `max_bytes`.
absl::StatusOr<std::string> ReadSmallFile(Disk* disk, const std::string& path,
                                          size_t max_bytes = size_t{1} << 20);

// Replaces `directory`/`name`: after a crash it holds the old bytes or the new. Returns when the
// disk has them. With `lock`, which its caller holds, only if that was not broken meanwhile.
absl::Status ReplaceFile(Disk* disk, const std::string& directory, const std::string& name,
                         absl::string_view bytes, const DiskLock* lock = nullptr);

}  // namespace stator::distribute

#endif  // STATOR_DISTRIBUTE_CHECKPOINT_DISK_H_
