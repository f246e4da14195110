#include "distribute/launch/run_directory.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/random.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "formats/file.h"
#include "graph/status_macros.h"

namespace stator::distribute {
namespace {

constexpr int kSecretBytes = 32;
// InUse holds the lock for a moment.
constexpr int kLockTries = 5;
constexpr int kLockWaitMicros = 20'000;

}  // namespace

std::string TaskFileName(const std::string& task) {
  return absl::StrReplaceAll(task, {{":", "-"}, {"/", "-"}});
}

RunDirectory::RunDirectory(const std::string& path) {
  std::error_code error;
  const std::filesystem::path absolute = std::filesystem::absolute(path, error);
  path_ = error ? path : absolute.lexically_normal().string();
  while (path_.size() > 1 && path_.back() == '/') path_.pop_back();
}

std::string RunDirectory::LogFile(uint64_t epoch, const std::string& task) const {
  return absl::StrCat(path_, "/logs/epoch-", epoch, "/", TaskFileName(task), ".log");
}

std::string RunDirectory::FailureFile(uint64_t epoch, const std::string& task) const {
  return absl::StrCat(path_, "/failures/epoch-", epoch, "/", TaskFileName(task), ".json");
}

std::string RunDirectory::ExitFile(uint64_t epoch, const std::string& task) const {
  return absl::StrCat(path_, "/exits/epoch-", epoch, "/", TaskFileName(task), ".json");
}

absl::Status RunDirectory::Create() const {
  std::error_code error;
  std::filesystem::create_directories(path_, error);
  if (error) {
    return absl::FailedPreconditionError(
        absl::StrCat("run_directory ", path_, " cannot be made: ", error.message()));
  }
  return absl::OkStatus();
}

absl::StatusOr<FileDescriptor> RunDirectory::Lock() const {
  const std::string path = path_ + "/lock";
  FileDescriptor lock(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  if (!lock.valid()) return formats::ErrnoStatus("open", path);
  bool locked = flock(lock.get(), LOCK_EX | LOCK_NB) == 0;
  for (int i = 0; i < kLockTries && !locked && errno == EWOULDBLOCK; ++i) {
    usleep(kLockWaitMicros);
    locked = flock(lock.get(), LOCK_EX | LOCK_NB) == 0;
  }
  if (!locked) {
    if (errno != EWOULDBLOCK) return formats::ErrnoStatus("lock", path);
    const auto holder = formats::ReadFile(path, 4096);
    return absl::UnavailableError(absl::StrCat(
        "run_directory ", path_, " is in use by ",
        holder.ok() && !holder->empty() ? absl::StripAsciiWhitespace(*holder) : "another launcher",
        "; end that launch, or give this one another run_directory"));
  }
  char host[256] = {};
  gethostname(host, sizeof(host) - 1);
  const std::string me = absl::StrCat("pid ", getpid(), " on host ", host, "\n");
  if (ftruncate(lock.get(), 0) != 0 ||
      pwrite(lock.get(), me.data(), me.size(), 0) != static_cast<ssize_t>(me.size())) {
    return formats::ErrnoStatus("write", path);
  }
  return lock;
}

bool RunDirectory::InUse() const {
  const FileDescriptor lock(open((path_ + "/lock").c_str(), O_RDONLY | O_CLOEXEC));
  return lock.valid() && flock(lock.get(), LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
}

absl::StatusOr<uint64_t> RunDirectory::LastEpoch() const {
  const std::string path = path_ + "/epoch";
  const auto text = formats::ReadFile(path, 64);
  if (absl::IsNotFound(text.status())) return 0;
  STATOR_RETURN_IF_ERROR(text.status());
  uint64_t epoch = 0;
  if (!absl::SimpleAtoi(*text, &epoch)) {
    return absl::DataLossError(absl::StrCat(path, ": expected a number, found '", *text, "'"));
  }
  return epoch;
}

absl::StatusOr<uint64_t> RunDirectory::NextEpoch() const {
  STATOR_ASSIGN_OR_RETURN(const uint64_t last, LastEpoch());
  STATOR_RETURN_IF_ERROR(
      formats::WriteFileAtomically(path_ + "/epoch", absl::StrCat(last + 1, "\n")));
  return last + 1;
}

absl::Status RunDirectory::EnsureSecret() const {
  const std::string path = secret_file();
  if (access(path.c_str(), F_OK) == 0) return absl::OkStatus();
  char bytes[kSecretBytes];
  if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes)) {
    return formats::ErrnoStatus("read random bytes for", path);
  }
  const std::string text = absl::BytesToHexString(absl::string_view(bytes, sizeof(bytes)));
  // Several tasks may come at once: a link appears whole, and for one of them only.
  char host[256] = {};
  gethostname(host, sizeof(host) - 1);
  const std::string aside = absl::StrCat(path, ".", host, "-", getpid());
  const FileDescriptor file(open(aside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!file.valid()) return formats::ErrnoStatus("create", aside);
  absl::Status status;
  if (write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    status = formats::ErrnoStatus("write", aside);
  } else if (link(aside.c_str(), path.c_str()) != 0 && errno != EEXIST) {
    status = formats::ErrnoStatus("link to", path);
  }
  unlink(aside.c_str());
  return status;
}

}  // namespace stator::distribute
