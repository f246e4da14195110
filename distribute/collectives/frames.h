// A channel over a stream of bytes.
//
// A message travels as frames: 4 bytes length and 4 bytes kind (little-endian), then so many bytes.
// Frames bound how long a task that gives up must go on before it can say so.
#ifndef STATOR_DISTRIBUTE_COLLECTIVES_FRAMES_H_
#define STATOR_DISTRIBUTE_COLLECTIVES_FRAMES_H_

#include <memory>
#include <string>

#include "distribute/collectives/byte_stream.h"
#include "distribute/collectives/channel.h"

namespace stator::distribute {

// `stream` is past its handshake.
std::unique_ptr<Channel> FramedChannel(std::unique_ptr<ByteStream> stream, std::string peer);

}  // namespace stator::distribute

#endif  // STATOR_DISTRIBUTE_COLLECTIVES_FRAMES_H_
