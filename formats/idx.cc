#include "formats/idx.h"

#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <memory>

#include "absl/strings/str_cat.h"
#include "formats/file.h"
#include "graph/status_macros.h"

namespace stator::formats {
namespace {

constexpr uint8_t kUnsignedByte = 0x08;
constexpr size_t kChunk = size_t{1} << 20;

struct GzClose {
  void operator()(gzFile file) const { gzclose(file); }
};
using Gz = std::unique_ptr<gzFile_s, GzClose>;

absl::Status Fail(const std::string& path, int64_t offset, const std::string& what) {
  return absl::DataLossError(absl::StrCat(path, ": offset ", offset, ": ", what));
}

// Fills `out` as far as the file goes and returns how far that was. A damaged gzip stream is an
// error.
absl::StatusOr<size_t> ReadUpTo(const std::string& path, gzFile file, int64_t offset, uint8_t* out,
                                size_t size) {
  size_t got = 0;
  while (got < size) {
    const int n = gzread(file, out + got, static_cast<unsigned>(std::min(size - got, kChunk)));
    // A stream that just stops is reported as an end of file with an error pending.
    int code = Z_OK;
    const char* reason = n <= 0 ? gzerror(file, &code) : "";
    if (n < 0 || code < 0) {
      return Fail(path, offset + got, absl::StrCat("damaged gzip data: ", reason));
    }
    if (n == 0) break;
    got += n;
  }
  return got;
}

absl::StatusOr<std::vector<int64_t>> ReadHeader(const std::string& path, gzFile file,
                                                int64_t max_bytes) {
  uint8_t magic[4];
  STATOR_ASSIGN_OR_RETURN(const size_t got, ReadUpTo(path, file, 0, magic, 4));
  if (got < 4) return Fail(path, got, "expected a 4-byte IDX header, found the end of the file");
  if (magic[0] != 0 || magic[1] != 0) {
    return Fail(path, 0,
                absl::StrCat("expected an IDX file's two zero bytes, found ", int{magic[0]},
                             " and ", int{magic[1]}));
  }
  if (magic[2] != kUnsignedByte) {
    return absl::UnimplementedError(absl::StrCat(path, ": offset 2: IDX element type ",
                                                 int{magic[2]}, " is not supported; expected ",
                                                 int{kUnsignedByte}, " (unsigned byte)"));
  }
  std::vector<int64_t> dims;
  int64_t count = 1;
  for (int i = 0; i < magic[3]; ++i) {
    uint8_t b[4];
    const int64_t offset = 4 + 4 * i;
    STATOR_ASSIGN_OR_RETURN(const size_t dim_bytes, ReadUpTo(path, file, offset, b, 4));
    if (dim_bytes < 4) {
      return Fail(path, offset,
                  absl::StrCat("expected dimension ", i, " of ", int{magic[3]},
                               ", found the end of the file"));
    }
    dims.push_back(int64_t{b[0]} << 24 | b[1] << 16 | b[2] << 8 | b[3]);
    if (__builtin_mul_overflow(count, dims.back(), &count) || count > max_bytes) {
      return Fail(
          path, offset,
          absl::StrCat("the dimensions ask for more than the allowed ", max_bytes, " bytes"));
    }
  }
  return dims;
}

}  // namespace

absl::StatusOr<IdxArray> ReadIdx(const std::string& path, int64_t max_bytes) {
  const Gz file(gzopen(path.c_str(), "rb"));
  if (file == nullptr) return ErrnoStatus("cannot open", path);
  IdxArray array;
  STATOR_ASSIGN_OR_RETURN(array.dims, ReadHeader(path, file.get(), max_bytes));
  size_t count = 1;
  for (const int64_t dim : array.dims) count *= dim;
  const int64_t start = 4 + 4 * static_cast<int64_t>(array.dims.size());

  // Grows with what is really there, not with what the header claims.
  while (array.values.size() < count) {
    const size_t have = array.values.size();
    const size_t want = std::min(count - have, std::max(kChunk, have));
    array.values.resize(have + want);
    STATOR_ASSIGN_OR_RETURN(const size_t got, ReadUpTo(path, file.get(), start + have,
                                                       array.values.data() + have, want));
    if (got < want) {
      return Fail(path, start + have + got,
                  absl::StrCat("expected ", count, " elements, found ", have + got,
                               " before the end of the file"));
    }
  }
  // Reading on to the end also makes zlib verify its checksum.
  uint8_t extra;
  STATOR_ASSIGN_OR_RETURN(const size_t rest, ReadUpTo(path, file.get(), start + count, &extra, 1));
  if (rest != 0) {
    return Fail(
        path, start + count,
        absl::StrCat("expected the end of the file after ", count, " elements, found more bytes"));
  }
  return array;
}

absl::StatusOr<IdxArray> ReadIdxOrGz(const std::string& path) {
  const std::string packed = path + ".gz";
  const bool use_packed = access(path.c_str(), F_OK) != 0 && access(packed.c_str(), F_OK) == 0;
  return ReadIdx(use_packed ? packed : path);
}

absl::Status WriteIdx(const std::string& path, const IdxArray& array) {
  if (array.dims.size() > 255)
    return absl::InvalidArgumentError("IDX holds at most 255 dimensions");
  std::string bytes = {0, 0, static_cast<char>(kUnsignedByte),
                       static_cast<char>(array.dims.size())};
  size_t count = 1;
  for (const int64_t dim : array.dims) {
    if (dim < 0 || dim > int64_t{UINT32_MAX} || __builtin_mul_overflow(count, dim, &count)) {
      return absl::InvalidArgumentError(absl::StrCat("IDX cannot hold a dimension of ", dim));
    }
    for (int shift = 24; shift >= 0; shift -= 8) bytes.push_back(static_cast<char>(dim >> shift));
  }
  if (count != array.values.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("the dimensions hold ", count, " elements, found ", array.values.size()));
  }
  bytes.append(reinterpret_cast<const char*>(array.values.data()), count);
  return WriteFileAtomically(path, bytes);
}

}  // namespace stator::formats
