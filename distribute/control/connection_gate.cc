#include "distribute/control/connection_gate.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "distribute/control/clock.h"

namespace stator::distribute {
namespace {

constexpr int kBacklog = 128;
constexpr int kReviewMs = 500;

// "10.0.0.1:4711", "[::1]:4711"; "" where it is not known. An IPv4 address in IPv6's clothes is
// written as what it is.
std::string PeerName(int socket) {
  sockaddr_storage storage = {};
  socklen_t length = sizeof(storage);
  if (getpeername(socket, reinterpret_cast<sockaddr*>(&storage), &length) != 0) return "";
  char text[INET6_ADDRSTRLEN] = {};
  if (storage.ss_family == AF_INET) {
    const auto& address = reinterpret_cast<const sockaddr_in&>(storage);
    inet_ntop(AF_INET, &address.sin_addr, text, sizeof(text));
    return absl::StrCat(text, ":", ntohs(address.sin_port));
  }
  const auto& address = reinterpret_cast<const sockaddr_in6&>(storage);
  if (IN6_IS_ADDR_V4MAPPED(&address.sin6_addr)) {
    inet_ntop(AF_INET, address.sin6_addr.s6_addr + 12, text, sizeof(text));
    return absl::StrCat(text, ":", ntohs(address.sin6_port));
  }
  inet_ntop(AF_INET6, &address.sin6_addr, text, sizeof(text));
  return absl::StrCat("[", text, "]:", ntohs(address.sin6_port));
}

// The same of what gRPC says.
std::string PeerName(absl::string_view uri) {
  const size_t colon = uri.find(':');
  if (colon != absl::string_view::npos && uri.substr(0, 2) == "ip") uri.remove_prefix(colon + 1);
  return absl::StrReplaceAll(uri, {{"%5B", "["}, {"%5D", "]"}, {"%5b", "["}, {"%5d", "]"}});
}

ino_t InodeOf(int socket) {
  struct stat about = {};
  return fstat(socket, &about) == 0 && S_ISSOCK(about.st_mode) ? about.st_ino : 0;
}

// Ends a connection that somebody else owns, if its descriptor still stands for it.
void Close(int socket, ino_t inode) {
  const int same = fcntl(socket, F_DUPFD_CLOEXEC, 0);
  if (same < 0) return;
  if (InodeOf(same) == inode) shutdown(same, SHUT_RDWR);
  close(same);
}

absl::Status Failed(const std::string& address, const char* call) {
  return absl::UnavailableError(
      absl::StrCat("control: cannot listen on ", address, ": ", call, ": ", std::strerror(errno)));
}

absl::StatusOr<int> ListenOn(const std::string& address, const addrinfo& where) {
  const int fd = socket(where.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return Failed(address, "socket");
  const int on = 1, off = 0;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  // All of IPv6 is all of IPv4 too.
  if (where.ai_family == AF_INET6) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
  if (bind(fd, where.ai_addr, where.ai_addrlen) == 0 && listen(fd, kBacklog) == 0) return fd;
  const absl::Status status = Failed(address, "bind");
  close(fd);
  return status;
}

}  // namespace

absl::StatusOr<std::unique_ptr<ConnectionGate>> ConnectionGate::Listen(const std::string& address,
                                                                       GateLimits limits) {
  const size_t colon = address.rfind(':');
  if (colon == std::string::npos) {
    return absl::InvalidArgumentError(
        absl::StrCat("control address: expected HOST:PORT, found '", address, "'"));
  }
  const std::string outer = address.substr(0, colon);
  const bool brackets = outer.size() > 2 && outer.front() == '[' && outer.back() == ']';
  const std::string host = brackets ? outer.substr(1, outer.size() - 2) : outer;
  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(host.empty() ? nullptr : host.c_str(), address.c_str() + colon + 1,
                                &hints, &found);
  if (error != 0) {
    return absl::UnavailableError(
        absl::StrCat("control: cannot listen on ", address, ": ", gai_strerror(error)));
  }
  absl::StatusOr<int> fd = ListenOn(address, *found);
  freeaddrinfo(found);
  if (!fd.ok()) return fd.status();
  sockaddr_storage bound = {};
  socklen_t length = sizeof(bound);
  getsockname(*fd, reinterpret_cast<sockaddr*>(&bound), &length);
  const uint16_t port = bound.ss_family == AF_INET6
                            ? reinterpret_cast<const sockaddr_in6&>(bound).sin6_port
                            : reinterpret_cast<const sockaddr_in&>(bound).sin_port;
  return std::unique_ptr<ConnectionGate>(
      new ConnectionGate(*fd, absl::StrCat(outer, ":", ntohs(port)), limits));
}

ConnectionGate::ConnectionGate(int listener, std::string address, GateLimits limits)
    : listener_(listener),
      address_(std::move(address)),
      limits_(limits),
      wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

void ConnectionGate::Shut() {
  if (listener_ < 0) return;
  if (thread_.joinable()) {
    eventfd_write(wake_, 1);
    thread_.join();
  }
  close(std::exchange(listener_, -1));
  close(wake_);
}

void ConnectionGate::Open(std::function<void(int socket)> take) {
  take_ = std::move(take);
  thread_ = std::thread([this] { Run(); });
}

void ConnectionGate::Run() {
  while (true) {
    pollfd waits[] = {{listener_, POLLIN, 0}, {wake_, POLLIN, 0}};
    poll(waits, 2, kReviewMs);
    if (waits[1].revents != 0) return;
    if (waits[0].revents != 0) Accept();
    Review();
  }
}

void ConnectionGate::Accept() {
  const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (fd < 0) {
    if (errno != EAGAIN && errno != ECONNABORTED) usleep(10'000);  // no descriptors are left
    return;
  }
  const std::string peer = PeerName(fd);
  if (peer.empty()) {  // gone already
    close(fd);
    return;
  }
  Remember(fd, peer);
  take_(fd);
}

void ConnectionGate::Remember(int socket, const std::string& peer) {
  std::lock_guard<std::mutex> lock(mutex_);
  strangers_.push_back(
      {socket, InodeOf(socket), peer, SteadyClock::Get().Now() + limits_.patience});
}

void ConnectionGate::Review() {
  std::lock_guard<std::mutex> lock(mutex_);
  strangers_.remove_if([](const Stranger& one) { return InodeOf(one.socket) != one.inode; });
  const absl::Time now = SteadyClock::Get().Now();
  while (!strangers_.empty() && (static_cast<int>(strangers_.size()) > limits_.strangers ||
                                 strangers_.front().until <= now)) {
    Close(strangers_.front().socket, strangers_.front().inode);
    strangers_.pop_front();
  }
}

void ConnectionGate::Trust(absl::string_view peer) {
  const std::string name = PeerName(peer);
  std::lock_guard<std::mutex> lock(mutex_);
  strangers_.remove_if([&](const Stranger& one) { return one.peer == name; });
}

}  // namespace stator::distribute
