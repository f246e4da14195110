#include "distribute/collectives/shared_segment.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"

namespace stator::distribute {
namespace {

constexpr uint64_t kMagic = 0x31676573746174;  // "tatseg1"
constexpr size_t kHeaderBytes = 64 << 10;      // a page everywhere
static_assert(sizeof(SharedHeader) <= kHeaderBytes);
static_assert(std::atomic<uint64_t>::is_always_lock_free);

constexpr int kSeals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;

bool ValidCapacity(uint64_t capacity) {
  return capacity >= kHeaderBytes && capacity <= SharedSegment::kMaxCapacity &&
         (capacity & (capacity - 1)) == 0;
}

absl::Status SystemError(const char* what) {
  return absl::ResourceExhaustedError(
      absl::StrCat("shared memory: ", what, ": ", std::strerror(errno)));
}

}  // namespace

absl::StatusOr<std::shared_ptr<SharedSegment>> SharedSegment::Create(size_t capacity,
                                                                     uint64_t epoch) {
  if (!ValidCapacity(capacity)) {
    return absl::InvalidArgumentError(
        absl::StrCat("shared memory: a queue holds a power of two from ", kHeaderBytes, " to ",
                     kMaxCapacity, " bytes, found ", capacity));
  }
  FileDescriptor file(memfd_create("stator-channel", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!file.valid()) return SystemError("memfd_create");
  if (ftruncate(file.get(), kHeaderBytes + 2 * capacity) != 0) return SystemError("ftruncate");
  if (fcntl(file.get(), F_ADD_SEALS, kSeals) != 0) return SystemError("sealing");
  std::shared_ptr<SharedSegment> segment(new SharedSegment(std::move(file), capacity));
  STATOR_RETURN_IF_ERROR(segment->Map());
  segment->header_->magic = kMagic;
  segment->header_->capacity = capacity;
  segment->header_->epoch = epoch;
  return segment;
}

absl::StatusOr<std::shared_ptr<SharedSegment>> SharedSegment::Open(FileDescriptor file,
                                                                   uint64_t epoch) {
  const int seals = fcntl(file.get(), F_GET_SEALS);
  if (seals < 0 || (seals & F_SEAL_SHRINK) == 0) {
    return absl::PermissionDeniedError("shared memory: the peer's file is not sealed");
  }
  struct stat status;
  if (fstat(file.get(), &status) != 0) return SystemError("fstat");
  const uint64_t capacity = (static_cast<uint64_t>(status.st_size) - kHeaderBytes) / 2;
  if (static_cast<uint64_t>(status.st_size) != kHeaderBytes + 2 * capacity ||
      !ValidCapacity(capacity)) {
    return absl::DataLossError(
        absl::StrCat("shared memory: no segment has ", status.st_size, " bytes"));
  }
  std::shared_ptr<SharedSegment> segment(new SharedSegment(std::move(file), capacity));
  STATOR_RETURN_IF_ERROR(segment->Map());
  if (segment->header_->magic != kMagic || segment->header_->capacity != capacity) {
    return absl::DataLossError("shared memory: the peer's segment has an unknown format");
  }
  if (segment->header_->epoch != epoch) {
    return absl::FailedPreconditionError(absl::StrCat(
        "shared memory: the segment is of epoch ", segment->header_->epoch, ", expected ", epoch));
  }
  return segment;
}

absl::Status SharedSegment::Map() {
  void* header = mmap(nullptr, kHeaderBytes, PROT_READ | PROT_WRITE, MAP_SHARED, file_.get(), 0);
  if (header == MAP_FAILED) return SystemError("mmap");
  header_ = static_cast<SharedHeader*>(header);
  for (int side = 0; side < 2; ++side) {
    void* range =
        mmap(nullptr, 2 * capacity_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (range == MAP_FAILED) return SystemError("mmap");
    queues_[side] = static_cast<char*>(range);
    const off_t offset = kHeaderBytes + side * capacity_;
    for (char* address : {queues_[side], queues_[side] + capacity_}) {
      if (mmap(address, capacity_, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file_.get(),
               offset) == MAP_FAILED) {
        return SystemError("mmap");
      }
    }
  }
  return absl::OkStatus();
}

SharedSegment::~SharedSegment() {
  if (header_ != nullptr) munmap(header_, kHeaderBytes);
  for (char* queue : queues_) {
    if (queue != nullptr) munmap(queue, 2 * capacity_);
  }
}

}  // namespace stator::distribute
