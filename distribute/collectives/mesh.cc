#include "distribute/collectives/mesh.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <list>
#include <utility>

#include "absl/strings/str_cat.h"
#include "distribute/collectives/descriptor_message.h"
#include "distribute/collectives/frames.h"
#include "distribute/collectives/shared_arena.h"
#include "distribute/collectives/shared_memory.h"
#include "distribute/collectives/socket_address.h"
#include "distribute/collectives/tcp.h"
#include "graph/status_macros.h"

namespace stator::distribute {

using runtime::NowNanoseconds;
using runtime::RunControl;

namespace {

constexpr int kPollMilliseconds = 10;
constexpr int kMaxStrangers = 64;
constexpr int64_t kPatienceNs = 2'000'000'000;  // with someone who has not yet shown who it is

absl::Status Stopped(const RunControl& control) {
  const executable::Status status = control.Poll();
  if (status.ok()) return absl::OkStatus();
  return absl::Status(static_cast<absl::StatusCode>(status.code()), status.message());
}

// Sleeps until the socket is ready, in slices that notice `control`.
absl::Status Await(int fd, short events, const RunControl& control) {
  while (true) {
    STATOR_RETURN_IF_ERROR(Stopped(control));
    pollfd wait = {fd, events, 0};
    if (poll(&wait, 1, kPollMilliseconds) > 0) return absl::OkStatus();
  }
}

// A few bytes on a fresh connection always fit.
bool SendAll(int fd, const void* bytes, size_t count) {
  return send(fd, bytes, count, MSG_NOSIGNAL | MSG_DONTWAIT) == static_cast<ssize_t>(count);
}

absl::Status ReceiveAll(int fd, void* bytes, size_t count, const std::string& peer,
                        const RunControl& control) {
  for (size_t done = 0; done < count;) {
    STATOR_RETURN_IF_ERROR(Await(fd, POLLIN, control));
    const ssize_t got = recv(fd, static_cast<char*>(bytes) + done, count - done, MSG_DONTWAIT);
    if (got > 0) {
      done += got;
    } else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
      return absl::UnavailableError(
          absl::StrCat(peer, " closed the connection during the handshake"));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<FileDescriptor> AwaitDescriptor(int socket, const std::string& peer,
                                               const RunControl& control) {
  STATOR_RETURN_IF_ERROR(Await(socket, POLLIN, control));
  char byte;
  FileDescriptor file;
  ReceiveDescriptor(socket, &byte, 1, &file);
  if (!file.valid()) return absl::UnavailableError(absl::StrCat(peer, " sent no shared memory"));
  return file;
}

// Retries while nobody listens there yet.
absl::StatusOr<FileDescriptor> Connect(const std::string& peer, const std::string& address,
                                       const RunControl& control) {
  STATOR_ASSIGN_OR_RETURN(const SocketAddress where, SocketAddress::Parse(address));
  absl::Status last;
  while (true) {
    FileDescriptor fd(socket(where.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd.valid()) return SocketError(address, "socket");
    int error = connect(fd.get(), where.get(), where.length()) == 0 ? 0 : errno;
    if (error == EINPROGRESS) {
      STATOR_RETURN_IF_ERROR(Await(fd.get(), POLLOUT, control));
      socklen_t length = sizeof(error);
      getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &length);
    }
    if (error == 0) return fd;
    errno = error;
    last = SocketError(address, "connect");
    poll(nullptr, 0, kPollMilliseconds);
    if (const absl::Status stop = Stopped(control); !stop.ok()) {
      return absl::Status(stop.code(),
                          absl::StrCat(peer, ": ", last.message(), "; gave up: ", stop.message()));
    }
  }
}

Wire WireOf(const TlsContext* tls, bool local) {
  return tls != nullptr && !local ? Wire::kTls : Wire::kPlain;
}

absl::StatusOr<std::unique_ptr<TlsStream>> StartTls(const MeshOptions& options,
                                                    const TlsContext& tls, TlsSide side,
                                                    FileDescriptor fd, int peer) {
  return TlsStream::Create(tls, side, SocketStream(std::move(fd)), options.tasks[peer],
                           options.tls->hosts[peer]);
}

// A connection over which `peer` and this task have proved to each other who they are. A peer that
// closes before it has answered may have taken this task for one of many strangers, or be dead:
// whoever stops `control` knows.
absl::StatusOr<FileDescriptor> Introduce(const MeshOptions& options, int peer, Wire wire,
                                         const RunControl& control) {
  const Generation& generation = options.generation;
  const std::string& name = options.tasks[peer];
  while (true) {
    STATOR_ASSIGN_OR_RETURN(FileDescriptor fd, Connect(name, options.addresses[peer], control));
    const Hello hello = MakeHello(generation, options.rank, peer, wire);
    Answer answer;
    absl::Status heard = absl::UnavailableError("closed");
    if (SendAll(fd.get(), &hello, sizeof(hello))) {
      heard = ReceiveAll(fd.get(), &answer, sizeof(answer), name, control);
    }
    if (heard.ok()) {
      STATOR_RETURN_IF_ERROR(CheckAnswer(generation, hello, answer, name));
      const Proof proof = MakeProof(generation, hello, answer);
      if (SendAll(fd.get(), &proof, sizeof(proof))) return fd;
    } else if (!absl::IsUnavailable(heard)) {
      return heard;
    }
    poll(nullptr, 0, kPollMilliseconds);
    STATOR_RETURN_IF_ERROR(Stopped(control));
  }
}

absl::StatusOr<std::unique_ptr<Channel>> ConnectTo(const MeshOptions& options,
                                                   const TlsContext* tls, int peer,
                                                   std::shared_ptr<SharedArena> arena,
                                                   const RunControl& control) {
  const std::string& name = options.tasks[peer];
  STATOR_ASSIGN_OR_RETURN(const SocketAddress where, SocketAddress::Parse(options.addresses[peer]));
  const Wire wire = WireOf(tls, where.is_local());
  STATOR_ASSIGN_OR_RETURN(FileDescriptor fd, Introduce(options, peer, wire, control));
  if (wire == Wire::kTls) {
    STATOR_ASSIGN_OR_RETURN(std::unique_ptr<TlsStream> stream,
                            StartTls(options, *tls, TlsSide::kConnects, std::move(fd), peer));
    while (true) {
      STATOR_ASSIGN_OR_RETURN(const short events, stream->Handshake());
      if (events == 0) return FramedChannel(std::move(stream), name);
      STATOR_RETURN_IF_ERROR(Await(stream->fd(), events, control));
    }
  }
  if (!where.is_local()) return TcpChannel(std::move(fd), name);
  STATOR_ASSIGN_OR_RETURN(FileDescriptor memory, AwaitDescriptor(fd.get(), name, control));
  STATOR_ASSIGN_OR_RETURN(std::shared_ptr<SharedSegment> segment,
                          SharedSegment::Open(std::move(memory), options.generation.epoch));
  return SharedMemoryChannel(std::move(segment), 1, std::move(fd), name, std::move(arena));
}

// Somebody who has connected and may become a peer.
struct Visitor {
  int socket() const { return tls != nullptr ? tls->fd() : fd.get(); }

  FileDescriptor fd;
  std::unique_ptr<TlsStream> tls;  // from the proof on, where there is TLS
  short events = POLLIN;
  bool local = false;
  bool known = false;  // its hello was made with the key
  int64_t until_ns = 0;
  size_t received = 0;  // bytes of hello, then of proof
  Hello hello;
  Answer answer;
  Proof proof;
};

class Reception {
 public:
  Reception(const MeshOptions& options, const TlsContext* tls,
            const std::vector<const Listener*>& listeners, std::shared_ptr<SharedArena> arena,
            std::vector<std::unique_ptr<Channel>>& channels)
      : options_(options),
        tls_(tls),
        listeners_(listeners),
        arena_(std::move(arena)),
        channels_(channels) {}

  absl::Status Run(const RunControl& control) {
    while (true) {
      std::string missing;
      for (size_t peer = options_.rank + 1; peer < channels_.size(); ++peer) {
        if (channels_[peer] == nullptr) absl::StrAppend(&missing, " ", options_.tasks[peer], ",");
      }
      if (missing.empty()) return absl::OkStatus();
      if (const absl::Status stop = Stopped(control); !stop.ok()) {
        missing.pop_back();
        return absl::Status(stop.code(), absl::StrCat("waiting for", missing,
                                                      " to connect; gave up: ", stop.message()));
      }
      STATOR_RETURN_IF_ERROR(Step());
    }
  }

 private:
  absl::Status Step() {
    std::vector<pollfd> waits;
    for (const Listener* listener : listeners_) waits.push_back({listener->fd(), POLLIN, 0});
    for (const Visitor& visitor : visitors_) {
      waits.push_back({visitor.socket(), visitor.events, 0});
    }
    poll(waits.data(), waits.size(), kPollMilliseconds);
    size_t i = listeners_.size();
    for (auto visitor = visitors_.begin(); visitor != visitors_.end(); ++i) {
      bool keep = NowNanoseconds() < visitor->until_ns;
      if (keep && waits[i].revents != 0) {
        STATOR_ASSIGN_OR_RETURN(keep, Hear(*visitor));
      }
      visitor = keep ? std::next(visitor) : visitors_.erase(visitor);
    }
    for (size_t k = 0; k < listeners_.size(); ++k) {
      if (waits[k].revents != 0) Accept(*listeners_[k]);
    }
    return absl::OkStatus();
  }

  void Accept(const Listener& listener) {
    while (true) {
      FileDescriptor fd(accept4(listener.fd(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
      if (!fd.valid()) return;
      if (listener.is_local() && !SameUser(fd.get())) continue;  // closes
      MakeRoom();
      Visitor& visitor = visitors_.emplace_back();
      visitor.fd = std::move(fd);
      visitor.local = listener.is_local();
      visitor.until_ns = NowNanoseconds() + kPatienceNs;
    }
  }

  // Who has connected and never speaks must not keep those out who come later.
  void MakeRoom() {
    const auto stranger = [](const Visitor& visitor) { return !visitor.known; };
    if (std::count_if(visitors_.begin(), visitors_.end(), stranger) < kMaxStrangers) return;
    visitors_.erase(std::find_if(visitors_.begin(), visitors_.end(), stranger));
  }

  // Reads what a visitor has said so far; false to close it.
  absl::StatusOr<bool> Hear(Visitor& visitor) {
    if (visitor.tls != nullptr) return Secure(visitor);
    const bool first = visitor.received < sizeof(Hello);
    char* target = first
                       ? reinterpret_cast<char*>(&visitor.hello) + visitor.received
                       : reinterpret_cast<char*>(&visitor.proof) + visitor.received - sizeof(Hello);
    const size_t end = first ? sizeof(Hello) : sizeof(Hello) + sizeof(Proof);
    const ssize_t got = recv(visitor.fd.get(), target, end - visitor.received, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return true;
    if (got <= 0) return false;
    visitor.received += got;
    if (visitor.received < end) return true;
    return first ? AnswerHello(visitor) : Admit(visitor);
  }

  bool Expected(const Hello& hello) const {
    return hello.from > static_cast<uint32_t>(options_.rank) && hello.from < channels_.size() &&
           channels_[hello.from] == nullptr;
  }

  absl::StatusOr<bool> AnswerHello(Visitor& visitor) {
    const Wire wire = WireOf(tls_, visitor.local);
    Verdict verdict = CheckHello(options_.generation, visitor.hello, options_.rank, wire);
    if (verdict == Verdict::kAccepted && !Expected(visitor.hello)) verdict = Verdict::kRefused;
    visitor.answer = MakeAnswer(options_.generation, visitor.hello, verdict);
    const bool sent = SendAll(visitor.fd.get(), &visitor.answer, sizeof(visitor.answer));
    // It knows the key: this is no stranger, and would not come back otherwise.
    if (verdict == Verdict::kOtherWire && visitor.hello.from < options_.tasks.size()) {
      return OtherWire(options_.tasks[visitor.hello.from], wire);
    }
    visitor.known = verdict == Verdict::kAccepted;
    return sent && visitor.known;
  }

  static bool SameUser(int fd) {
    ucred peer = {};
    socklen_t length = sizeof(peer);
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 && peer.uid == geteuid();
  }

  // A visitor that has proved to know the key shows its certificate.
  absl::StatusOr<bool> Secure(Visitor& visitor) {
    const uint32_t from = visitor.hello.from;
    absl::StatusOr<short> events = visitor.tls->Handshake();
    if (absl::IsUnavailable(events.status())) return false;  // as if it had never come
    STATOR_RETURN_IF_ERROR(events.status());
    visitor.events = *events;
    if (*events != 0) return true;
    if (Expected(visitor.hello)) {
      channels_[from] = FramedChannel(std::move(visitor.tls), options_.tasks[from]);
    }
    return false;
  }

  // False: the visitor has become a channel, or is closed.
  absl::StatusOr<bool> Admit(Visitor& visitor) {
    if (!CheckProof(options_.generation, visitor.hello, visitor.answer, visitor.proof) ||
        !Expected(visitor.hello)) {
      return false;
    }
    const uint32_t from = visitor.hello.from;
    const std::string& name = options_.tasks[from];
    if (WireOf(tls_, visitor.local) == Wire::kTls) {
      STATOR_ASSIGN_OR_RETURN(visitor.tls, StartTls(options_, *tls_, TlsSide::kAccepts,
                                                    std::move(visitor.fd), static_cast<int>(from)));
      visitor.until_ns = INT64_MAX;  // no stranger: only `control` ends the wait
      return Secure(visitor);
    }
    if (!visitor.local) {
      channels_[from] = TcpChannel(std::move(visitor.fd), name);
      return false;
    }
    STATOR_ASSIGN_OR_RETURN(std::shared_ptr<SharedSegment> segment,
                            SharedSegment::Create(options_.queue_bytes, options_.generation.epoch));
    if (!SendDescriptor(visitor.fd.get(), segment->fd())) return false;
    channels_[from] =
        SharedMemoryChannel(std::move(segment), 0, std::move(visitor.fd), name, arena_);
    return false;
  }

  const MeshOptions& options_;
  const TlsContext* const tls_;
  const std::vector<const Listener*>& listeners_;
  const std::shared_ptr<SharedArena> arena_;
  std::vector<std::unique_ptr<Channel>>& channels_;
  std::list<Visitor> visitors_;
};

}  // namespace

absl::StatusOr<std::vector<std::unique_ptr<Channel>>> ConnectMesh(
    const MeshOptions& options, const std::vector<const Listener*>& listeners,
    const RunControl& control) {
  STATOR_RETURN_IF_ERROR(CheckGeneration(options.generation));
  const size_t tasks = options.tasks.size();
  if (options.addresses.size() != tasks || options.rank < 0 ||
      static_cast<size_t>(options.rank) >= tasks) {
    return absl::InvalidArgumentError(absl::StrCat(
        "mesh: ", tasks, " tasks, ", options.addresses.size(), " addresses, rank ", options.rank));
  }
  std::unique_ptr<TlsContext> tls;
  if (options.tls.has_value()) {
    if (options.tls->hosts.size() != tasks) {
      return absl::InvalidArgumentError(
          absl::StrCat("mesh: ", tasks, " tasks, ", options.tls->hosts.size(), " TLS names"));
    }
    STATOR_ASSIGN_OR_RETURN(tls, TlsContext::Create(options.tls->identity));
  }
  std::vector<std::unique_ptr<Channel>> channels(tasks);
  std::shared_ptr<SharedArena> arena;
  if (tasks > 1) {
    auto created = SharedArena::Create();
    if (created.ok()) arena = *std::move(created);  // else the queues serve
  }
  for (int peer = 0; peer < options.rank; ++peer) {
    auto channel = ConnectTo(options, tls.get(), peer, arena, control);
    if (const absl::Status stop = Stopped(control); !channel.ok() && !stop.ok()) {
      return absl::Status(stop.code(), absl::StrCat("connecting to ", options.tasks[peer], ": ",
                                                    channel.status().message()));
    }
    STATOR_ASSIGN_OR_RETURN(channels[peer], std::move(channel));
  }
  STATOR_RETURN_IF_ERROR(Reception(options, tls.get(), listeners, arena, channels).Run(control));
  return channels;
}

}  // namespace stator::distribute
