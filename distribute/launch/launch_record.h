// What a run directory says about the launch itself: who drives it, how it stands, where its
// coordinator listens. For `stator status`; nothing else depends on it.
#ifndef STATOR_DISTRIBUTE_LAUNCH_LAUNCH_RECORD_H_
#define STATOR_DISTRIBUTE_LAUNCH_LAUNCH_RECORD_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace stator::distribute {

// launch.json, by the launcher that drives the job.
struct LaunchRecord {
  std::string job;
  std::string state;  // running, restarting; done, drained, interrupted, failed
  uint64_t epoch = 0;
  std::string cause;   // of the last failure, if the state is failed or restarting
  int exit_code = -1;  // of the launcher; -1 while it lives
  int64_t pid = 0;
  std::string host;
  std::string engine;
};

absl::Status WriteLaunchRecord(const std::string& run_directory, const LaunchRecord& record);
// NotFound where no launcher has driven a job.
absl::StatusOr<LaunchRecord> ReadLaunchRecord(const std::string& run_directory);

// coordinator.json, by the launcher, or by each task's where a platform starts them.
struct CoordinatorRecord {
  std::string address;  // HOST:PORT
  uint64_t epoch = 0;
};

// Nothing changes where there is one of a newer epoch.
absl::Status WriteCoordinatorRecord(const std::string& run_directory,
                                    const CoordinatorRecord& record);
absl::StatusOr<CoordinatorRecord> ReadCoordinatorRecord(const std::string& run_directory);

}  // namespace stator::distribute

#endif  // STATOR_DISTRIBUTE_LAUNCH_LAUNCH_RECORD_H_
