#include "distribute/collectives/shared_arena.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"

namespace stator::distribute {
namespace {

constexpr size_t kHugePage = size_t{2} << 20;
constexpr size_t kPage = size_t{64} << 10;  // a page everywhere
constexpr int kSeals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;

absl::Status SystemError(const char* what) {
  return absl::ResourceExhaustedError(
      absl::StrCat("shared arena: ", what, ": ", std::strerror(errno)));
}

size_t RoundUp(size_t bytes, size_t unit) { return (bytes + unit - 1) / unit * unit; }

size_t UnitOf(size_t bytes) { return bytes >= 2 * kHugePage ? kHugePage : kPage; }

}  // namespace

absl::StatusOr<std::shared_ptr<SharedArena>> SharedArena::Create(size_t bytes) {
  bytes = RoundUp(bytes, kHugePage);
  rlimit limit;
  // Beyond this limit ftruncate raises a signal.
  if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur < bytes) {
    return absl::ResourceExhaustedError("shared arena: RLIMIT_FSIZE is too low");
  }
  FileDescriptor file(memfd_create("stator-arena", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!file.valid()) return SystemError("memfd_create");
  if (ftruncate(file.get(), static_cast<off_t>(bytes)) != 0) return SystemError("ftruncate");
  if (fcntl(file.get(), F_ADD_SEALS, kSeals) != 0) return SystemError("sealing");
  std::shared_ptr<SharedArena> arena(new SharedArena(std::move(file)));
  STATOR_RETURN_IF_ERROR(arena->Map(bytes));
  return arena;
}

absl::StatusOr<std::shared_ptr<SharedArena>> SharedArena::Open(FileDescriptor file) {
  const int seals = fcntl(file.get(), F_GET_SEALS);
  if (seals < 0 || (seals & F_SEAL_SHRINK) == 0) {
    return absl::PermissionDeniedError("shared arena: the peer's file is not sealed");
  }
  struct stat status;
  if (fstat(file.get(), &status) != 0) return SystemError("fstat");
  std::shared_ptr<SharedArena> arena(new SharedArena(std::move(file)));
  STATOR_RETURN_IF_ERROR(arena->Map(static_cast<size_t>(status.st_size)));
  // Pages are the owner's to choose; here it only says that large ones may be mapped as such.
  madvise(arena->data_, arena->size_, MADV_HUGEPAGE);
  return arena;
}

absl::Status SharedArena::Map(size_t bytes) {
  // At a multiple of a huge page, as offsets are.
  const size_t room = bytes + kHugePage;
  void* range = mmap(nullptr, room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (range == MAP_FAILED) return SystemError("mmap");
  char* const first = static_cast<char*>(range);
  char* const begin = first + (kHugePage - reinterpret_cast<uintptr_t>(first) % kHugePage);
  munmap(first, static_cast<size_t>(begin - first));
  if (begin + bytes < first + room) {
    munmap(begin + bytes, static_cast<size_t>(first + room - begin - bytes));
  }
  if (mmap(begin, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED | MAP_NORESERVE,
           file_.get(), 0) == MAP_FAILED) {
    const absl::Status status = SystemError("mmap");
    munmap(begin, bytes);
    return status;
  }
  data_ = begin;
  size_ = bytes;
  return absl::OkStatus();
}

SharedArena::~SharedArena() {
  if (data_ != nullptr) munmap(data_, size_);
}

char* SharedArena::Allocate(size_t bytes) {
  const size_t unit = UnitOf(bytes);
  bytes = RoundUp(bytes, unit);
  const std::lock_guard<std::mutex> lock(mutex_);
  std::vector<char*>& freed = freed_[bytes];
  if (!freed.empty()) {
    char* const data = freed.back();
    freed.pop_back();
    return data;
  }
  const size_t begin = RoundUp(used_, unit);
  if (begin > size_ || bytes > size_ - begin) return nullptr;
  used_ = begin + bytes;
  if (unit == kHugePage) madvise(data_ + begin, bytes, MADV_HUGEPAGE);
  return data_ + begin;
}

void SharedArena::Free(char* data, size_t bytes) {
  const std::lock_guard<std::mutex> lock(mutex_);
  freed_[RoundUp(bytes, UnitOf(bytes))].push_back(data);
}

int64_t SharedArena::OffsetOf(const void* data, size_t bytes) const {
  const uintptr_t at = reinterpret_cast<uintptr_t>(data);
  const uintptr_t begin = reinterpret_cast<uintptr_t>(data_);
  if (at < begin || at - begin > size_ || bytes > size_ - (at - begin)) return -1;
  return static_cast<int64_t>(at - begin);
}

char* SharedArena::At(int64_t offset, size_t bytes) const {
  const size_t at = static_cast<size_t>(offset);
  if (offset < 0 || at > size_ || bytes > size_ - at) return nullptr;
  return data_ + at;
}

}  // namespace stator::distribute
