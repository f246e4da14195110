// The Status call of a job's coordinator. Apart, since it links gRPC.
#ifndef STATOR_DISTRIBUTE_LAUNCH_ASK_COORDINATOR_H_
#define STATOR_DISTRIBUTE_LAUNCH_ASK_COORDINATOR_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "proto/control.pb.h"
#include "proto/job.pb.h"

namespace stator::distribute {

// By the credentials for tools in the job's run directory, or in security.directory. Answers, or
// fails, within `timeout`.
absl::StatusOr<control::JobStatus> AskCoordinator(const Job& job, const std::string& address,
                                                  absl::Duration timeout);

}  // namespace stator::distribute

#endif  // STATOR_DISTRIBUTE_LAUNCH_ASK_COORDINATOR_H_
