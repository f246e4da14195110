#include "distribute/collectives/tcp.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "distribute/collectives/frames.h"

namespace stator::distribute {
namespace {

msghdr MessageOf(absl::Span<const iovec> parts) {
  msghdr message = {};
  message.msg_iov = const_cast<iovec*>(parts.data());
  message.msg_iovlen = parts.size();
  return message;
}

ssize_t NotNow() { return errno == EAGAIN || errno == EINTR ? 0 : ByteStream::kEnded; }

class PlainStream final : public ByteStream {
 public:
  explicit PlainStream(FileDescriptor socket) : socket_(std::move(socket)) {
    fcntl(socket_.get(), F_SETFL, fcntl(socket_.get(), F_GETFL) | O_NONBLOCK);
    const int on = 1;  // fails on other kinds of sockets, which need no help
    (void)setsockopt(socket_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  }

  int fd() const override { return socket_.get(); }

  ssize_t Send(absl::Span<const iovec> parts) override {
    const msghdr message = MessageOf(parts);
    const ssize_t count = sendmsg(socket_.get(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    return count >= 0 ? count : NotNow();
  }

  ssize_t Receive(absl::Span<const iovec> parts) override {
    msghdr message = MessageOf(parts);
    const ssize_t count = recvmsg(socket_.get(), &message, MSG_DONTWAIT);
    if (count == 0) return kEnded;
    return count > 0 ? count : NotNow();
  }

 private:
  FileDescriptor socket_;
};

}  // namespace

std::unique_ptr<ByteStream> SocketStream(FileDescriptor socket) {
  return std::make_unique<PlainStream>(std::move(socket));
}

std::unique_ptr<Channel> TcpChannel(FileDescriptor socket, std::string peer) {
  return FramedChannel(SocketStream(std::move(socket)), std::move(peer));
}

}  // namespace stator::distribute
