#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "distribute/collectives/mesh.h"
#include "distribute/collectives/socket_address.h"
#include "graph/status_macros.h"

namespace stator::distribute {
namespace {

constexpr int kBacklog = 128;

}  // namespace

Listener::Listener(FileDescriptor socket, std::string address, std::string path)
    : socket_(std::move(socket)), address_(std::move(address)), path_(std::move(path)) {}

Listener::~Listener() {
  if (!path_.empty()) unlink(path_.c_str());
}

absl::StatusOr<std::unique_ptr<Listener>> Listener::Create(const std::string& address) {
  STATOR_ASSIGN_OR_RETURN(SocketAddress where, SocketAddress::Parse(address));
  FileDescriptor fd(socket(where.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.valid()) return SocketError(address, "socket");
  if (!where.is_local()) {
    const int on = 1;
    setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  }
  if (bind(fd.get(), where.get(), where.length()) != 0) return SocketError(address, "bind");
  std::string path(where.is_local() ? address.substr(address.find(':') + 1) : "");
  if (where.is_local()) chmod(path.c_str(), 0600);
  if (listen(fd.get(), kBacklog) != 0) return SocketError(address, "listen");
  STATOR_ASSIGN_OR_RETURN(std::string bound, where.BoundAddress(fd.get(), address));
  return std::unique_ptr<Listener>(new Listener(std::move(fd), std::move(bound), std::move(path)));
}

}  // namespace stator::distribute
