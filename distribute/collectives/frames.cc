#include "distribute/collectives/frames.h"

#include <linux/sockios.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

namespace stator::distribute {
namespace {

constexpr size_t kMaxFrame = size_t{1} << 20;
constexpr size_t kInboxBytes = 256 << 10;  // stays in the cache between kernel and reader
constexpr size_t kMaxParts = 64;
// Fewer bytes than this may be a broken element: look for more before showing them.
constexpr size_t kFewBytes = 64;

enum class FrameKind : uint32_t { kData = 1, kDone = 2, kGaveUp = 3 };  // kGaveUp: length = culprit

struct FrameHeader {
  uint32_t length;
  uint32_t kind;
};
static_assert(sizeof(FrameHeader) == 8);

// The leading `limit` bytes of `parts`, after what is already in `out`; `out` has room to spare.
void AppendParts(absl::Span<const iovec> parts, size_t limit, std::vector<iovec>& out) {
  for (const iovec& part : parts) {
    if (limit == 0 || out.size() == kMaxParts) return;
    const size_t length = std::min(part.iov_len, limit);
    if (length == 0) continue;
    out.push_back({part.iov_base, length});
    limit -= length;
  }
}

size_t TotalBytes(absl::Span<const iovec> parts) {
  size_t total = 0;
  for (const iovec& part : parts) total += part.iov_len;
  return total;
}

class StreamChannel final : public Channel {
 public:
  StreamChannel(std::unique_ptr<ByteStream> stream, std::string peer)
      : Channel(std::move(peer)), stream_(std::move(stream)), inbox_(kInboxBytes) {
    batch_.reserve(kMaxParts + 1);
  }

  // Closing with unread bytes makes the kernel drop what it has not delivered, last words included.
  ~StreamChannel() override {
    int undelivered = 0;
    for (int i = 0; silent_ && i < 40 && state() == PeerState::kAlive; ++i) {
      if (ioctl(fd(), SIOCOUTQ, &undelivered) != 0 || undelivered == 0) return;
      poll(nullptr, 0, 5);
    }
  }

  absl::StatusOr<size_t> TrySend(absl::Span<const iovec> parts) override {
    size_t taken = 0;
    std::vector<iovec> rest(parts.begin(), parts.end());
    while (true) {
      if (state() != PeerState::kAlive || silent_) return Left();
      const size_t total = TotalBytes(rest);
      if (total == 0) return taken;
      if (header_left_ == 0 && frame_left_ == 0) {
        StartFrame(FrameKind::kData, static_cast<uint32_t>(std::min(total, kMaxFrame)));
      }
      const size_t sent = SendSome(rest);
      if (sent == 0 && header_left_ > 0) return taken;
      if (sent == 0 && frame_left_ > 0) return taken;
      taken += sent;
      Drop(rest, sent);
    }
  }

  absl::StatusOr<size_t> TryReceive(absl::Span<const iovec> parts) override {
    size_t filled = 0;
    std::vector<iovec> rest(parts.begin(), parts.end());
    while (TotalBytes(rest) > 0) {
      absl::StatusOr<absl::Span<const char>> bytes = Buffered();
      if (!bytes.ok()) return filled > 0 ? absl::StatusOr<size_t>(filled) : bytes.status();
      size_t count = 0;
      if (!bytes->empty()) {
        const iovec& first = rest.front();
        count = std::min(bytes->size(), first.iov_len);
        std::memcpy(first.iov_base, bytes->data(), count);
        Consume(count);
      } else {
        // Straight to where the bytes belong, and what follows them into the inbox.
        const bool in_frame = in_frame_left_ > 0;
        batch_.clear();
        if (in_frame) AppendParts(rest, in_frame_left_, batch_);
        const size_t direct = TotalBytes(batch_);
        const size_t received = Receive(direct == in_frame_left_);
        count = std::min(received, direct);
        in_frame_left_ -= count;
        if (received == 0) return filled;
      }
      filled += count;
      Drop(rest, count);
    }
    return filled;
  }

  absl::StatusOr<absl::Span<const char>> Peek(size_t limit) override {
    absl::StatusOr<absl::Span<const char>> bytes = Buffered();
    if (!bytes.ok()) return bytes;
    if (bytes->size() < std::min(limit, kFewBytes)) {
      batch_.clear();
      Receive(/*into_inbox=*/true);
      bytes = Buffered();
      if (!bytes.ok()) return bytes;
    }
    return bytes->subspan(0, limit);
  }

  void Consume(size_t bytes) override {
    inbox_begin_ += bytes;
    in_frame_left_ -= bytes;
  }

  int fd() const override { return stream_->fd(); }

  short PrepareToSleep(bool wants_to_receive, bool wants_to_send) override {
    // Words that the socket no longer shows are news now: poll shall return at once.
    const PeerState before = state();
    if (stream_->holds_bytes()) WakeUp(POLLIN);
    const bool news = state() != before;
    if (closed_ && !news) return 0;
    const bool room = inbox_end_ - inbox_begin_ < kInboxBytes;
    return static_cast<short>((room ? POLLIN : 0) | (wants_to_send || news ? POLLOUT : 0));
  }

  void WakeUp(short revents) override {
    if ((revents & (POLLIN | POLLHUP | POLLERR)) == 0) return;
    batch_.clear();
    Receive(/*into_inbox=*/true);
    (void)Buffered();  // reads last words, if they are next
  }

  void SayDone() override { Say(FrameKind::kDone, 0); }
  void GiveUp(int32_t culprit) override { Say(FrameKind::kGaveUp, static_cast<uint32_t>(culprit)); }

 private:
  static void Drop(std::vector<iovec>& parts, size_t bytes) {
    size_t first = 0;
    for (; first < parts.size() && bytes >= parts[first].iov_len; ++first) {
      bytes -= parts[first].iov_len;
    }
    parts.erase(parts.begin(), parts.begin() + first);
    if (!parts.empty() && bytes > 0) {
      parts.front().iov_base = static_cast<char*>(parts.front().iov_base) + bytes;
      parts.front().iov_len -= bytes;
    }
  }

  void StartFrame(FrameKind kind, uint32_t length) {
    out_header_ = {length, static_cast<uint32_t>(kind)};
    header_left_ = sizeof(out_header_);
    frame_left_ = kind == FrameKind::kData ? length : 0;
  }

  // One call with what is left of the header and of the frame; returns the payload bytes it took.
  size_t SendSome(absl::Span<const iovec> payload) {
    batch_.clear();
    if (header_left_ > 0) {
      char* header = reinterpret_cast<char*>(&out_header_) + sizeof(out_header_) - header_left_;
      batch_.push_back({header, header_left_});
    }
    AppendParts(payload, frame_left_, batch_);
    const ssize_t count = stream_->Send(batch_);
    if (count == ByteStream::kEnded) {
      LearnWhyClosed();
      return 0;
    }
    const size_t of_header = std::min<size_t>(count, header_left_);
    header_left_ -= of_header;
    frame_left_ -= count - of_header;
    return count - of_header;
  }

  // Reads into what stands in batch_ and, if asked, on into the inbox. Returns the bytes read.
  size_t Receive(bool into_inbox) {
    if (closed_) return 0;
    const size_t direct = TotalBytes(batch_);
    if (into_inbox) {
      if (inbox_begin_ > 0) {
        std::memmove(inbox_.data(), inbox_.data() + inbox_begin_, inbox_end_ - inbox_begin_);
        inbox_end_ -= inbox_begin_;
        inbox_begin_ = 0;
      }
      if (inbox_end_ < kInboxBytes) {
        batch_.push_back({inbox_.data() + inbox_end_, kInboxBytes - inbox_end_});
      }
    }
    if (batch_.empty()) return 0;
    const ssize_t count = stream_->Receive(batch_);
    if (count == ByteStream::kEnded) closed_ = true;
    if (count <= 0) return 0;
    if (static_cast<size_t>(count) > direct) inbox_end_ += count - direct;
    return count;
  }

  // The payload at the front of the inbox, after reading any frame header there.
  absl::StatusOr<absl::Span<const char>> Buffered() {
    while (in_frame_left_ == 0 && inbox_end_ - inbox_begin_ >= sizeof(FrameHeader)) {
      FrameHeader header;
      std::memcpy(&header, inbox_.data() + inbox_begin_, sizeof(header));
      inbox_begin_ += sizeof(header);
      switch (static_cast<FrameKind>(header.kind)) {
        case FrameKind::kDone:
          set_state(PeerState::kDone);
          break;
        case FrameKind::kGaveUp:
          set_state(PeerState::kGaveUp, static_cast<int32_t>(header.length & 0x7fffffff));
          break;
        case FrameKind::kData:
          if (header.length > 0 && header.length <= kMaxFrame) {
            in_frame_left_ = header.length;
            break;
          }
          [[fallthrough]];
        default:
          return absl::DataLossError(absl::StrCat(peer(), " sent a frame of kind ", header.kind,
                                                  " with ", header.length, " bytes"));
      }
    }
    const size_t count = std::min(inbox_end_ - inbox_begin_, in_frame_left_);
    if (count == 0) {
      if (closed_) set_state(PeerState::kVanished);
      if (state() == PeerState::kVanished && !stream_->failure().ok()) return stream_->failure();
      if (state() != PeerState::kAlive) return Left();
    }
    return absl::MakeConstSpan(inbox_.data() + inbox_begin_, count);
  }

  // The stream takes no more. Whatever the peer still said about it lies behind bytes that nobody
  // needs any longer.
  void LearnWhyClosed() {
    while (true) {
      const absl::StatusOr<absl::Span<const char>> bytes = Buffered();
      if (!bytes.ok()) break;
      Consume(bytes->size());
      batch_.clear();
      if (Receive(/*into_inbox=*/true) == 0 && bytes->empty()) break;
    }
    closed_ = true;
    set_state(PeerState::kVanished);
  }

  // Finishes a frame that was begun (its bytes no longer matter), then says the words.
  void Say(FrameKind kind, uint32_t value) {
    if (silent_) return;
    silent_ = true;
    std::vector<char> zeros(frame_left_);
    const iovec padding = {zeros.data(), zeros.size()};
    bool started = false;
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(100);
    while (state() == PeerState::kAlive && std::chrono::steady_clock::now() < end) {
      if (header_left_ == 0 && frame_left_ == 0) {
        if (started) break;
        started = true;
        StartFrame(kind, value);
      }
      const size_t before = header_left_ + frame_left_;
      SendSome(absl::MakeConstSpan(&padding, 1));
      if (header_left_ + frame_left_ == before) {
        pollfd wait = {fd(), POLLOUT, 0};
        poll(&wait, 1, 10);
      }
    }
    shutdown(fd(), SHUT_WR);
  }

  std::unique_ptr<ByteStream> stream_;
  std::vector<iovec> batch_;  // of one call of the stream
  // Sending: what is left of the current frame.
  FrameHeader out_header_ = {};
  size_t header_left_ = 0;
  size_t frame_left_ = 0;
  // Receiving: bytes as they came, headers included.
  std::vector<char> inbox_;
  size_t inbox_begin_ = 0;
  size_t inbox_end_ = 0;
  size_t in_frame_left_ = 0;
  bool closed_ = false;  // nothing more will come from the stream
  bool silent_ = false;  // last words were said
};

}  // namespace

std::unique_ptr<Channel> FramedChannel(std::unique_ptr<ByteStream> stream, std::string peer) {
  return std::make_unique<StreamChannel>(std::move(stream), std::move(peer));
}

}  // namespace stator::distribute
