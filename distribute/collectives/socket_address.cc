#include "distribute/collectives/socket_address.h"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <cerrno>
#include <cstddef>
#include <cstring>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace stator::distribute {
namespace {

constexpr char kTcp[] = "tcp:";
constexpr char kUnix[] = "unix:";

}  // namespace

absl::Status SocketError(const std::string& address, const char* call) {
  return absl::UnavailableError(absl::StrCat(address, ": ", call, ": ", std::strerror(errno)));
}

absl::StatusOr<SocketAddress> SocketAddress::Parse(const std::string& text) {
  SocketAddress result;
  if (absl::StartsWith(text, kUnix)) {
    const std::string name = text.substr(sizeof(kUnix) - 1);
    auto* address = reinterpret_cast<sockaddr_un*>(&result.storage_);
    if (name.empty() || name.size() >= sizeof(address->sun_path)) {
      return absl::InvalidArgumentError(absl::StrCat(text, ": the name of a Unix socket has 1 to ",
                                                     sizeof(address->sun_path) - 1, " bytes"));
    }
    address->sun_family = AF_UNIX;
    // After a zero: a name that the kernel alone keeps, and forgets with the socket.
    std::memcpy(address->sun_path + 1, name.data(), name.size());
    result.length_ = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
    return result;
  }
  const size_t colon = text.rfind(':');
  if (!absl::StartsWith(text, kTcp) || colon < sizeof(kTcp)) {
    return absl::InvalidArgumentError(
        absl::StrCat("data address: expected tcp:HOST:PORT or unix:NAME, found ", text));
  }
  std::string host = text.substr(sizeof(kTcp) - 1, colon - sizeof(kTcp) + 1);
  if (host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(host.c_str(), text.c_str() + colon + 1, &hints, &found);
  if (error != 0) {
    return absl::UnavailableError(absl::StrCat(text, ": ", gai_strerror(error)));
  }
  std::memcpy(&result.storage_, found->ai_addr, found->ai_addrlen);
  result.length_ = found->ai_addrlen;
  freeaddrinfo(found);
  return result;
}

absl::StatusOr<std::string> SocketAddress::BoundAddress(int socket, const std::string& text) const {
  if (is_local()) return text;
  sockaddr_storage bound = {};
  socklen_t length = sizeof(bound);
  if (getsockname(socket, reinterpret_cast<sockaddr*>(&bound), &length) != 0) {
    return SocketError(text, "getsockname");
  }
  const uint16_t port = bound.ss_family == AF_INET6
                            ? reinterpret_cast<sockaddr_in6*>(&bound)->sin6_port
                            : reinterpret_cast<sockaddr_in*>(&bound)->sin_port;
  return absl::StrCat(text.substr(0, text.rfind(':') + 1), ntohs(port));
}

}  // namespace stator::distribute
