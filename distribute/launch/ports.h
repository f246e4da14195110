// Ports that stay this process's until somebody it has told of them listens there.
#ifndef STATOR_DISTRIBUTE_LAUNCH_PORTS_H_
#define STATOR_DISTRIBUTE_LAUNCH_PORTS_H_

#include <string>

#include "absl/status/statusor.h"
#include "distribute/collectives/file_descriptor.h"

namespace stator::distribute {

struct ReservedPort {
  int port = 0;
  // While it is open, ReservePort gives the port to nobody else in this network namespace. It is no
  // socket of that port: whoever is told of it can listen there.
  FileDescriptor holder;
};

// The first port from `first` + `start` on and around, up to `last`, that nobody has on `host` (an
// address or a name of this host). ResourceExhausted if there is none.
absl::StatusOr<ReservedPort> ReservePort(const std::string& host, int first, int last, int start);

// "host:port", with brackets around an IPv6 address.
std::string HostPort(const std::string& host, int port);

}  // namespace stator::distribute

#endif  // STATOR_DISTRIBUTE_LAUNCH_PORTS_H_
