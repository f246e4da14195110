// What `stator status` shows of a job: what its coordinator answers, or else what its run directory
// keeps.
#ifndef STATOR_DISTRIBUTE_LAUNCH_STATUS_REPORT_H_
#define STATOR_DISTRIBUTE_LAUNCH_STATUS_REPORT_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "distribute/launch/job_status.h"
#include "proto/control.pb.h"

namespace stator::distribute {

struct StatusQuery {
  std::string run_directory;
  int tasks = 1;            // of the job
  int64_t total_steps = 0;  // where the run directory does not know; 0 = unknown
  // Asks the coordinator at an address.
  std::function<absl::StatusOr<control::JobStatus>(const std::string& address)> ask;
};

struct StatusReport {
  // starting, running, draining, restarting; done, drained, interrupted, failed, lost (its launcher
  // or its tasks are gone without a word).
  std::string state;
  uint64_t epoch = 0;
  std::string cause;        // of the failure, if it failed
  int exit_code = -1;       // of the launcher, if it has ended
  std::string launcher;     // "" where a platform starts the tasks
  std::string coordinator;  // its address, if known
  std::string unanswered;   // why it was not the source, if it should have been
  bool live = false;        // `progress` is the coordinator's answer, not the file
  double age_seconds = 0;   // of `progress`
  std::optional<JobStatus> progress;
  std::vector<std::pair<std::string, std::string>> ends;  // how each task ended, after the end
};

// NotFound if the job was never launched there.
absl::StatusOr<StatusReport> ExamineStatus(const StatusQuery& query);

// A table, or a JSON object.
std::string DescribeStatus(const StatusReport& report, bool json);

}  // namespace stator::distribute

#endif  // STATOR_DISTRIBUTE_LAUNCH_STATUS_REPORT_H_
