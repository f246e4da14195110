// A task's, or a tool's, gRPC way to the coordinator.
#ifndef STATOR_DISTRIBUTE_CONTROL_GRPC_CLIENT_H_
#define STATOR_DISTRIBUTE_CONTROL_GRPC_CLIENT_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "distribute/control/coordinator_client.h"
#include "distribute/control/credentials.h"

namespace stator::distribute {

// Does not wait for the coordinator to be there: Member::Join tries until start_timeout.
// FailedPrecondition for plain text to anything but loopback. `chief` is the task that hosts the
// coordinator, whose name its certificate must carry.
absl::StatusOr<std::shared_ptr<CoordinatorClient>> ConnectToCoordinator(
    const std::string& address, const Credentials& credentials, const std::string& chief,
    absl::Duration failure_timeout);

// What runs at `address`: tasks, steps, rates. Answers, or fails, within `timeout`.
absl::StatusOr<control::JobStatus> QueryStatus(const std::string& address,
                                               const Credentials& credentials,
                                               const std::string& job, const std::string& chief,
                                               absl::Duration timeout);

}  // namespace stator::distribute

#endif  // STATOR_DISTRIBUTE_CONTROL_GRPC_CLIENT_H_
