// What lies below the frames of a channel: the bytes of a connected socket, plain or encrypted.
#ifndef STATOR_DISTRIBUTE_COLLECTIVES_BYTE_STREAM_H_
#define STATOR_DISTRIBUTE_COLLECTIVES_BYTE_STREAM_H_

#include <sys/types.h>
#include <sys/uio.h>

#include "absl/status/status.h"
#include "absl/types/span.h"

namespace stator::distribute {

// Bytes in order, both ways, never blocking. One thread at a time uses a stream.
class ByteStream {
 public:
  static constexpr ssize_t kEnded = -1;

  virtual ~ByteStream() = default;

  // The socket, to sleep on: readable for Receive, writable for Send.
  virtual int fd() const = 0;

  // Takes leading bytes of `parts` and says how many; 0: none fit now; kEnded: none ever will. What
  // was offered when it answered 0 is as good as sent: the next call offers at least as many bytes,
  // and the earlier ones may be those that travel.
  virtual ssize_t Send(absl::Span<const iovec> parts) = 0;

  // Fills leading bytes of `parts` and says how many; 0: none are here now; kEnded: none will come.
  virtual ssize_t Receive(absl::Span<const iovec> parts) = 0;

  // Bytes that have left the socket and wait for Receive: poll() does not show them.
  virtual bool holds_bytes() const { return false; }

  // Why it ended, if that is more than a connection that closed.
  virtual absl::Status failure() const { return absl::OkStatus(); }
};

}  // namespace stator::distribute

#endif  // STATOR_DISTRIBUTE_COLLECTIVES_BYTE_STREAM_H_
