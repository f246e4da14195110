// The memory that two tasks of one host share: a byte queue in each direction.
//
//   page 0      SharedHeader: positions, who sleeps, last words
//   then        queue of side 0, `capacity` bytes
//   then        queue of side 1, `capacity` bytes
//
// Each queue is mapped twice, end to end, so that any run of up to `capacity` bytes is contiguous.
#ifndef STATOR_DISTRIBUTE_COLLECTIVES_SHARED_SEGMENT_H_
#define STATOR_DISTRIBUTE_COLLECTIVES_SHARED_SEGMENT_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "distribute/collectives/file_descriptor.h"

namespace stator::distribute {

// All zero is the state before anything was sent. Positions count bytes since the start and never
// wrap; the writer of each field is named.
struct SharedHeader {
  struct Side {
    alignas(64) std::atomic<uint64_t> written;  // bytes put into this side's queue: this side
    alignas(64) std::atomic<uint64_t> read;     // bytes taken out of it: the other side
    // What this side sleeps for (kSleepsFor*): set by this side, cleared by whoever rings.
    alignas(64) std::atomic<uint32_t> sleeps_for;
    // 0: none; 1: done; 2 + n: gave up, and rank n is to blame. This side, once.
    std::atomic<uint32_t> last_words;
  };
  uint64_t magic;
  uint64_t capacity;
  uint64_t epoch;  // of the generation that it serves
  Side sides[2];
};

inline constexpr uint32_t kSleepsForBytes = 1;
inline constexpr uint32_t kSleepsForSpace = 2;

class SharedSegment {
 public:
  static constexpr size_t kDefaultCapacity = size_t{1} << 20;
  static constexpr size_t kMaxCapacity = size_t{1} << 30;

  // A new segment with queues of `capacity` bytes: a power of two, at least a page. Its file is
  // anonymous and sealed: nobody can shrink it under a reader.
  static absl::StatusOr<std::shared_ptr<SharedSegment>> Create(size_t capacity, uint64_t epoch = 0);
  // The segment behind a descriptor that another process sent; refused unless sealed,
  // well-formed and of this epoch.
  static absl::StatusOr<std::shared_ptr<SharedSegment>> Open(FileDescriptor file,
                                                             uint64_t epoch = 0);
  ~SharedSegment();
  SharedSegment(const SharedSegment&) = delete;
  SharedSegment& operator=(const SharedSegment&) = delete;

  SharedHeader& header() { return *header_; }
  char* queue(int side) { return queues_[side]; }  // 2 * capacity addresses
  size_t capacity() const { return capacity_; }
  int fd() const { return file_.get(); }

 private:
  SharedSegment(FileDescriptor file, size_t capacity)
      : file_(std::move(file)), capacity_(capacity) {}
  absl::Status Map();

  FileDescriptor file_;
  size_t capacity_;
  SharedHeader* header_ = nullptr;
  char* queues_[2] = {nullptr, nullptr};
};

}  // namespace stator::distribute

#endif  // STATOR_DISTRIBUTE_COLLECTIVES_SHARED_SEGMENT_H_
