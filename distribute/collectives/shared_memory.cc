#include "distribute/collectives/shared_memory.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "distribute/collectives/descriptor_message.h"
#include "graph/status_macros.h"

namespace stator::distribute {
namespace {

// A reader may begin after so many bytes of a larger message.
constexpr size_t kPublishBytes = 64 << 10;

class SharedChannel final : public Channel {
 public:
  SharedChannel(std::shared_ptr<SharedSegment> segment, int side, FileDescriptor socket,
                std::string peer, std::shared_ptr<SharedArena> memory)
      : Channel(std::move(peer)),
        segment_(std::move(segment)),
        mine_(segment_->header().sides[side]),
        theirs_(segment_->header().sides[1 - side]),
        out_(segment_->queue(side)),
        in_(segment_->queue(1 - side)),
        capacity_(segment_->capacity()),
        socket_(std::move(socket)),
        memory_(std::move(memory)) {
    // Before any message: whoever has one finds the descriptor.
    if (memory_ != nullptr && !SendDescriptor(socket_.get(), memory_->fd())) memory_ = nullptr;
  }

  absl::StatusOr<size_t> TrySend(absl::Span<const iovec> parts) override {
    if (state() != PeerState::kAlive || silent_) return Left();
    size_t taken = 0;
    for (const iovec& part : parts) {
      const char* bytes = static_cast<const char*>(part.iov_base);
      for (size_t done = 0; done < part.iov_len;) {
        const uint64_t unread = written_ - mine_.read.load(std::memory_order_acquire);
        if (unread > capacity_) return Corrupt();
        const size_t count =
            std::min({part.iov_len - done, static_cast<size_t>(capacity_ - unread), kPublishBytes});
        if (count == 0) return taken;
        std::memcpy(out_ + (written_ & (capacity_ - 1)), bytes + done, count);
        written_ += count;
        mine_.written.store(written_);
        Ring(kSleepsForBytes);
        done += count;
        taken += count;
      }
    }
    return taken;
  }

  absl::StatusOr<size_t> TryReceive(absl::Span<const iovec> parts) override {
    size_t filled = 0;
    for (const iovec& part : parts) {
      for (size_t done = 0; done < part.iov_len;) {
        absl::StatusOr<absl::Span<const char>> bytes =
            Peek(std::min(part.iov_len - done, kPublishBytes));
        if (!bytes.ok()) return filled > 0 ? absl::StatusOr<size_t>(filled) : bytes.status();
        if (bytes->empty()) return filled;
        std::memcpy(static_cast<char*>(part.iov_base) + done, bytes->data(), bytes->size());
        Consume(bytes->size());
        done += bytes->size();
        filled += bytes->size();
      }
    }
    return filled;
  }

  absl::StatusOr<absl::Span<const char>> Peek(size_t limit) override {
    const uint64_t arrived = theirs_.written.load(std::memory_order_acquire) - read_;
    if (arrived > capacity_) return Corrupt();
    if (arrived == 0 && state() != PeerState::kAlive) return Left();
    return absl::MakeConstSpan(in_ + (read_ & (capacity_ - 1)), std::min<size_t>(arrived, limit));
  }

  void Consume(size_t bytes) override {
    read_ += bytes;
    theirs_.read.store(read_);
    // A sender that sleeps for space is worth waking for a good piece only.
    const uint64_t unread = theirs_.written.load(std::memory_order_relaxed) - read_;
    if (unread <= capacity_ - capacity_ / 4) Ring(kSleepsForSpace);
  }

  int fd() const override { return socket_.get(); }

  // Pairs with Ring: each side writes its own word, then reads the other's, in one total order.
  short PrepareToSleep(bool wants_to_receive, bool wants_to_send) override {
    if (closed_) return 0;
    mine_.sleeps_for.store((wants_to_receive ? kSleepsForBytes : 0) |
                           (wants_to_send ? kSleepsForSpace : 0));
    return POLLIN;
  }

  void WakeUp(short revents) override {
    if (mine_.sleeps_for.load(std::memory_order_relaxed) != 0) mine_.sleeps_for.store(0);
    if (revents != 0) ReadRings();
  }

  std::shared_ptr<SharedArena> memory() override { return memory_; }

  SharedArena* peer_memory() override {
    if (peer_memory_ == nullptr) ReadRings();
    return peer_memory_.get();
  }

  void SayDone() override { Say(1); }
  void GiveUp(int32_t culprit) override { Say(2 + static_cast<uint32_t>(culprit)); }

 private:
  // Bytes say nothing but that they came; one of them may carry the peer's memory.
  void ReadRings() {
    if (closed_) return;
    char rings[64];
    FileDescriptor file;
    const ssize_t count = ReceiveDescriptor(socket_.get(), rings, sizeof(rings), &file);
    if (file.valid() && peer_memory_ == nullptr) {
      // Where it cannot be mapped, bytes go through the queues.
      auto memory = SharedArena::Open(std::move(file));
      if (memory.ok()) peer_memory_ = *std::move(memory);
    }
    const uint32_t words = theirs_.last_words.load(std::memory_order_acquire);
    if (words == 1) set_state(PeerState::kDone);
    if (words >= 2) set_state(PeerState::kGaveUp, static_cast<int32_t>(words - 2));
    if (count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR)) {
      closed_ = true;
      set_state(PeerState::kVanished);
    }
  }

  void Ring(uint32_t reason) {
    if ((theirs_.sleeps_for.load() & reason) == 0) return;
    if (theirs_.sleeps_for.exchange(0) != 0) SendByte();
  }

  // A full socket needs no more: its reader has plenty to wake for.
  void SendByte() { (void)send(socket_.get(), "w", 1, MSG_DONTWAIT | MSG_NOSIGNAL); }

  void Say(uint32_t words) {
    if (silent_) return;
    silent_ = true;
    mine_.last_words.store(words);
    SendByte();
  }

  absl::Status Corrupt() const {
    return absl::DataLossError(absl::StrCat(peer(), " wrote impossible positions into the queue"));
  }

  std::shared_ptr<SharedSegment> segment_;
  SharedHeader::Side& mine_;
  SharedHeader::Side& theirs_;
  char* out_;
  const char* in_;
  const uint64_t capacity_;
  FileDescriptor socket_;
  std::shared_ptr<SharedArena> memory_, peer_memory_;
  uint64_t written_ = 0;  // mine_.written, which the peer could alter
  uint64_t read_ = 0;
  bool closed_ = false;
  bool silent_ = false;
};

}  // namespace

std::unique_ptr<Channel> SharedMemoryChannel(std::shared_ptr<SharedSegment> segment, int side,
                                             FileDescriptor socket, std::string peer,
                                             std::shared_ptr<SharedArena> memory) {
  return std::make_unique<SharedChannel>(std::move(segment), side, std::move(socket),
                                         std::move(peer), std::move(memory));
}

absl::StatusOr<std::vector<std::vector<std::unique_ptr<Channel>>>> InProcessMesh(
    const std::vector<std::string>& tasks, size_t queue_bytes) {
  std::vector<std::vector<std::unique_ptr<Channel>>> mesh(tasks.size());
  std::vector<std::shared_ptr<SharedArena>> memory(tasks.size());
  for (size_t a = 0; a < tasks.size(); ++a) {
    mesh[a].resize(tasks.size());
    auto arena = SharedArena::Create();
    if (arena.ok()) memory[a] = *std::move(arena);  // else the queues serve
  }
  for (size_t a = 0; a < tasks.size(); ++a) {
    for (size_t b = a + 1; b < tasks.size(); ++b) {
      int sockets[2];
      if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) != 0) {
        return absl::ResourceExhaustedError(absl::StrCat("socketpair: ", std::strerror(errno)));
      }
      FileDescriptor ends[2] = {FileDescriptor(sockets[0]), FileDescriptor(sockets[1])};
      STATOR_ASSIGN_OR_RETURN(std::shared_ptr<SharedSegment> segment,
                              SharedSegment::Create(queue_bytes));
      mesh[a][b] = SharedMemoryChannel(segment, 0, std::move(ends[0]), tasks[b], memory[a]);
      mesh[b][a] =
          SharedMemoryChannel(std::move(segment), 1, std::move(ends[1]), tasks[a], memory[b]);
    }
  }
  return mesh;
}

}  // namespace stator::distribute
