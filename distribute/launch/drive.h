// Drives a job from its first generation to its end, in its run directory.
#ifndef STATOR_DISTRIBUTE_LAUNCH_DRIVE_H_
#define STATOR_DISTRIBUTE_LAUNCH_DRIVE_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "distribute/launch/plan.h"
#include "proto/job.pb.h"

namespace stator::distribute {

// Where this process runs, for a job of which it becomes the launcher.
absl::StatusOr<LaunchSite> ThisSite(const Job& job, Driver driver);

// The exit code (control/restart_policy.h). An error, before anything was started, if the run
// directory is in use or cannot be written.
absl::StatusOr<int> DriveJob(Job job, Driver driver, const std::string& reason);

// What DriveJob would start first.
absl::StatusOr<std::string> DryRun(const Job& job, Driver driver, const std::string& reason,
                                   bool json);

}  // namespace stator::distribute

#endif  // STATOR_DISTRIBUTE_LAUNCH_DRIVE_H_
