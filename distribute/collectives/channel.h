// A connection to one other task: bytes in order, both ways, never blocking.
#ifndef STATOR_DISTRIBUTE_COLLECTIVES_CHANNEL_H_
#define STATOR_DISTRIBUTE_COLLECTIVES_CHANNEL_H_

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"

namespace stator::distribute {

class SharedArena;

// What is known of the task at the other end.
enum class PeerState {
  kAlive,
  kDone,     // said that it has finished
  kGaveUp,   // said that its own work failed, and whose fault that was (`culprit`)
  kVanished  // its end closed without a word: it died
};

// Queues are bounded: what does not fit now is not taken. No call blocks; a caller with nothing to
// do sleeps in poll() (`Exchange` does all of this). One thread at a time uses a channel. Bytes
// that arrived before the peer left can still be read; after them, calls fail with Unavailable or
// Aborted.
class Channel {
 public:
  // `peer` is the name in errors, as people write it: "worker 3".
  explicit Channel(std::string peer) : peer_(std::move(peer)) {}
  virtual ~Channel() = default;
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  const std::string& peer() const { return peer_; }
  PeerState state() const { return state_; }
  // The rank that the peer blames; only when it gave up.
  int32_t culprit() const { return culprit_; }

  // Takes as many leading bytes of `parts` as fit and says how many. A call after one that took a
  // part of a message must offer the rest of that message.
  virtual absl::StatusOr<size_t> TrySend(absl::Span<const iovec> parts) = 0;

  // Fills as much of `parts` as has arrived and says how much.
  virtual absl::StatusOr<size_t> TryReceive(absl::Span<const iovec> parts) = 0;

  // Bytes that have arrived, in place: at most `limit`, none if there are none. They stay until
  // Consume or the next call that receives. Messages of whole elements are never shown for good
  // with a broken element at the end: the rest of it follows in a later call, joined.
  virtual absl::StatusOr<absl::Span<const char>> Peek(size_t limit) = 0;
  virtual void Consume(size_t bytes) = 0;

  // To sleep: PrepareToSleep on every channel, try all calls once more, poll() for the returned
  // events (0: nothing to wait for), WakeUp with what poll reported. WakeUp never fails: what it
  // learns is in state(), and calls fail once there is nothing left to read.
  virtual int fd() const = 0;
  virtual short PrepareToSleep(bool wants_to_receive, bool wants_to_send) = 0;
  virtual void WakeUp(short revents) = 0;

  // This task's memory that the peer maps, and the peer's that is mapped here; null where no memory
  // is shared. The peer's is there once anything has arrived from it.
  virtual std::shared_ptr<SharedArena> memory() { return nullptr; }
  virtual SharedArena* peer_memory() { return nullptr; }

  // Last words, each at most once; nothing can be sent afterwards. Waits at most 100 ms.
  virtual void SayDone() = 0;
  virtual void GiveUp(int32_t culprit) = 0;

 protected:
  // The error of a call that needs a peer which has left.
  absl::Status Left() const;
  void set_state(PeerState state, int32_t culprit = -1) {
    if (state_ == PeerState::kAlive) state_ = state, culprit_ = culprit;
  }

 private:
  std::string peer_;
  PeerState state_ = PeerState::kAlive;
  int32_t culprit_ = -1;
};

}  // namespace stator::distribute

#endif  // STATOR_DISTRIBUTE_COLLECTIVES_CHANNEL_H_
