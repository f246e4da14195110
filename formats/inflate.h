#ifndef STATOR_FORMATS_INFLATE_H_
#define STATOR_FORMATS_INFLATE_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"

namespace stator::formats {

// Unpacks the gzip or zlib stream (several gzip members are one) that `fd` holds from its beginning
// into a file without a name, in TMPDIR or /tmp, whose descriptor is the caller's to close. Errors
// name `path` and the offset in it: kDataLoss for a stream that is damaged or ends early,
// kResourceExhausted beyond `max_bytes` or on a full disk.
absl::StatusOr<int> InflateToTemporary(int fd, const std::string& path, int64_t max_bytes);

}  // namespace stator::formats

#endif  // STATOR_FORMATS_INFLATE_H_
