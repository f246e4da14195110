// What a task says about its failure before it exits, for the launcher's report.
#ifndef STATOR_DISTRIBUTE_LAUNCH_FAILURE_RECORD_H_
#define STATOR_DISTRIBUTE_LAUNCH_FAILURE_RECORD_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace stator::distribute {

struct FailureRecord {
  std::string task;
  int64_t step = -1;    // the step it was in; -1 before the first
  std::string code;     // of the Status: "UNAVAILABLE"
  std::string message;  // of the Status
  // The task that is to blame, as the coordinator or a data socket named it: this one if the error
  // is its own, "" if nobody is known.
  std::string blames;
  double unix_seconds = 0;  // when; set by WriteFailureRecord if 0
};

// Under RunDirectory(run_directory).FailureFile(epoch, record.task).
absl::Status WriteFailureRecord(const std::string& run_directory, uint64_t epoch,
                                FailureRecord record);
// NotFound if the task wrote none.
absl::StatusOr<FailureRecord> ReadFailureRecord(const std::string& run_directory, uint64_t epoch,
                                                const std::string& task);

}  // namespace stator::distribute

#endif  // STATOR_DISTRIBUTE_LAUNCH_FAILURE_RECORD_H_
