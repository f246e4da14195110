// Opens the data sockets of a generation.
#ifndef STATOR_DISTRIBUTE_COLLECTIVES_MESH_H_
#define STATOR_DISTRIBUTE_COLLECTIVES_MESH_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "distribute/collectives/channel.h"
#include "distribute/collectives/file_descriptor.h"
#include "distribute/collectives/handshake.h"
#include "distribute/collectives/shared_segment.h"
#include "distribute/collectives/tls.h"
#include "runtime/core/run_control.h"

namespace stator::distribute {

// A socket that waits for peers. Addresses are
//   tcp:HOST:PORT   numeric or a name; [::1] for IPv6; port 0 takes any free one
//   unix:NAME       peers on this host and network namespace; bytes go through shared memory; an
//                   abstract name, nothing on the disk; none (unix:) draws one that nobody guesses
class Listener {
 public:
  static absl::StatusOr<std::unique_ptr<Listener>> Create(const std::string& address);

  // Where it listens, port or name filled in: what the control channel tells the peers.
  const std::string& address() const { return address_; }
  int fd() const { return socket_.get(); }
  bool is_local() const { return local_; }

 private:
  Listener(FileDescriptor socket, std::string address, bool local)
      : socket_(std::move(socket)), address_(std::move(address)), local_(local) {}

  FileDescriptor socket_;
  std::string address_;
  bool local_;
};

// With it all TCP is encrypted, and each end shows a certificate; sockets of one host stay plain.
struct MeshTls {
  TlsIdentity identity;
  std::vector<std::string> hosts;  // by rank: the name that its certificate is for
};

struct MeshOptions {
  Generation generation;
  int rank = 0;
  std::vector<std::string> tasks;      // names by rank
  std::vector<std::string> addresses;  // by rank: where each listens for this task
  size_t queue_bytes = SharedSegment::kDefaultCapacity;
  std::optional<MeshTls> tls;
};

// A channel to every other task, by rank, null at the own one. This task connects to all lower
// ranks, then accepts the higher ones on `listeners` (a task on several hosts' behalf may have one
// of each kind). Blocks until all are there, `control` stops it (the error names who is missing),
// or a peer refuses. Strangers get an error and cost one descriptor for at most two seconds; of
// more than 64 at a time the oldest is closed, and a peer that was taken for one tries again. A
// local socket hears processes of the same user only. Who knows the generation's key, but has no
// certificate for its name or speaks no TLS where this task does, fails the call at both ends:
// PermissionDenied or FailedPrecondition.
absl::StatusOr<std::vector<std::unique_ptr<Channel>>> ConnectMesh(
    const MeshOptions& options, const std::vector<const Listener*>& listeners,
    const runtime::RunControl& control);

}  // namespace stator::distribute

#endif  // STATOR_DISTRIBUTE_COLLECTIVES_MESH_H_
