#include "formats/inflate.h"

#include <fcntl.h>
#include <unistd.h>
#include <zlib.h>

#include <cerrno>
#include <cstdlib>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "formats/file.h"
#include "graph/status_macros.h"

namespace stator::formats {
namespace {

constexpr size_t kChunk = size_t{1} << 18;
constexpr int kGzipOrZlib = 15 + 32;  // told apart by content; windows of any size

class Inflating {
 public:
  Inflating(int in, int out, const std::string& path, int64_t max_bytes)
      : in_(in), out_(out), path_(path), max_bytes_(max_bytes) {}
  ~Inflating() { inflateEnd(&stream_); }

  absl::Status Run() {
    if (inflateInit2(&stream_, kGzipOrZlib) != Z_OK) {
      return absl::ResourceExhaustedError("no memory to unpack a file");
    }
    bool ended = false;
    bool more = false;  // than there was room for
    while (true) {
      if (stream_.avail_in == 0 && !more) {
        STATOR_RETURN_IF_ERROR(Fill());
        if (stream_.avail_in == 0) break;
      }
      // What follows a gzip stream is another one.
      if (ended && inflateReset(&stream_) != Z_OK) return Damaged();
      stream_.next_out = unpacked_.data();
      stream_.avail_out = kChunk;
      const int result = inflate(&stream_, Z_NO_FLUSH);
      if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR) return Damaged();
      ended = result == Z_STREAM_END;
      more = !ended && stream_.avail_out == 0;
      STATOR_RETURN_IF_ERROR(Write(kChunk - stream_.avail_out));
    }
    return ended ? absl::OkStatus() : Damaged();
  }

 private:
  absl::Status Damaged() const {
    return absl::DataLossError(absl::StrCat(
        path_, ": compressed, and at offset ", read_ - static_cast<int64_t>(stream_.avail_in), " ",
        stream_.msg != nullptr ? stream_.msg : "it ends in the middle of a stream"));
  }

  absl::Status Fill() {
    ssize_t n;
    do {
      n = pread(in_, packed_.data(), kChunk, read_);
    } while (n < 0 && errno == EINTR);
    if (n < 0) return ErrnoStatus("cannot read", path_);
    read_ += n;
    stream_.next_in = packed_.data();
    stream_.avail_in = static_cast<unsigned>(n);
    return absl::OkStatus();
  }

  absl::Status Write(size_t bytes) {
    written_ += static_cast<int64_t>(bytes);
    if (written_ > max_bytes_) {
      return absl::ResourceExhaustedError(
          absl::StrCat(path_, ": unpacks to more than the allowed ", max_bytes_, " bytes"));
    }
    for (size_t done = 0; done < bytes;) {
      const ssize_t n = write(out_, unpacked_.data() + done, bytes - done);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return ErrnoStatus("cannot unpack", path_);
      done += static_cast<size_t>(n);
    }
    return absl::OkStatus();
  }

  const int in_;
  const int out_;
  const std::string& path_;
  const int64_t max_bytes_;
  z_stream stream_ = {};
  std::vector<Bytef> packed_ = std::vector<Bytef>(kChunk);
  std::vector<Bytef> unpacked_ = std::vector<Bytef>(kChunk);
  int64_t read_ = 0;
  int64_t written_ = 0;
};

absl::StatusOr<int> NamelessFile() {
  const char* const folder = std::getenv("TMPDIR");
  std::string name =
      absl::StrCat(folder != nullptr && *folder != '\0' ? folder : "/tmp", "/unpacked-XXXXXX");
  const int fd = mkostemp(name.data(), O_CLOEXEC);
  if (fd < 0) return ErrnoStatus("cannot make a file", name);
  unlink(name.c_str());
  return fd;
}

}  // namespace

absl::StatusOr<int> InflateToTemporary(int fd, const std::string& path, int64_t max_bytes) {
  STATOR_ASSIGN_OR_RETURN(const int out, NamelessFile());
  const absl::Status status = Inflating(fd, out, path, max_bytes).Run();
  if (status.ok()) return out;
  close(out);
  return status;
}

}  // namespace stator::formats
