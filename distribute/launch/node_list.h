#ifndef STATOR_DISTRIBUTE_LAUNCH_NODE_LIST_H_
#define STATOR_DISTRIBUTE_LAUNCH_NODE_LIST_H_

// Slurm's short forms of lists.

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace stator::distribute {

// "n[1-3,07],gpu" as n1, n2, n3, n07, gpu. At most 65536 hosts.
absl::StatusOr<std::vector<std::string>> ExpandNodeList(const std::string& text);

// "2(x3),1" as 2, 2, 2, 1. At most 65536 nodes.
absl::StatusOr<std::vector<int>> ExpandTasksPerNode(const std::string& text);

}  // namespace stator::distribute

#endif  // STATOR_DISTRIBUTE_LAUNCH_NODE_LIST_H_
