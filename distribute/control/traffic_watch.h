// Whether data connections deliver, by what both of their ends count. Pure: see coordinator.h.
#ifndef STATOR_DISTRIBUTE_CONTROL_TRAFFIC_WATCH_H_
#define STATOR_DISTRIBUTE_CONTROL_TRAFFIC_WATCH_H_

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <utility>

#include "absl/time/time.h"
#include "distribute/control/planted_bug.h"

namespace stator::distribute {

// A direction is stuck while its receiver waits for bytes that its sender has begun to send. It is
// dead when it is stuck and nothing arrives for some time: a peer that computes has sent no more
// than was received, one that reads late is not waiting, and on a slow link something arrives.
class TrafficWatch {
 public:
  struct Dead {
    int from = 0;
    int to = 0;
    uint64_t sent = 0;
    uint64_t received = 0;
    absl::Duration nothing_for;
  };

  explicit TrafficWatch(PlantedBug planted_bug = PlantedBug::kNone) : planted_bug_(planted_bug) {}

  // What `replica` counts on its connection to `peer`, both ways; newer than all before.
  void Report(int replica, int peer, uint64_t sent, uint64_t received, bool waiting,
              absl::Time now);

  // For `gap` a replica was not heard, or this watch was not run: maybe bytes did not move for the
  // same reason. TCP tries again after pauses as long as the one that it has seen.
  void Forgive(int replica, absl::Duration gap, absl::Time now);
  void Forgive(absl::Duration gap, absl::Time now);

  // A direction that has been stuck for `timeout`, if `judged` of both of its ends.
  std::optional<Dead> Find(absl::Duration timeout, const std::function<bool(int replica)>& judged,
                           absl::Time now) const;

 private:
  struct Direction {
    uint64_t sent = 0;
    uint64_t received = 0;
    bool waiting = false;
    std::optional<absl::Time> stuck_since;
  };

  void Update(Direction& direction, bool moved, absl::Time now) const;

  PlantedBug planted_bug_;
  std::map<std::pair<int, int>, Direction> directions_;  // by sender and receiver
};

}  // namespace stator::distribute

#endif  // STATOR_DISTRIBUTE_CONTROL_TRAFFIC_WATCH_H_
