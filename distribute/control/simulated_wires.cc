#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "distribute/control/simulated_world.h"

namespace stator::distribute {
namespace {

constexpr uint64_t kShareBytes = 1000;
// From swallowed bytes until all have learnt of the end, beside the failure timeout: the receiver
// comes to wait, both ends say so, the coordinator looks, its word travels.
constexpr absl::Duration kNoticeLimit = absl::Milliseconds(1500);

}  // namespace

void SimulatedWorld::SendShare(Process& process) {
  ++process.sums;
  for (int to = 0; to < kTasks; ++to) {
    if (to == process.rank) continue;
    WireOf(process.generation, process.rank, to).sent += kShareBytes;
    Carry(process.generation, process.rank, to);
  }
}

void SimulatedWorld::Carry(int generation, int from, int to) {
  Wire& wire = WireOf(generation, from, to);
  if (wire.moving || wire.arrived == wire.sent) return;
  wire.moving = true;
  const bool slow = wire.slow_pieces > 0;
  const absl::Duration delay = slow ? Between(absl::Seconds(2), absl::Seconds(8))
                                    : Between(absl::Microseconds(50), absl::Milliseconds(2));
  const uint64_t piece = slow ? kShareBytes / 5 : kShareBytes;
  At(Now() + delay, [this, generation, from, to, piece] {
    Wire& wire = WireOf(generation, from, to);
    wire.moving = false;
    if (wire.swallows) {
      if (!std::exchange(wire.swallowed, true)) ExpectEndOf(generation, from, to);
      return;
    }
    wire.arrived = std::min(wire.sent, wire.arrived + piece);
    wire.slow_pieces = std::max(0, wire.slow_pieces - 1);
    for (const auto& process : processes_) {
      if (process->generation != generation || process->rank != to) continue;
      Post(process->id, Now(),
           [from, arrived = wire.arrived](Process& process) { process.received[from] = arrived; });
    }
    Carry(generation, from, to);
  });
}

bool SimulatedWorld::HasAllShares(const Process& process) const {
  for (int from = 0; from < kTasks; ++from) {
    if (from != process.rank && process.received[from] < process.sums * kShareBytes) return false;
  }
  return true;
}

void SimulatedWorld::AddTraffic(const Process& process, control::BeatRequest& beat) {
  for (int peer = 0; peer < kTasks; ++peer) {
    if (peer == process.rank) continue;
    control::Traffic& traffic = *beat.add_traffic();
    traffic.set_replica(static_cast<uint32_t>(process.rank));
    traffic.set_peer(static_cast<uint32_t>(peer));
    traffic.set_sent(WireOf(process.generation, process.rank, peer).sent);
    traffic.set_received(process.received[peer]);
    traffic.set_waiting(process.at == Process::At::kCollective && !process.failing &&
                        process.received[peer] < process.sums * kShareBytes);
  }
}

// Bytes are lost, and their receiver will wait for them.
void SimulatedWorld::ExpectEndOf(int generation, int from, int to) {
  At(Now() + kFailureTimeout + kNoticeLimit, [this, generation, from, to] {
    if (generation != generation_) return;
    for (const auto& process : processes_) {
      if (process->generation != generation || !process->alive || process->member->over() ||
          process->at == Process::At::kLeave) {
        continue;
      }
      Violate(absl::StrCat(TaskName(process->rank), " has not learnt that ", TaskName(from), " -> ",
                           TaskName(to), " delivers nothing"));
    }
  });
}

void SimulatedWorld::PeerLost(int id) {
  Post(id, Now() + Between(absl::Microseconds(100), absl::Milliseconds(5)),
       [this](Process& process) {
         if (process.at != Process::At::kCollective || process.member->over()) return;
         if (HasAllShares(process)) return;
         Fail(process, absl::UnavailableError("a data socket closed"));
       });
}

}  // namespace stator::distribute
