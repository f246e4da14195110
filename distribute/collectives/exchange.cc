#include "distribute/collectives/exchange.h"

#include <poll.h>

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"

namespace stator::distribute {
namespace {

// A sum works on pieces that stay in the first-level cache's neighbourhood, and frees the queue's
// space as it goes.
constexpr size_t kPieceBytes = 64 << 10;

// How long a sleep may overlook a cancelled run or a deadline, and how long it lasts without one.
constexpr int kPollMilliseconds = 5;
constexpr int kIdleMilliseconds = 250;

// Counters stand for themselves: nothing else is read because of them.
constexpr auto kRelaxed = std::memory_order_relaxed;

// Drops `bytes` from the front; true when nothing is left.
bool Advance(Parts& parts, size_t& first, size_t bytes) {
  while (first < parts.size() && bytes >= parts[first].iov_len) {
    bytes -= parts[first].iov_len;
    ++first;
  }
  if (first == parts.size()) return true;
  parts[first].iov_base = static_cast<char*>(parts[first].iov_base) + bytes;
  parts[first].iov_len -= bytes;
  return false;
}

uint64_t TotalBytes(const Parts& parts) {
  uint64_t total = 0;
  for (const iovec& part : parts) total += part.iov_len;
  return total;
}

absl::Span<const iovec> Rest(const Parts& parts, size_t first) {
  return absl::MakeConstSpan(parts).subspan(first);
}

absl::Status FromControl(const runtime::RunControl& control) {
  const executable::Status status = control.Poll();
  if (status.ok()) return absl::OkStatus();
  return absl::Status(static_cast<absl::StatusCode>(status.code()), status.message());
}

inline void Relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

}  // namespace

Exchange::Exchange(absl::Span<Channel* const> channels, int64_t spin_ns)
    : traffic_(std::make_shared<Traffic>(channels.size())), spin_ns_(spin_ns) {
  lines_.resize(channels.size());
  for (size_t i = 0; i < channels.size(); ++i) {
    lines_[i].channel = channels[i];
    lines_[i].traffic = &(*traffic_)[i];
  }
}

void Exchange::Send(size_t channel, Parts parts) {
  lines_[channel].sends.push_back({std::move(parts)});
}

uint64_t Exchange::Receive(size_t channel, Parts parts, Accumulate accumulate,
                           size_t element_bytes) {
  Line& line = lines_[channel];
  Incoming incoming;
  incoming.parts = std::move(parts);
  incoming.accumulate = accumulate;
  incoming.element_bytes = element_bytes;
  line.receives.push_back(std::move(incoming));
  return line.received + line.receives.size();
}

void Exchange::Expect(size_t channel, std::string bytes) {
  Line& line = lines_[channel];
  Incoming& incoming = line.receives.emplace_back();
  incoming.found.resize(bytes.size());
  incoming.expected = std::move(bytes);
  incoming.parts = {{incoming.found.data(), incoming.found.size()}};
}

absl::Status Exchange::WaitReceived(size_t channel, uint64_t ticket,
                                    const runtime::RunControl& control) {
  return Wait(control, [&] { return lines_[channel].received >= ticket; });
}

absl::Status Exchange::WaitSent(size_t channel, const runtime::RunControl& control) {
  return Wait(control, [&] { return lines_[channel].sends.empty(); });
}

absl::Status Exchange::WaitAllSent(const runtime::RunControl& control) {
  return Wait(control, [&] {
    return std::all_of(lines_.begin(), lines_.end(),
                       [](const Line& line) { return line.sends.empty(); });
  });
}

absl::Status Exchange::Flush(const runtime::RunControl& control) {
  return Wait(control, [&] {
    return std::all_of(lines_.begin(), lines_.end(), [](const Line& line) {
      return line.sends.empty() && line.receives.empty();
    });
  });
}

template <typename Done>
absl::Status Exchange::Wait(const runtime::RunControl& control, const Done& done) {
  // Until FinishReceive says that nothing more is needed.
  for (Line& line : lines_) line.traffic->waiting.store(!line.receives.empty(), kRelaxed);
  const absl::Status status = MoveUntil(control, done);
  for (Line& line : lines_) line.traffic->waiting.store(false, kRelaxed);
  return status;
}

template <typename Done>
absl::Status Exchange::MoveUntil(const runtime::RunControl& control, const Done& done) {
  int64_t idle_since = 0;
  while (status_.ok() && !done()) {
    bool moved = false;
    status_ = MoveAll(moved);
    if (!status_.ok() || done()) break;
    status_ = FromControl(control);
    if (!status_.ok()) break;
    if (moved) {
      idle_since = 0;
      continue;
    }
    if (spin_ns_ > 0) {
      const int64_t now = runtime::NowNanoseconds();
      if (idle_since == 0) idle_since = now;
      if (now - idle_since < spin_ns_) {
        Relax();
        continue;
      }
    }
    status_ = Sleep(control);
  }
  return status_;
}

absl::Status Exchange::MoveAll(bool& moved) {
  for (size_t i = 0; i < lines_.size(); ++i) {
    Line& line = lines_[i];
    if (line.channel == nullptr) continue;
    absl::Status status = MoveSends(line, moved);
    if (status.ok()) status = MoveReceives(line, moved);
    if (!status.ok()) {
      failed_channel_ = static_cast<int>(i);
      return status;
    }
  }
  return absl::OkStatus();
}

absl::Status Exchange::MoveSends(Line& line, bool& moved) {
  while (!line.sends.empty()) {
    Outgoing& message = line.sends.front();
    if (!message.begun) {
      message.begun = true;
      line.traffic->sent.fetch_add(TotalBytes(message.parts), kRelaxed);
    }
    if (!Advance(message.parts, message.first, 0)) {
      STATOR_ASSIGN_OR_RETURN(const size_t taken,
                              line.channel->TrySend(Rest(message.parts, message.first)));
      if (taken == 0) return absl::OkStatus();
      moved = true;
      if (!Advance(message.parts, message.first, taken)) return absl::OkStatus();
    }
    line.sends.pop_front();
    moved = true;
  }
  return absl::OkStatus();
}

absl::Status Exchange::MoveReceives(Line& line, bool& moved) {
  while (!line.receives.empty()) {
    Incoming& message = line.receives.front();
    if (!Advance(message.parts, message.first, 0)) {
      size_t count = 0;
      if (message.accumulate == nullptr) {
        STATOR_ASSIGN_OR_RETURN(count,
                                line.channel->TryReceive(Rest(message.parts, message.first)));
      } else {
        const iovec& part = message.parts[message.first];
        STATOR_ASSIGN_OR_RETURN(const absl::Span<const char> bytes,
                                line.channel->Peek(std::min(part.iov_len, kPieceBytes)));
        const size_t elements = bytes.size() / message.element_bytes;
        count = elements * message.element_bytes;
        if (elements > 0) {
          message.accumulate(part.iov_base, bytes.data(), elements);
          line.channel->Consume(count);
        }
      }
      if (count == 0) return absl::OkStatus();
      moved = true;
      line.traffic->received.fetch_add(count, kRelaxed);
      // One piece at a time: others may have something to send meanwhile.
      if (!Advance(message.parts, message.first, count)) return absl::OkStatus();
    }
    STATOR_RETURN_IF_ERROR(FinishReceive(line));
    moved = true;
  }
  return absl::OkStatus();
}

absl::Status Exchange::FinishReceive(Line& line) {
  const Incoming message = std::move(line.receives.front());
  line.receives.pop_front();
  ++line.received;
  if (line.receives.empty()) line.traffic->waiting.store(false, kRelaxed);
  if (message.found != message.expected) {
    return absl::FailedPreconditionError(
        absl::StrCat(line.channel->peer(), " does not take part in the same operation: expected ",
                     absl::StripTrailingAsciiWhitespace(message.expected), ", found ",
                     absl::StripTrailingAsciiWhitespace(message.found)));
  }
  return absl::OkStatus();
}

absl::Status Exchange::Sleep(const runtime::RunControl& control) {
  std::vector<pollfd> waits(lines_.size());
  for (size_t i = 0; i < lines_.size(); ++i) {
    Line& line = lines_[i];
    waits[i] = {-1, 0, 0};
    if (line.channel == nullptr) continue;
    const short events = line.channel->PrepareToSleep(!line.receives.empty(), !line.sends.empty());
    if (events != 0) waits[i] = {line.channel->fd(), events, 0};
  }
  // Whatever came before the peers knew that we sleep.
  bool moved = false;
  const absl::Status status = MoveAll(moved);
  if (status.ok() && !moved) {
    poll(waits.data(), waits.size(), control.active() ? kPollMilliseconds : kIdleMilliseconds);
  }
  for (size_t i = 0; i < lines_.size(); ++i) {
    if (lines_[i].channel != nullptr) lines_[i].channel->WakeUp(waits[i].revents);
  }
  STATOR_RETURN_IF_ERROR(status);
  return Departures();
}

int Exchange::ListenForReports(int milliseconds) {
  const int64_t end = runtime::NowNanoseconds() + int64_t{1'000'000} * milliseconds;
  while (true) {
    std::vector<pollfd> waits(lines_.size(), {-1, 0, 0});
    for (size_t i = 0; i < lines_.size(); ++i) {
      Channel* channel = lines_[i].channel;
      if (channel == nullptr) continue;
      while (true) {
        const absl::StatusOr<absl::Span<const char>> bytes = channel->Peek(kPieceBytes);
        if (!bytes.ok() || bytes->empty()) break;
        channel->Consume(bytes->size());
      }
      if (channel->state() == PeerState::kGaveUp) return static_cast<int>(i);
      const short events = channel->PrepareToSleep(/*wants_to_receive=*/true, false);
      if (events != 0) waits[i] = {channel->fd(), events, 0};
    }
    const int64_t left = (end - runtime::NowNanoseconds()) / 1'000'000;
    if (left <= 0) return -1;
    poll(waits.data(), waits.size(), static_cast<int>(left));
    for (size_t i = 0; i < lines_.size(); ++i) {
      if (lines_[i].channel != nullptr) lines_[i].channel->WakeUp(waits[i].revents);
    }
  }
}

// A peer that left in peace matters only to those who wait for it; any other departure ends the
// work of all, so that nobody waits for a task that waits for the dead.
absl::Status Exchange::Departures() {
  for (size_t i = 0; i < lines_.size(); ++i) {
    Line& line = lines_[i];
    if (line.channel == nullptr || !line.receives.empty()) continue;  // those find out by reading
    const PeerState state = line.channel->state();
    if (state == PeerState::kAlive || state == PeerState::kDone) continue;
    failed_channel_ = static_cast<int>(i);
    return absl::UnavailableError(
        absl::StrCat(line.channel->peer(),
                     state == PeerState::kGaveUp ? " gave up" : " died: its connection closed"));
  }
  return absl::OkStatus();
}

}  // namespace stator::distribute
