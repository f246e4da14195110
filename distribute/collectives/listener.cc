#include <openssl/rand.h>
#include <sys/socket.h>

#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "distribute/collectives/mesh.h"
#include "distribute/collectives/socket_address.h"
#include "graph/status_macros.h"

namespace stator::distribute {
namespace {

constexpr int kBacklog = 128;
const std::string kAnyName = "unix:";

std::string DrawName() {
  unsigned char bytes[16];
  RAND_bytes(bytes, sizeof(bytes));
  return absl::StrCat("stator-", absl::BytesToHexString(absl::string_view(
                                     reinterpret_cast<const char*>(bytes), sizeof(bytes))));
}

}  // namespace

absl::StatusOr<std::unique_ptr<Listener>> Listener::Create(const std::string& wanted) {
  const std::string address = wanted == kAnyName ? kAnyName + DrawName() : wanted;
  STATOR_ASSIGN_OR_RETURN(SocketAddress where, SocketAddress::Parse(address));
  FileDescriptor fd(socket(where.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.valid()) return SocketError(address, "socket");
  if (!where.is_local()) {
    const int on = 1;
    setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  }
  if (bind(fd.get(), where.get(), where.length()) != 0) return SocketError(address, "bind");
  if (listen(fd.get(), kBacklog) != 0) return SocketError(address, "listen");
  STATOR_ASSIGN_OR_RETURN(std::string bound, where.BoundAddress(fd.get(), address));
  return std::unique_ptr<Listener>(new Listener(std::move(fd), std::move(bound), where.is_local()));
}

}  // namespace stator::distribute
