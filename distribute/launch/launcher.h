// `stator launch`: drives a job, or joins it as one task of a running platform.
#ifndef STATOR_DISTRIBUTE_LAUNCH_LAUNCHER_H_
#define STATOR_DISTRIBUTE_LAUNCH_LAUNCHER_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace stator::distribute {

struct LaunchFlags {
  std::string job_file;
  std::string engine;  // "" = the job's, or found out
  int workers = 0;     // 0 = the job's
  std::vector<std::string> sets;
  std::vector<std::string> program_args;
  std::string emit;  // "", "jobset" or "sbatch"
  bool dry_run = false;
  bool json = false;
};

// The exit code (control/restart_policy.h). InvalidArgument for flags and jobs that are wrong. Takes SIGINT,
// SIGTERM and SIGUSR1 while it runs.
absl::StatusOr<int> Launch(const LaunchFlags& flags);

}  // namespace stator::distribute

#endif  // STATOR_DISTRIBUTE_LAUNCH_LAUNCHER_H_
