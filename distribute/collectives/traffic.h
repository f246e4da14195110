// What an exchange has moved, for whoever watches its connections from another thread: a
// connection that stays open but delivers nothing shows only in what both of its ends count.
#ifndef STATOR_DISTRIBUTE_COLLECTIVES_TRAFFIC_H_
#define STATOR_DISTRIBUTE_COLLECTIVES_TRAFFIC_H_

#include <atomic>
#include <cstdint>
#include <vector>

namespace stator::distribute {

// The exchange alone writes it. Bytes of messages, without what a transport adds to them, so both
// ends count alike over every transport.
struct PeerTraffic {
  // Of messages that it has begun to send, whole: a socket that takes no more counts too.
  std::atomic<uint64_t> sent{0};
  std::atomic<uint64_t> received{0};
  // A wait is under way, and it needs more from this peer.
  std::atomic<bool> waiting{false};
};

using Traffic = std::vector<PeerTraffic>;  // by channel

}  // namespace stator::distribute

#endif  // STATOR_DISTRIBUTE_COLLECTIVES_TRAFFIC_H_
