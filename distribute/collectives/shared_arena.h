// Memory of one task that the other tasks of its host map too, so that they read and write it in
// place.
#ifndef STATOR_DISTRIBUTE_COLLECTIVES_SHARED_ARENA_H_
#define STATOR_DISTRIBUTE_COLLECTIVES_SHARED_ARENA_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "absl/status/statusor.h"
#include "distribute/collectives/file_descriptor.h"

namespace stator::distribute {

// A range of addresses behind an anonymous, sealed file. Pages exist once they are touched; what
// was freed serves later allocations of the same size. Thread-safe.
class SharedArena {
 public:
  // Addresses, not memory.
  static constexpr size_t kDefaultBytes = size_t{1} << 34;

  // ResourceExhausted where the process may not have so many addresses.
  static absl::StatusOr<std::shared_ptr<SharedArena>> Create(size_t bytes = kDefaultBytes);
  // The arena behind a descriptor that another task sent; refused unless sealed.
  static absl::StatusOr<std::shared_ptr<SharedArena>> Open(FileDescriptor file);
  ~SharedArena();
  SharedArena(const SharedArena&) = delete;
  SharedArena& operator=(const SharedArena&) = delete;

  // Aligned to a page (2 MiB from 4 MiB on); null when the arena is full. By its creator only.
  char* Allocate(size_t bytes);
  void Free(char* data, size_t bytes);

  // Where `data` lies, the same number in every task; -1 when not all `bytes` of it are in here.
  int64_t OffsetOf(const void* data, size_t bytes) const;
  // Null when not all `bytes` from there are in here: the number came from a peer.
  char* At(int64_t offset, size_t bytes) const;
  int fd() const { return file_.get(); }

 private:
  explicit SharedArena(FileDescriptor file) : file_(std::move(file)) {}
  absl::Status Map(size_t bytes);

  FileDescriptor file_;
  char* data_ = nullptr;
  size_t size_ = 0;
  std::mutex mutex_;
  size_t used_ = 0;                             // every allocation lies below
  std::map<size_t, std::vector<char*>> freed_;  // by size
};

}  // namespace stator::distribute

#endif  // STATOR_DISTRIBUTE_COLLECTIVES_SHARED_ARENA_H_
