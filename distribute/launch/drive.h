// Drives a job from its first generation to its end, in its run directory.
#ifndef STATOR_DISTRIBUTE_LAUNCH_DRIVE_H_
#define STATOR_DISTRIBUTE_LAUNCH_DRIVE_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "distribute/launch/plan.h"
#include "distribute/launch/run_directory.h"
#include "proto/job.pb.h"

namespace stator::distribute {

// Where this process runs, for a job of which it becomes the launcher.
absl::StatusOr<LaunchSite> ThisSite(const Job& job, Driver driver);

// Where tasks speak over more than loopback and the job names no certificates: names those in the
// run directory. False, and nothing changed, where none are needed or the job names some.
bool NameCertificates(Job* job, const RunDirectory& directory);

// Where tasks speak over more than loopback and the job names no certificates: makes them in the
// run directory, once, or waits until another task has (`make` is for one task), and names them in
// `job`.
absl::Status PrepareSecurity(Job* job, const RunDirectory& directory, bool make);

// The exit code (control/restart_policy.h). An error, before anything was started, if the run
// directory is in use or cannot be written.
absl::StatusOr<int> DriveJob(Job job, Driver driver, const std::string& reason);

// What DriveJob would start first.
absl::StatusOr<std::string> DryRun(Job job, Driver driver, const std::string& reason, bool json);

}  // namespace stator::distribute

#endif  // STATOR_DISTRIBUTE_LAUNCH_DRIVE_H_
