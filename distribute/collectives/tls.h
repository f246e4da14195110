// TLS 1.3 between data sockets: both ends show certificates of the job's authority.
//
//   FramedChannel (frames.h)
//         │ plain bytes
//   TlsStream                 records of up to 16 KB, encrypted and authenticated
//         │ records
//   SocketStream (tcp.h)
//
// The end of a stream is what the frames say; a connection that breaks off, by whomever, is a task
// that died. A record that was altered ends the stream with DataLoss before a byte of it is shown.
#ifndef STATOR_DISTRIBUTE_COLLECTIVES_TLS_H_
#define STATOR_DISTRIBUTE_COLLECTIVES_TLS_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "distribute/collectives/byte_stream.h"
#include "distribute/collectives/channel.h"

namespace stator::distribute {

// Who a task is and whom it trusts, in PEM.
struct TlsIdentity {
  std::string authority;    // one or more; no other is trusted, those of the system included
  std::string certificate;  // and, after it, any between it and the authority
  std::string private_key;
  // A key encrypts so many bytes and is replaced: AES-GCM allows some 388 GB.
  uint64_t bytes_per_key = uint64_t{64} << 30;
};

// An identity, read and checked. Threads may share it.
class TlsContext {
 public:
  // InvalidArgument names the part that cannot be read.
  static absl::StatusOr<std::unique_ptr<TlsContext>> Create(const TlsIdentity& identity);
  virtual ~TlsContext() = default;
};

enum class TlsSide { kConnects, kAccepts };

class TlsStream : public ByteStream {
 public:
  // `peer` is the name in errors; `peer_host` the one that its certificate must be for (subject
  // alternative name of kind DNS, without wildcards). `context` may go away.
  static absl::StatusOr<std::unique_ptr<TlsStream>> Create(const TlsContext& context, TlsSide side,
                                                           std::unique_ptr<ByteStream> socket,
                                                           std::string peer,
                                                           const std::string& peer_host);

  // Goes on with the handshake as far as it gets without waiting. Returns the poll() events that it
  // needs to go on, 0 when both ends have accepted each other. PermissionDenied: one end refused
  // the other, and why; Unavailable: the connection closed.
  virtual absl::StatusOr<short> Handshake() = 0;
};

}  // namespace stator::distribute

#endif  // STATOR_DISTRIBUTE_COLLECTIVES_TLS_H_
