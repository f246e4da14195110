// One report for a failed generation: the root cause first, what followed from it in one line.
#ifndef STATOR_DISTRIBUTE_LAUNCH_FAILURE_REPORT_H_
#define STATOR_DISTRIBUTE_LAUNCH_FAILURE_REPORT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "distribute/launch/failure_record.h"
#include "distribute/launch/process.h"

namespace stator::distribute {

// How one task ended.
struct TaskOutcome {
  std::string task;
  ExitStatus status;
  absl::Time ended_at;
  // The launcher had told it to stop: its end says nothing.
  bool stopped = false;
  std::optional<FailureRecord> record;
  std::vector<std::string> last_lines;
  std::string log_file;
};

struct FailureReport {
  std::string task;   // the root cause's
  std::string cause;  // one line
  std::string text;   // the whole report, lines ended
  int64_t step = -1;  // the step it happened in, if known
  int exit_code = 1;  // the root cause's, 128 + signal; kExitRetryable where only others saw it
};

// Root cause, in this order: the first task that ended by itself otherwise than "a peer died"; the
// task that the first record blames; the first that ended. `outcomes` holds at least one task that
// failed.
FailureReport ReportFailure(const std::string& job, uint64_t epoch,
                            std::vector<TaskOutcome> outcomes);

// For tasks that another launcher started: WriteTaskOutcome there, ReadTaskOutcome here, through
// the run directory. Last lines are taken from the log file.
absl::Status WriteTaskOutcome(const std::string& run_directory, uint64_t epoch,
                              const TaskOutcome& outcome);
absl::StatusOr<TaskOutcome> ReadTaskOutcome(const std::string& run_directory, uint64_t epoch,
                                            const std::string& task);

}  // namespace stator::distribute

#endif  // STATOR_DISTRIBUTE_LAUNCH_FAILURE_REPORT_H_
