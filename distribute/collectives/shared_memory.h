// Channels through shared memory: between processes of one host, and inside one process.
#ifndef STATOR_DISTRIBUTE_COLLECTIVES_SHARED_MEMORY_H_
#define STATOR_DISTRIBUTE_COLLECTIVES_SHARED_MEMORY_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "distribute/collectives/channel.h"
#include "distribute/collectives/file_descriptor.h"
#include "distribute/collectives/shared_arena.h"
#include "distribute/collectives/shared_segment.h"

namespace stator::distribute {

// One end. The bytes go through `segment`; `socket` (a connected Unix stream socket) only wakes a
// peer that sleeps, carries the descriptor of `memory` (may be null: nothing else is shared) to it,
// and closes when a process dies. `side` is 0 at one end and 1 at the other.
std::unique_ptr<Channel> SharedMemoryChannel(std::shared_ptr<SharedSegment> segment, int side,
                                             FileDescriptor socket, std::string peer,
                                             std::shared_ptr<SharedArena> memory = nullptr);

// All channels among `tasks` (their names) inside this process: element [a][b] is a's channel to b,
// null where a is b. The tasks may live on different threads; each has shared memory.
absl::StatusOr<std::vector<std::vector<std::unique_ptr<Channel>>>> InProcessMesh(
    const std::vector<std::string>& tasks, size_t queue_bytes = SharedSegment::kDefaultCapacity);

}  // namespace stator::distribute

#endif  // STATOR_DISTRIBUTE_COLLECTIVES_SHARED_MEMORY_H_
