// Preloaded into tasks: their data sockets connect through the proxy of faults.py, which listens on
// the port FAULT_PROXY of loopback. It is asked for a port that leads to the address that was meant.
// Connections to the coordinator are left alone.
#include <arpa/inet.h>
#include <dlfcn.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

using Connect = int (*)(int, const sockaddr*, socklen_t);

int PortAfterColon(const char* name) {
  const char* value = std::getenv(name);
  const char* colon = value == nullptr ? nullptr : std::strrchr(value, ':');
  return colon == nullptr ? 0 : std::atoi(colon + 1);
}

// 0 where the proxy does not answer.
int AskProxy(Connect connect_to, int proxy, const sockaddr_in& target) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in where = {};
  where.sin_family = AF_INET;
  where.sin_port = htons(static_cast<uint16_t>(proxy));
  where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int port = 0;
  if (connect_to(fd, reinterpret_cast<const sockaddr*>(&where), sizeof(where)) == 0) {
    char text[64], host[INET_ADDRSTRLEN] = {};
    inet_ntop(AF_INET, &target.sin_addr, host, sizeof(host));
    const int length = std::snprintf(text, sizeof(text), "%s %d\n", host, ntohs(target.sin_port));
    if (send(fd, text, static_cast<size_t>(length), MSG_NOSIGNAL) == length) {
      const ssize_t got = recv(fd, text, sizeof(text) - 1, 0);
      if (got > 0) {
        text[got] = 0;
        port = std::atoi(text);
      }
    }
  }
  close(fd);
  return port;
}

}  // namespace

extern "C" int connect(int fd, const sockaddr* address, socklen_t length) {
  static const Connect real = reinterpret_cast<Connect>(dlsym(RTLD_NEXT, "connect"));
  const char* proxy = std::getenv("FAULT_PROXY");
  if (proxy == nullptr || address->sa_family != AF_INET) return real(fd, address, length);
  sockaddr_in target;
  std::memcpy(&target, address, sizeof(target));
  const int coordinator = PortAfterColon("STATOR_COORDINATOR");
  if (coordinator == 0 || ntohs(target.sin_port) == coordinator) return real(fd, address, length);
  const int port = AskProxy(real, std::atoi(proxy), target);
  if (port == 0) {
    errno = ECONNREFUSED;
    return -1;
  }
  target.sin_port = htons(static_cast<uint16_t>(port));
  target.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return real(fd, reinterpret_cast<const sockaddr*>(&target), sizeof(target));
}
