#ifndef STATOR_DISTRIBUTE_WORKER_DATA_PLANE_H_
#define STATOR_DISTRIBUTE_WORKER_DATA_PLANE_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "distribute/collectives/group.h"
#include "distribute/collectives/handshake.h"
#include "distribute/collectives/mesh.h"
#include "runtime/core/run_control.h"

namespace stator::distribute {

// The ports on which TCP sockets may listen; those after `first` + `start` are tried first.
struct DataPorts {
  int first = 0;  // 0: any free port
  int last = 0;
  int start = 0;
};

// Where the data sockets of one task's replicas listen: each on a local socket for replicas of the
// same host, whose bytes go through shared memory, and on TCP for others.
class DataListeners {
 public:
  // `host`: numeric address or name on which TCP sockets listen. Without `local`, replicas on this
  // host are spoken to by TCP too.
  static absl::StatusOr<DataListeners> Create(const std::string& host, int replicas, bool local,
                                              const DataPorts& ports = {});

  // What the control channel tells the others, one for each replica.
  const std::vector<std::string>& addresses() const { return addresses_; }

  // The group of all replicas of the job, from replica `index` of this task, whose rank is `rank`.
  // `addresses` by rank. Blocks until all replicas are there; then nothing listens for this replica
  // any more. With `tls`, TCP is encrypted.
  absl::StatusOr<std::unique_ptr<Group>> Connect(const Generation& generation, int index, int rank,
                                                 const std::vector<std::string>& names,
                                                 const std::vector<std::string>& addresses,
                                                 int64_t spin_ns,
                                                 const runtime::RunControl& control,
                                                 std::optional<MeshTls> tls = {});

 private:
  std::vector<std::vector<std::unique_ptr<Listener>>> listeners_;  // by replica
  std::vector<std::string> addresses_;
};

// Which replicas can share memory: equal for processes of one host and network namespace.
std::string HostIdentity();

}  // namespace stator::distribute

#endif  // STATOR_DISTRIBUTE_WORKER_DATA_PLANE_H_
