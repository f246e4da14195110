// The coordinator's gRPC end, in the chief's process.
#ifndef STATOR_DISTRIBUTE_CONTROL_GRPC_SERVER_H_
#define STATOR_DISTRIBUTE_CONTROL_GRPC_SERVER_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "distribute/control/coordinator.h"
#include "distribute/control/coordinator_client.h"
#include "distribute/control/coordinator_host.h"
#include "distribute/control/credentials.h"

namespace stator::distribute {

struct CoordinatorServerOptions {
  CoordinatorOptions coordinator;  // an empty key is drawn
  std::string address;             // HOST:PORT; port 0 takes any free one
  Credentials credentials;
  std::function<void(const std::string&)> log;  // lines about silent tasks and drains; may be null
  CompileService compile;  // what tasks ask to have compiled; null where none do
};

// Thread-safe. Whoever cannot prove to be a task of the job gets UNAUTHENTICATED for whatever it
// asks; a task can speak for itself only.
class CoordinatorServer {
 public:
  // FailedPrecondition for plain text on anything but loopback.
  static absl::StatusOr<std::unique_ptr<CoordinatorServer>> Start(CoordinatorServerOptions options);
  // Shutdown without a wait.
  virtual ~CoordinatorServer() = default;

  virtual const std::string& address() const = 0;  // port filled in
  // For the chief's own member; needs no socket.
  virtual std::shared_ptr<CoordinatorClient> Connect() = 0;
  virtual control::JobStatus Status() const = 0;
  // Waits up to `grace` for members to hear the last word and go, then closes. Call it after the
  // chief's own member has left or failed, and is destroyed.
  virtual void Shutdown(absl::Duration grace) = 0;
};

}  // namespace stator::distribute

#endif  // STATOR_DISTRIBUTE_CONTROL_GRPC_SERVER_H_
