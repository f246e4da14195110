#ifndef STATOR_DISTRIBUTE_CHECKPOINT_CHECKPOINT_WRITER_H_
#define STATOR_DISTRIBUTE_CHECKPOINT_CHECKPOINT_WRITER_H_

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "distribute/checkpoint/disk.h"
#include "distribute/checkpoint/manifest.h"
#include "distribute/checkpoint/snapshot.h"

namespace stator::distribute {

struct CheckpointWriterOptions {
  std::string folder;
  uint64_t epoch = 1;  // the generation; positive
  // A new training: checkpoints of earlier epochs no longer count. They stay until `keep` newer
  // ones push them out.
  bool fresh = false;
  int keep = 3;             // newest ones
  std::string metric_name;  // the best by it is kept besides; empty: not
  bool higher_is_better = false;
  int virtual_replicas = 1;
  std::string job;
  // The lock is held for some milliseconds. A new generation waits so long for it, then breaks it:
  // a process that was stopped in the middle has it.
  absl::Duration lock_timeout = absl::Seconds(5);
  Disk* disk = nullptr;  // null: RealDisk(); outlives the writer
};

struct SaveRequest {
  int64_t step = 0;  // completed steps
  Snapshot snapshot;
  absl::optional<double> metric;
  std::string data_position;  // of the input pipeline, small
};

// Saves checkpoints in a thread of its own while training goes on. One per job: the chief has it.
// Thread-safe.
//
// A checkpoint has its name only when all of it is on the disk, the manifest last; the pointer file
// moves after that. After a crash at any moment the newest complete checkpoint is found. A writer
// whose epoch is no longer the folder's newest (its process was paused while the job went on
// without it) changes nothing: kAborted, now and ever after.
class CheckpointWriter {
 public:
  // Makes the folder if there is none, claims it for the epoch and removes what crashed writers
  // left. kAborted if a newer generation has claimed it.
  static absl::StatusOr<std::unique_ptr<CheckpointWriter>> Open(CheckpointWriterOptions options);
  // Abandons what has not been saved: call Wait first.
  ~CheckpointWriter();

  // Queues a checkpoint and returns. While one is being written another may wait; a third call
  // blocks until there is room. Returns, instead of queueing, why an earlier one failed, once.
  // A step that is saved already is not saved again.
  absl::Status Save(SaveRequest request);

  // Waits until everything queued is on the disk, and says, once, what failed.
  absl::Status Wait();

  // The newest one that is complete; -1 if none is, of this epoch.
  int64_t last_saved_step() const;

 private:
  class Files;
  struct Kept {
    CheckpointPlace place;
    absl::optional<double> metric;
  };

  explicit CheckpointWriter(CheckpointWriterOptions options) : options_(std::move(options)) {}

  absl::Status Claim();
  // kAborted unless this epoch is the folder's newest. The caller holds the lock.
  absl::Status CheckEpoch();
  absl::StatusOr<std::unique_ptr<DiskLock>> LockFolder();
  void RunThread();
  absl::Status Write(const SaveRequest& request);
  absl::Status WriteFiles(const SaveRequest& request, const std::string& directory);
  absl::Status Publish(const SaveRequest& request, const std::string& temporary,
                       const CheckpointPlace& place);
  // Splits kept_ into what stays, in order, and what goes.
  std::vector<Kept> TakeSurplus();
  void RemoveLeftovers();
  std::string PathOf(const std::string& name) const;

  CheckpointWriterOptions options_;
  Disk* disk_ = nullptr;
  std::vector<Kept> kept_;  // oldest first; the thread's, once it runs

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  absl::optional<SaveRequest> pending_;
  bool writing_ = false;
  bool stop_ = false;
  absl::Status failure_;     // not yet told
  bool superseded_ = false;  // failure_ is told again and again
  int64_t last_saved_step_ = -1;
  std::thread thread_;
};

}  // namespace stator::distribute

#endif  // STATOR_DISTRIBUTE_CHECKPOINT_CHECKPOINT_WRITER_H_
