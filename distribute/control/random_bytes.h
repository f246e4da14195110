#ifndef STATOR_DISTRIBUTE_CONTROL_RANDOM_BYTES_H_
#define STATOR_DISTRIBUTE_CONTROL_RANDOM_BYTES_H_

#include <sys/random.h>

#include <cstdlib>
#include <string>

namespace stator::distribute {

// Bytes that nobody can guess. At most 256 of them: so few the kernel never gives in part.
inline std::string RandomBytes(size_t count) {
  std::string bytes(count, '\0');
  // Without randomness nothing here would be safe.
  if (getrandom(bytes.data(), count, 0) != static_cast<ssize_t>(count)) std::abort();
  return bytes;
}

}  // namespace stator::distribute

#endif  // STATOR_DISTRIBUTE_CONTROL_RANDOM_BYTES_H_
