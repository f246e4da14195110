// The job that a command's flags name.
#ifndef STATOR_TOOLS_STATOR_JOB_FLAGS_H_
#define STATOR_TOOLS_STATOR_JOB_FLAGS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "distribute/job/job_file.h"
#include "tools/stator/usage.h"

namespace stator::tools {

inline constexpr int kMostWorkers = 1 << 20;

struct JobFlags {
  std::string job_file;
  std::vector<std::string> sets;
  int workers = 0;  // 0 = the job's
};

// A file that is wrong, or is not there, is a mistake in how the command was called.
inline absl::StatusOr<Job> ReadJob(const JobFlags& flags, bool check_files) {
  distribute::JobOverrides overrides;
  overrides.sets = flags.sets;
  if (flags.workers > 0) overrides.sets.push_back(absl::StrCat("roles.worker=", flags.workers));
  overrides.check_files = check_files;
  absl::StatusOr<Job> job = distribute::ReadJob(flags.job_file, overrides);
  if (!job.ok()) return UsageError(job.status().message());
  return job;
}

}  // namespace stator::tools

#endif  // STATOR_TOOLS_STATOR_JOB_FLAGS_H_
