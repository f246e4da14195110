#ifndef STATOR_FORMATS_IDX_H_
#define STATOR_FORMATS_IDX_H_

// IDX files, the form in which MNIST is published:
//
//   bytes 0-1  zero
//   byte  2    element type; 0x08 (unsigned byte) is the only one that MNIST uses and that is read
//   here byte  3    rank then       one big-endian u32 per dimension then       the elements, row
//   major, to the end of the file

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace stator::formats {

struct IdxArray {
  std::vector<int64_t> dims;
  std::vector<uint8_t> values;  // row major; its size is the product of dims
};

// Reads a plain or gzip-compressed file (told apart by content). Memory stays in proportion to what
// the file really holds, and below `max_bytes`. Errors name the file and the offset of the
// uncompressed bytes.
absl::StatusOr<IdxArray> ReadIdx(const std::string& path, int64_t max_bytes = int64_t{1} << 31);

// Reads `path`, or `path` + ".gz" if only that exists.
absl::StatusOr<IdxArray> ReadIdxOrGz(const std::string& path);

// Writes a plain file, aside first, so that a reader never sees half of one.
absl::Status WriteIdx(const std::string& path, const IdxArray& array);

}  // namespace stator::formats

#endif  // STATOR_FORMATS_IDX_H_
