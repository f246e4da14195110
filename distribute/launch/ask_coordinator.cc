#include "distribute/launch/ask_coordinator.h"

#include "distribute/control/credentials.h"
#include "distribute/control/grpc_client.h"
#include "distribute/launch/run_directory.h"
#include "graph/status_macros.h"

namespace stator::distribute {
namespace {

absl::StatusOr<Credentials> ToolCredentials(const Job& job) {
  if (!job.security().directory().empty()) {
    return ReadCertificates(job.security().directory(), kToolTask);
  }
  return ReadSecret(RunDirectory(job.run_directory()).secret_file());
}

}  // namespace

absl::StatusOr<control::JobStatus> AskCoordinator(const Job& job, const std::string& address,
                                                  absl::Duration timeout) {
  STATOR_ASSIGN_OR_RETURN(const Credentials credentials, ToolCredentials(job));
  return QueryStatus(address, credentials, job.name(), "worker:0", timeout);
}

}  // namespace stator::distribute
