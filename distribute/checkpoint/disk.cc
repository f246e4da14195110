#include "distribute/checkpoint/disk.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "graph/status_macros.h"

namespace stator::distribute {
namespace {

namespace fs = std::filesystem;

constexpr size_t kBuffer = size_t{1} << 18;

absl::Status Failed(absl::string_view what, const std::string& path) {
  const int error = errno;
  return absl::ErrnoToStatus(error, absl::StrCat(what, " ", path));
}

absl::Status FromCode(const std::error_code& code, absl::string_view what,
                      const std::string& path) {
  if (!code) return absl::OkStatus();
  return absl::ErrnoToStatus(code.value(), absl::StrCat(what, " ", path));
}

class RealFile : public DiskFile {
 public:
  RealFile(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}
  ~RealFile() override { close(fd_); }

  absl::Status Append(absl::string_view bytes) override {
    if (buffer_.size() + bytes.size() < kBuffer) {
      buffer_.append(bytes.data(), bytes.size());
      return absl::OkStatus();
    }
    STATOR_RETURN_IF_ERROR(Flush());
    return Write(bytes);
  }

  absl::Status Sync() override {
    STATOR_RETURN_IF_ERROR(Flush());
    return fsync(fd_) == 0 ? absl::OkStatus() : Failed("cannot flush", path_);
  }

 private:
  absl::Status Flush() {
    const std::string pending = std::exchange(buffer_, std::string());
    return Write(pending);
  }

  absl::Status Write(absl::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = write(fd_, bytes.data(), bytes.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return Failed("cannot write", path_);
      bytes.remove_prefix(static_cast<size_t>(n));
    }
    return absl::OkStatus();
  }

  std::string path_;
  int fd_;
  std::string buffer_;
};

class RealLock : public DiskLock {
 public:
  RealLock(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}
  ~RealLock() override { close(fd_); }

  absl::Status Check() const override {
    struct stat held, named;
    const bool same = fstat(fd_, &held) == 0 && stat(path_.c_str(), &named) == 0 &&
                      held.st_dev == named.st_dev && held.st_ino == named.st_ino;
    if (same) return absl::OkStatus();
    return absl::AbortedError(absl::StrCat(path_, ": another process has broken the lock"));
  }

 private:
  const std::string path_;
  const int fd_;
};

class RealDiskImpl : public Disk {
 public:
  absl::Status CreateDirectories(const std::string& path) override {
    std::error_code code;
    fs::create_directories(path, code);
    return FromCode(code, "cannot create the directory", path);
  }

  absl::StatusOr<std::unique_ptr<DiskFile>> CreateFile(const std::string& path) override {
    const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0) return Failed("cannot create", path);
    return std::make_unique<RealFile>(path, fd);
  }

  absl::Status Rename(const std::string& from, const std::string& to) override {
    if (rename(from.c_str(), to.c_str()) == 0) return absl::OkStatus();
    return Failed(absl::StrCat("cannot rename ", from, " to"), to);
  }

  absl::Status SyncDirectory(const std::string& path) override {
    const int fd = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return Failed("cannot open the directory", path);
    // Some file systems cannot flush a directory and say so with EINVAL; nothing better can be
    // done.
    const bool failed = fsync(fd) != 0 && errno != EINVAL;
    const absl::Status status = failed ? Failed("cannot flush", path) : absl::OkStatus();
    close(fd);
    return status;
  }

  absl::Status Remove(const std::string& path) override {
    std::error_code code;
    fs::remove_all(path, code);
    return FromCode(code, "cannot remove", path);
  }

  absl::StatusOr<std::vector<std::string>> List(const std::string& path) override {
    std::error_code code;
    std::vector<std::string> names;
    for (fs::directory_iterator it(path, code), end; !code && it != end; it.increment(code)) {
      names.push_back(it->path().filename());
    }
    STATOR_RETURN_IF_ERROR(FromCode(code, "cannot list", path));
    std::sort(names.begin(), names.end());
    return names;
  }

  bool Exists(const std::string& path) override { return access(path.c_str(), F_OK) == 0; }

  absl::Status Read(const std::string& path,
                    const std::function<absl::Status(absl::string_view)>& visit) override {
    const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return Failed("cannot open", path);
    std::string buffer(kBuffer, '\0');
    absl::Status status;
    while (status.ok()) {
      const ssize_t n = read(fd, &buffer[0], buffer.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) status = Failed("cannot read", path);
      if (n <= 0) break;
      status = visit(absl::string_view(buffer.data(), static_cast<size_t>(n)));
    }
    close(fd);
    return status;
  }

  absl::StatusOr<std::unique_ptr<DiskLock>> Lock(const std::string& path,
                                                 absl::Duration timeout) override {
    const absl::Time deadline = absl::Now() + timeout;
    while (true) {
      // Anew each time: the lock may have been broken, and the file be another.
      const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
      if (fd < 0) return Failed("cannot open the lock", path);
      auto lock = std::make_unique<RealLock>(path, fd);
      if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
        if (lock->Check().ok()) return lock;
      } else if (errno != EINTR && errno != EWOULDBLOCK) {
        return Failed("cannot lock", path);
      }
      if (absl::Now() >= deadline) {
        return absl::DeadlineExceededError(absl::StrCat(
            path, ": still locked by another process after ", absl::FormatDuration(timeout)));
      }
      absl::SleepFor(absl::Milliseconds(10));
    }
  }
};

}  // namespace

Disk* RealDisk() {
  static Disk* const disk = new RealDiskImpl;
  return disk;
}

absl::StatusOr<std::string> ReadSmallFile(Disk* disk, const std::string& path, size_t max_bytes) {
  std::string bytes;
  STATOR_RETURN_IF_ERROR(disk->Read(path, [&](absl::string_view piece) -> absl::Status {
    if (piece.size() > max_bytes - bytes.size()) {
      return absl::ResourceExhaustedError(
          absl::StrCat(path, ": longer than the allowed ", max_bytes, " bytes"));
    }
    bytes.append(piece.data(), piece.size());
    return absl::OkStatus();
  }));
  return bytes;
}

absl::Status ReplaceFile(Disk* disk, const std::string& directory, const std::string& name,
                         absl::string_view bytes, const DiskLock* lock) {
  const std::string path = absl::StrCat(directory, "/", name);
  const std::string temporary = absl::StrCat(directory, "/.new-", name);
  {
    STATOR_ASSIGN_OR_RETURN(std::unique_ptr<DiskFile> file, disk->CreateFile(temporary));
    STATOR_RETURN_IF_ERROR(file->Append(bytes));
    STATOR_RETURN_IF_ERROR(file->Sync());
  }
  if (lock != nullptr) STATOR_RETURN_IF_ERROR(lock->Check());
  STATOR_RETURN_IF_ERROR(disk->Rename(temporary, path));
  return disk->SyncDirectory(directory);
}

}  // namespace stator::distribute
