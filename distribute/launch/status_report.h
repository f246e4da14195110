// What `stator status` shows of a job, from its run directory.
#ifndef STATOR_DISTRIBUTE_LAUNCH_STATUS_REPORT_H_
#define STATOR_DISTRIBUTE_LAUNCH_STATUS_REPORT_H_

#include <string>

#include "absl/status/statusor.h"

namespace stator::distribute {

// A table, or a JSON object. NotFound if the job was never launched there.
absl::StatusOr<std::string> DescribeStatus(const std::string& run_directory, bool json);

}  // namespace stator::distribute

#endif  // STATOR_DISTRIBUTE_LAUNCH_STATUS_REPORT_H_
