// File descriptors over a Unix socket.
#ifndef STATOR_DISTRIBUTE_COLLECTIVES_DESCRIPTOR_MESSAGE_H_
#define STATOR_DISTRIBUTE_COLLECTIVES_DESCRIPTOR_MESSAGE_H_

#include <sys/types.h>

#include <cstddef>

#include "distribute/collectives/file_descriptor.h"

namespace stator::distribute {

// Sends a byte that carries a copy of `fd`; never blocks.
bool SendDescriptor(int socket, int fd);

// As recv() without waiting; `file` becomes the descriptor that one of the bytes carried, if any.
ssize_t ReceiveDescriptor(int socket, char* bytes, size_t count, FileDescriptor* file);

}  // namespace stator::distribute

#endif  // STATOR_DISTRIBUTE_COLLECTIVES_DESCRIPTOR_MESSAGE_H_
