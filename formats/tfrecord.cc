#include "formats/tfrecord.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "formats/crc32c.h"
#include "formats/inflate.h"
#include "graph/status_macros.h"

namespace stator::formats {
namespace {

static_assert(std::endian::native == std::endian::little, "numbers are copied as they lie");

constexpr int64_t kLength = 8;
constexpr int64_t kHeader = kLength + 4;
constexpr int64_t kFooter = 4;

template <typename T>
T Number(const char* bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof(value));
  return value;
}

template <typename T>
absl::string_view View(const T& value) {
  return absl::string_view(reinterpret_cast<const char*>(&value), sizeof(value));
}

// Fewer bytes than asked for only at the end of the file.
absl::StatusOr<int64_t> ReadAt(int fd, const std::string& path, int64_t offset, int64_t size,
                               char* out) {
  int64_t done = 0;
  while (done < size) {
    const ssize_t n = pread(fd, out + done, static_cast<size_t>(size - done), offset + done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return ErrnoStatus("cannot read", path);
    if (n == 0) break;
    done += n;
  }
  return done;
}

// The part of a file around the headers that are looked at, one after the other.
class Window {
 public:
  Window(int fd, std::string path) : fd_(fd), path_(std::move(path)), bytes_(kSize, '\0') {}

  // Null if the file ends before.
  absl::StatusOr<const char*> HeaderAt(int64_t offset) {
    if (offset < begin_ || offset + kHeader > begin_ + size_) {
      begin_ = offset;
      STATOR_ASSIGN_OR_RETURN(size_, ReadAt(fd_, path_, offset, kSize, &bytes_[0]));
    }
    if (offset + kHeader > begin_ + size_) return static_cast<const char*>(nullptr);
    return static_cast<const char*>(bytes_.data() + (offset - begin_));
  }

 private:
  static constexpr int64_t kSize = 1 << 14;
  int fd_;
  std::string path_;
  std::string bytes_;
  int64_t begin_ = 0;
  int64_t size_ = 0;
};

bool LooksCompressed(const char* header) {
  const unsigned char first = header[0], second = header[1];
  return (first == 0x1f && second == 0x8b) || (first == 0x78 && (first * 256 + second) % 31 == 0);
}

}  // namespace

absl::StatusOr<TfRecordFile> TfRecordFile::Open(const std::string& path,
                                                const TfRecordOptions& options) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return ErrnoStatus("cannot open", path);
  TfRecordFile file(path, fd);
  STATOR_RETURN_IF_ERROR(file.FindRecords(options));
  return file;
}

TfRecordFile::TfRecordFile(TfRecordFile&& other) noexcept
    : path_(std::move(other.path_)),
      fd_(std::exchange(other.fd_, -1)),
      unpacked_(other.unpacked_),
      offsets_(std::move(other.offsets_)) {}

TfRecordFile::~TfRecordFile() {
  if (fd_ >= 0) close(fd_);
}

std::string TfRecordFile::Place(int64_t index) const {
  return absl::StrCat(path_, ": record ", index, unpacked_ ? " at unpacked offset " : " at offset ",
                      offsets_[index], ": ");
}

absl::Status TfRecordFile::FindRecords(const TfRecordOptions& options) {
  struct stat info;
  if (fstat(fd_, &info) != 0) return ErrnoStatus("cannot examine", path_);
  const int64_t size = info.st_size;
  Window window(fd_, path_);
  offsets_.push_back(0);
  while (offsets_.back() < size) {
    const int64_t offset = offsets_.back();
    const int64_t index = count();
    STATOR_ASSIGN_OR_RETURN(const char* header, window.HeaderAt(offset));
    if (header == nullptr) {
      if (options.allow_short_tail) break;
      return absl::DataLossError(absl::StrCat(Place(index), "expected ", kHeader,
                                              " bytes of length and checksum, found ",
                                              size - offset));
    }
    const uint64_t length = Number<uint64_t>(header);
    const uint32_t crc = UnmaskCrc32c(Number<uint32_t>(header + kLength));
    if (Crc32c(absl::string_view(header, kLength)) != crc) {
      if (index == 0 && !unpacked_ && LooksCompressed(header)) return Unpack(options);
      return absl::DataLossError(absl::StrCat(Place(index), "the checksum of its length is wrong"));
    }
    if (length > static_cast<uint64_t>(options.max_record_bytes)) {
      return absl::ResourceExhaustedError(absl::StrCat(Place(index), "its ", length,
                                                       " bytes are more than the allowed ",
                                                       options.max_record_bytes));
    }
    const int64_t end = offset + kHeader + static_cast<int64_t>(length) + kFooter;
    if (end > size) {
      if (options.allow_short_tail) break;
      return absl::DataLossError(
          absl::StrCat(Place(index), "expected ", end - offset, " bytes, found ", size - offset));
    }
    offsets_.push_back(end);
  }
  return absl::OkStatus();
}

absl::Status TfRecordFile::Unpack(const TfRecordOptions& options) {
  STATOR_ASSIGN_OR_RETURN(const int fd, InflateToTemporary(fd_, path_, options.max_unpacked_bytes));
  close(fd_);
  fd_ = fd;
  unpacked_ = true;
  offsets_.clear();
  return FindRecords(options);
}

absl::StatusOr<std::string> TfRecordFile::Read(int64_t index) const {
  if (index < 0 || index >= count()) {
    return absl::OutOfRangeError(
        absl::StrCat(path_, ": expected a record below ", count(), ", found ", index));
  }
  const int64_t begin = offsets_[index] + kHeader;
  const int64_t size = offsets_[index + 1] - begin;
  std::string bytes(static_cast<size_t>(size), '\0');
  STATOR_ASSIGN_OR_RETURN(const int64_t found, ReadAt(fd_, path_, begin, size, &bytes[0]));
  const int64_t length = size - kFooter;
  if (found < size || Crc32c(absl::string_view(bytes.data(), length)) !=
                          UnmaskCrc32c(Number<uint32_t>(bytes.data() + length))) {
    return absl::DataLossError(
        absl::StrCat(Place(index), "the checksum of its ", length, " bytes is wrong"));
  }
  bytes.resize(static_cast<size_t>(length));
  return bytes;
}

absl::StatusOr<TfRecordWriter> TfRecordWriter::Create(const std::string& path) {
  STATOR_ASSIGN_OR_RETURN(AtomicFile file, AtomicFile::Create(path));
  return TfRecordWriter(std::move(file));
}

absl::Status TfRecordWriter::Append(absl::string_view record) {
  const uint64_t length = record.size();
  STATOR_RETURN_IF_ERROR(file_.Append(View(length)));
  STATOR_RETURN_IF_ERROR(file_.Append(View(MaskCrc32c(Crc32c(View(length))))));
  STATOR_RETURN_IF_ERROR(file_.Append(record));
  return file_.Append(View(MaskCrc32c(Crc32c(record))));
}

}  // namespace stator::formats
