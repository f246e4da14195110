#ifndef STATOR_DISTRIBUTE_LAUNCH_TASK_COMMAND_H_
#define STATOR_DISTRIBUTE_LAUNCH_TASK_COMMAND_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "proto/job.pb.h"

namespace stator::distribute {

// What each task of a job runs: its program with its arguments; for a graph `stator train`, this
// program or the `stator` beside it. NotFound where there is none.
absl::StatusOr<std::vector<std::string>> TaskCommand(const Job& job);

}  // namespace stator::distribute

#endif  // STATOR_DISTRIBUTE_LAUNCH_TASK_COMMAND_H_
