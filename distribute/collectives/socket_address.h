// Addresses of data sockets: tcp:HOST:PORT and unix:NAME.
#ifndef STATOR_DISTRIBUTE_COLLECTIVES_SOCKET_ADDRESS_H_
#define STATOR_DISTRIBUTE_COLLECTIVES_SOCKET_ADDRESS_H_

#include <sys/socket.h>

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace stator::distribute {

class SocketAddress {
 public:
  // Looks names up, which may block. The first address of a name counts.
  static absl::StatusOr<SocketAddress> Parse(const std::string& text);

  int family() const { return storage_.ss_family; }
  bool is_local() const { return storage_.ss_family == AF_UNIX; }
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage_); }
  socklen_t length() const { return length_; }

  // `text` with the port that the bound `socket` really has.
  absl::StatusOr<std::string> BoundAddress(int socket, const std::string& text) const;

 private:
  sockaddr_storage storage_ = {};
  socklen_t length_ = 0;
};

// Unavailable: "tcp:10.0.0.1:80: connect: Connection refused", from errno.
absl::Status SocketError(const std::string& address, const char* call);

}  // namespace stator::distribute

#endif  // STATOR_DISTRIBUTE_COLLECTIVES_SOCKET_ADDRESS_H_
