#ifndef STATOR_DISTRIBUTE_CHECKPOINT_RECORDING_DISK_H_
#define STATOR_DISTRIBUTE_CHECKPOINT_RECORDING_DISK_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <vector>

#include "distribute/checkpoint/disk.h"

namespace stator::distribute {

// What may be left of a directory after the power failed. A crash keeps what was flushed; of what
// was not, any part.
enum class CrashKind {
  kEverything,  // the system had written all of it by itself
  kFlushed,     // only what was flushed: names by SyncDirectory, bytes by Sync
  kNamesFirst,  // every name, but only flushed bytes
  kBytesFirst,  // every byte, but only flushed names
  kSomeOfBoth,  // chosen at random
};

// Does what it is told in a real directory and records it, so that a test can build what a crash
// after any recorded operation may leave. Can fail, once, instead of doing something. Thread-safe.
class RecordingDisk : public Disk {
 public:
  explicit RecordingDisk(std::string root) : root_(std::move(root)) {}

  size_t operations() const;
  // The operation of this number (from 0) fails with kResourceExhausted.
  void FailAt(size_t operation);
  // For showing that the test would notice: flushes are recorded as having done nothing.
  void ForgetFlushes() { forget_flushes_ = true; }

  // Makes `directory` what may be left of the root after the first `operations` of them.
  void BuildCrashState(size_t operations, CrashKind kind, uint64_t seed,
                       const std::string& directory) const;

  absl::Status CreateDirectories(const std::string& path) override;
  absl::StatusOr<std::unique_ptr<DiskFile>> CreateFile(const std::string& path) override;
  absl::Status Rename(const std::string& from, const std::string& to) override;
  absl::Status SyncDirectory(const std::string& path) override;
  absl::Status Remove(const std::string& path) override;
  absl::StatusOr<std::vector<std::string>> List(const std::string& path) override;
  bool Exists(const std::string& path) override;
  absl::Status Read(const std::string& path,
                    const std::function<absl::Status(absl::string_view)>& visit) override;
  absl::StatusOr<std::unique_ptr<DiskLock>> Lock(const std::string& path,
                                                 absl::Duration timeout) override;

 private:
  friend class RecordingFile;
  enum class Kind { kMakeDirectory, kCreate, kAppend, kSync, kRename, kSyncDirectory, kRemove };
  struct Operation {
    Kind kind;
    std::string path;  // below the root
    std::string text;  // kRename: the new path; kAppend: the bytes
    int file = -1;     // kCreate, kAppend, kSync: which file, whatever its name is now
  };
  struct Node;
  using NodeRef = std::shared_ptr<Node>;

  absl::Status Record(Operation operation);
  std::string Below(const std::string& path) const;
  static void Apply(const Operation& operation, const NodeRef& root, std::map<int, NodeRef>* files);
  static void Write(const Node& node, CrashKind kind, std::mt19937_64* random,
                    const std::string& path);

  std::string root_;
  bool forget_flushes_ = false;
  mutable std::mutex mutex_;
  std::vector<Operation> operations_;
  size_t fail_at_ = SIZE_MAX;
  int next_file_ = 0;
};

}  // namespace stator::distribute

#endif  // STATOR_DISTRIBUTE_CHECKPOINT_RECORDING_DISK_H_
