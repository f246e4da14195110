// Progress of a running job, as the chief writes it to its run directory and `stator status` shows.
#ifndef STATOR_DISTRIBUTE_LAUNCH_JOB_STATUS_H_
#define STATOR_DISTRIBUTE_LAUNCH_JOB_STATUS_H_

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace stator::distribute {

struct TaskProgress {
  std::string task;
  std::string phase;  // "starting", "training", "saving", ...
  int64_t step = 0;
  double steps_per_second = 0;
  double silent_seconds = 0;  // since its last heartbeat
};

struct JobStatus {
  std::string job;
  uint64_t epoch = 0;
  int64_t step = 0;
  int64_t total_steps = 0;  // 0 = not known
  double steps_per_second = 0;
  double loss = std::numeric_limits<double>::quiet_NaN();  // NaN = none yet
  int64_t checkpoint_step = -1;                            // of the last complete one; -1 = none
  std::vector<TaskProgress> tasks;
  double unix_seconds = 0;  // when it was written; set by WriteJobStatus if 0
};

// Replaces RunDirectory(run_directory).status_file() in one step. Not flushed to the disk: a status
// lost in a power cut is no loss. Aborted, and nothing changed, if there is one of a newer epoch.
absl::Status WriteJobStatus(const std::string& run_directory, JobStatus status);
// NotFound before the first.
absl::StatusOr<JobStatus> ReadJobStatus(const std::string& run_directory);

// "step 120/469  35.2 steps/s  loss 0.3120  checkpoint 100".
std::string ProgressLine(const JobStatus& status);
std::string JobStatusJson(const JobStatus& status);

}  // namespace stator::distribute

#endif  // STATOR_DISTRIBUTE_LAUNCH_JOB_STATUS_H_
