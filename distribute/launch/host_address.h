// Where the tasks of this host listen, by the job's network section.
#ifndef STATOR_DISTRIBUTE_LAUNCH_HOST_ADDRESS_H_
#define STATOR_DISTRIBUTE_LAUNCH_HOST_ADDRESS_H_

#include <string>

#include "absl/status/statusor.h"
#include "proto/job.pb.h"

namespace stator::distribute {

// The first address of the network's interface, or in its CIDR. NotFound lists what there is.
absl::StatusOr<std::string> HostAddress(const Job::Network& network);

// Whether HOST, an address or a name, means this host only.
bool IsLoopback(const std::string& host);

std::string HostName();

}  // namespace stator::distribute

#endif  // STATOR_DISTRIBUTE_LAUNCH_HOST_ADDRESS_H_
