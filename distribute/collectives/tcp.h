// Channels over plain TCP.
#ifndef STATOR_DISTRIBUTE_COLLECTIVES_TCP_H_
#define STATOR_DISTRIBUTE_COLLECTIVES_TCP_H_

#include <memory>
#include <string>

#include "distribute/collectives/byte_stream.h"
#include "distribute/collectives/channel.h"
#include "distribute/collectives/file_descriptor.h"

namespace stator::distribute {

// `socket` is connected. Any connected stream socket will do.
std::unique_ptr<ByteStream> SocketStream(FileDescriptor socket);

// Frames over such a socket; it is past its handshake.
std::unique_ptr<Channel> TcpChannel(FileDescriptor socket, std::string peer);

}  // namespace stator::distribute

#endif  // STATOR_DISTRIBUTE_COLLECTIVES_TCP_H_
