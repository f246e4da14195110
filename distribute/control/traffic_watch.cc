#include "distribute/control/traffic_watch.h"

#include <algorithm>

namespace stator::distribute {

void TrafficWatch::Update(Direction& direction, bool moved, absl::Time now) const {
  bool stuck = direction.waiting && direction.sent > direction.received;
  if (planted_bug_ == PlantedBug::kBlameComputing) stuck = direction.waiting;
  if (planted_bug_ == PlantedBug::kBlameSlowLink && stuck) moved = false;
  if (!stuck || moved) direction.stuck_since.reset();
  if (stuck && !direction.stuck_since.has_value()) direction.stuck_since = now;
}

void TrafficWatch::Report(int replica, int peer, uint64_t sent, uint64_t received, bool waiting,
                          absl::Time now) {
  Direction& out = directions_[{replica, peer}];
  out.sent = sent;
  Update(out, /*moved=*/false, now);
  Direction& in = directions_[{peer, replica}];
  const bool moved = in.received != received;
  in.received = received;
  in.waiting = waiting;
  Update(in, moved, now);
}

void TrafficWatch::Forgive(int replica, absl::Duration gap, absl::Time now) {
  for (auto& [ends, direction] : directions_) {
    if (ends.first != replica && ends.second != replica) continue;
    if (direction.stuck_since) direction.stuck_since = std::min(*direction.stuck_since + gap, now);
  }
}

void TrafficWatch::Forgive(absl::Duration gap, absl::Time now) {
  for (auto& [ends, direction] : directions_) {
    if (direction.stuck_since) direction.stuck_since = std::min(*direction.stuck_since + gap, now);
  }
}

std::optional<TrafficWatch::Dead> TrafficWatch::Find(absl::Duration timeout,
                                                     const std::function<bool(int replica)>& judged,
                                                     absl::Time now) const {
  if (planted_bug_ == PlantedBug::kTrustOpenConnection) return std::nullopt;
  for (const auto& [ends, direction] : directions_) {
    if (!direction.stuck_since || now - *direction.stuck_since < timeout) continue;
    if (!judged(ends.first) || !judged(ends.second)) continue;
    return Dead{ends.first, ends.second, direction.sent, direction.received,
                now - *direction.stuck_since};
  }
  return std::nullopt;
}

}  // namespace stator::distribute
