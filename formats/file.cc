#include "formats/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <utility>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"

namespace stator::formats {
namespace {

constexpr size_t kBuffer = size_t{1} << 18;

std::string FolderOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

absl::Status SyncFolder(const std::string& path) {
  const std::string folder = FolderOf(path);
  const int fd = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return ErrnoStatus("cannot open the folder", folder);
  // Some file systems cannot flush a folder and say so with EINVAL; there is nothing better to do.
  const bool failed = fsync(fd) != 0 && errno != EINVAL;
  const absl::Status status = failed ? ErrnoStatus("cannot flush", folder) : absl::OkStatus();
  close(fd);
  return status;
}

absl::Status WriteAll(int fd, absl::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t n = write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return ErrnoStatus("cannot write", path);
    bytes.remove_prefix(n);
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status ErrnoStatus(absl::string_view what, const std::string& path) {
  const int error = errno;
  return absl::ErrnoToStatus(error, absl::StrCat(what, " ", path));
}

absl::StatusOr<std::string> ReadFile(const std::string& path, int64_t max_bytes) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return ErrnoStatus("cannot open", path);
  std::string bytes;
  absl::Status status;
  while (true) {
    const size_t have = bytes.size();
    if (static_cast<int64_t>(have) > max_bytes) {
      status = absl::ResourceExhaustedError(
          absl::StrCat(path, ": longer than the allowed ", max_bytes, " bytes"));
      break;
    }
    bytes.resize(have + std::max(kBuffer, have / 2));
    const ssize_t n = read(fd, bytes.data() + have, bytes.size() - have);
    bytes.resize(have + std::max<ssize_t>(n, 0));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) status = ErrnoStatus("cannot read", path);
    if (n <= 0) break;
  }
  close(fd);
  if (!status.ok()) return status;
  return bytes;
}

absl::Status WriteFileAtomically(const std::string& path, absl::string_view bytes) {
  STATOR_ASSIGN_OR_RETURN(AtomicFile file, AtomicFile::Create(path));
  STATOR_RETURN_IF_ERROR(file.Append(bytes));
  return file.Commit();
}

absl::StatusOr<AtomicFile> AtomicFile::Create(const std::string& path) {
  // Exclusive creation, so that neither another writer nor what an old crash left can collide.
  static std::atomic<uint64_t> next = 0;
  struct stat info;
  if (stat(path.c_str(), &info) == 0 && !S_ISREG(info.st_mode)) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": is no regular file, and would be replaced by one"));
  }
  while (true) {
    std::string temporary = absl::StrCat(path, ".tmp-", getpid(), "-", next++);
    const int fd = open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd >= 0) return AtomicFile(path, std::move(temporary), fd);
    if (errno != EEXIST) return ErrnoStatus("cannot create a file beside", path);
  }
}

AtomicFile::AtomicFile(std::string path, std::string temporary, int fd)
    : path_(std::move(path)), temporary_(std::move(temporary)), fd_(fd) {}

AtomicFile::AtomicFile(AtomicFile&& other) noexcept
    : path_(std::move(other.path_)),
      temporary_(std::exchange(other.temporary_, std::string())),
      buffer_(std::move(other.buffer_)),
      fd_(std::exchange(other.fd_, -1)) {}

AtomicFile::~AtomicFile() {
  if (fd_ >= 0) close(fd_);
  if (!temporary_.empty()) unlink(temporary_.c_str());
}

absl::Status AtomicFile::Flush() {
  const std::string pending = std::exchange(buffer_, std::string());
  return WriteAll(fd_, pending, temporary_);
}

absl::Status AtomicFile::Append(absl::string_view bytes) {
  if (bytes.size() >= kBuffer) {
    STATOR_RETURN_IF_ERROR(Flush());
    return WriteAll(fd_, bytes, temporary_);
  }
  buffer_.append(bytes.data(), bytes.size());
  return buffer_.size() >= kBuffer ? Flush() : absl::OkStatus();
}

absl::Status AtomicFile::Sync() {
  STATOR_RETURN_IF_ERROR(Flush());
  if (fsync(fd_) != 0) return ErrnoStatus("cannot flush", temporary_);
  return absl::OkStatus();
}

absl::Status AtomicFile::Commit() {
  STATOR_RETURN_IF_ERROR(Sync());
  const int fd = std::exchange(fd_, -1);
  if (close(fd) != 0) return ErrnoStatus("cannot close", temporary_);
  if (rename(temporary_.c_str(), path_.c_str()) != 0) return ErrnoStatus("cannot replace", path_);
  temporary_.clear();
  return SyncFolder(path_);
}

}  // namespace stator::formats
