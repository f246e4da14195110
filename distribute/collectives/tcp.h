// Channels over TCP, between hosts.
//
// A message travels as frames: 4 bytes length and 4 bytes kind (little-endian), then so many bytes.
// Frames bound how long a task that gives up must go on before it can say so.
#ifndef STATOR_DISTRIBUTE_COLLECTIVES_TCP_H_
#define STATOR_DISTRIBUTE_COLLECTIVES_TCP_H_

#include <memory>
#include <string>

#include "distribute/collectives/channel.h"
#include "distribute/collectives/file_descriptor.h"

namespace stator::distribute {

// `socket` is connected, past its handshake. Any connected stream socket will do.
std::unique_ptr<Channel> TcpChannel(FileDescriptor socket, std::string peer);

}  // namespace stator::distribute

#endif  // STATOR_DISTRIBUTE_COLLECTIVES_TCP_H_
