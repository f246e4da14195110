// The seam between a member and the coordinator's transport: gRPC, or calls within the process.
#ifndef STATOR_DISTRIBUTE_CONTROL_COORDINATOR_CLIENT_H_
#define STATOR_DISTRIBUTE_CONTROL_COORDINATOR_CLIENT_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "proto/control.pb.h"
#include "runtime/core/run_control.h"

namespace stator::distribute {

// What the coordinator says to one member, in order. Thread-safe: one reads, any may cancel.
class EventStream {
 public:
  virtual ~EventStream() = default;
  // Blocks for the next event; false when the stream has ended.
  virtual bool Read(control::Event* event) = 0;
  // After Read returned false: why. OK where the coordinator closed it in good order.
  virtual absl::Status Finish() = 0;
  // Ends it at once from this side; the coordinator sees that the task is gone.
  virtual void Cancel() = 0;
};

// The bytes of an executable image. Shared: many tasks ask for the same.
using ImageBytes = std::shared_ptr<const std::string>;

// Thread-safe. Every call but Compile returns within its timeout. Unavailable, DeadlineExceeded and
// Cancelled are the transport's; all other errors are the coordinator's word.
class CoordinatorClient {
 public:
  virtual ~CoordinatorClient() = default;
  virtual std::unique_ptr<EventStream> Attach(const control::AttachRequest& request) = 0;
  virtual absl::Status Send(const control::Request& request, absl::Duration timeout) = 0;
  // Goes its own way, so that nothing large or slow is before it in a queue.
  virtual absl::StatusOr<control::BeatReply> Beat(const control::BeatRequest& request,
                                                  absl::Duration timeout) = 0;
  // What the chief has compiled; blocks until it has, or `ended` is cancelled. Unauthenticated where
  // whoever answers is not of the job: the caller will run these bytes.
  virtual absl::StatusOr<ImageBytes> Compile(const control::CompileRequest& request,
                                             const runtime::CancellationToken& ended) = 0;
};

}  // namespace stator::distribute

#endif  // STATOR_DISTRIBUTE_CONTROL_COORDINATOR_CLIENT_H_
