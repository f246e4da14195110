#include "distribute/launch/ports.h"

#include <netdb.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstddef>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace stator::distribute {
namespace {

// Nobody has it but sockets of the past (TIME_WAIT), which servers may bind beside.
bool CanListen(const addrinfo& address) {
  const FileDescriptor probe(socket(address.ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int yes = 1;
  setsockopt(probe.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
  return probe.valid() && bind(probe.get(), address.ai_addr, address.ai_addrlen) == 0 &&
         listen(probe.get(), 1) == 0;
}

// A name that one socket of this network namespace can have, and that goes with it.
FileDescriptor TakeName(const std::string& name) {
  FileDescriptor holder(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  // The first byte is 0: no file.
  const size_t length = name.copy(address.sun_path + 1, sizeof(address.sun_path) - 1);
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + length);
  const auto* const where = reinterpret_cast<const sockaddr*>(&address);
  if (!holder.valid() || bind(holder.get(), where, size) != 0) return {};
  return holder;
}

}  // namespace

absl::StatusOr<ReservedPort> ReservePort(const std::string& host, int first, int last, int start) {
  const int count = last - first + 1;
  for (int i = 0; i < count; ++i) {
    const int port = first + (start + i) % count;
    // First, so that nobody tries a port that its owner is about to listen on.
    FileDescriptor holder = TakeName(absl::StrCat("stator port ", port));
    if (!holder.valid()) continue;
    addrinfo hints = {};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (getaddrinfo(host.c_str(), absl::StrCat(port).c_str(), &hints, &found) != 0) {
      return absl::InvalidArgumentError(absl::StrCat("host ", host, " has no address"));
    }
    const bool free = CanListen(*found);
    freeaddrinfo(found);
    if (free) return ReservedPort{port, std::move(holder)};
  }
  return absl::ResourceExhaustedError(
      absl::StrCat("network.ports: none of ", first, "-", last, " is free on ", host));
}

std::string HostPort(const std::string& host, int port) {
  const bool brackets = absl::StrContains(host, ':') && !absl::StartsWith(host, "[");
  return absl::StrCat(brackets ? "[" : "", host, brackets ? "]:" : ":", port);
}

}  // namespace stator::distribute
