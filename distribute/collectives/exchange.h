// Messages in flight over several channels, moved by the thread that waits for them.
#ifndef STATOR_DISTRIBUTE_COLLECTIVES_EXCHANGE_H_
#define STATOR_DISTRIBUTE_COLLECTIVES_EXCHANGE_H_

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "distribute/collectives/channel.h"
#include "distribute/collectives/traffic.h"
#include "runtime/core/run_control.h"

namespace stator::distribute {

using Parts = std::vector<iovec>;

// Into a receiver's bytes: target[i] += source[i]. Either may be unaligned.
using Accumulate = void (*)(void* target, const void* source, size_t count);

// Sends and receives are queued, per channel in order, and progress together whenever the thread
// waits, so no order of sends and receives among peers can deadlock. Buffers stay the caller's and
// must live until the message is done. The first error ends the exchange: every later wait returns
// it. One thread.
class Exchange {
 public:
  // `channels` outlive the exchange; null entries are never used. Before it sleeps, a wait spins
  // for `spin_ns`: more than 0 only where every local task has a core of its own.
  Exchange(absl::Span<Channel* const> channels, int64_t spin_ns);

  void Send(size_t channel, Parts parts);
  // Copies, or with `accumulate` adds elements of `element_bytes` as they arrive (each part is
  // whole elements). Returns a ticket for WaitReceived.
  uint64_t Receive(size_t channel, Parts parts, Accumulate accumulate = nullptr,
                   size_t element_bytes = 1);
  // The next message must be equal to these bytes; otherwise the peer is doing something else.
  void Expect(size_t channel, std::string bytes);

  // Blocks until the receive is complete; until everything queued for `channel`, or for all, is
  // sent; until nothing is queued at all. Fails at once when a peer dies or gives up or `control`
  // says stop.
  absl::Status WaitReceived(size_t channel, uint64_t ticket, const runtime::RunControl& control);
  absl::Status WaitSent(size_t channel, const runtime::RunControl& control);
  absl::Status WaitAllSent(const runtime::RunControl& control);
  absl::Status Flush(const runtime::RunControl& control);

  // After an error: throws away what arrives, for `milliseconds` or until some peer has said that
  // it gave up, and returns that channel; else -1.
  int ListenForReports(int milliseconds);

  // The channel whose peer caused the error; -1 when none did.
  int failed_channel() const { return failed_channel_; }

  // Any thread may read it, and keep it longer than the exchange.
  std::shared_ptr<const Traffic> traffic() const { return traffic_; }

 private:
  struct Outgoing {
    Parts parts;
    size_t first = 0;  // parts before it are done
    bool begun = false;
  };
  struct Incoming {
    Parts parts;
    size_t first = 0;
    Accumulate accumulate = nullptr;
    size_t element_bytes = 1;
    std::string expected;  // with its bytes received into `found`
    std::string found;
  };
  struct Line {
    Channel* channel = nullptr;
    PeerTraffic* traffic = nullptr;
    std::deque<Outgoing> sends;
    std::deque<Incoming> receives;
    uint64_t received = 0;  // messages that are complete
  };

  template <typename Done>
  absl::Status Wait(const runtime::RunControl& control, const Done& done);
  template <typename Done>
  absl::Status MoveUntil(const runtime::RunControl& control, const Done& done);
  absl::Status MoveAll(bool& moved);
  absl::Status MoveSends(Line& line, bool& moved);
  absl::Status MoveReceives(Line& line, bool& moved);
  absl::Status FinishReceive(Line& line);
  absl::Status Sleep(const runtime::RunControl& control);
  absl::Status Departures();

  std::vector<Line> lines_;
  const std::shared_ptr<Traffic> traffic_;
  int64_t spin_ns_;
  absl::Status status_;
  int failed_channel_ = -1;
};

}  // namespace stator::distribute

#endif  // STATOR_DISTRIBUTE_COLLECTIVES_EXCHANGE_H_
