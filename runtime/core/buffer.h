// Aligned, reference-counted memory.
#ifndef STATOR_RUNTIME_CORE_BUFFER_H_
#define STATOR_RUNTIME_CORE_BUFFER_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>

#include "executable/status.h"

namespace stator::runtime {

using executable::Code;
using executable::Result;
using executable::Status;

// A block of bytes. The bytes themselves are not synchronized: whoever writes them owns the only
// reference, or orders readers by other means.
class Buffer {
 public:
  // Uninitialized memory, aligned to at least 64 bytes (2 MiB, with huge pages asked for, from 4
  // MiB on). ResourceExhausted when there is none.
  static Result<std::shared_ptr<Buffer>> Allocate(int64_t bytes, int64_t alignment = 64);

  // Memory of someone else; `release` (may be empty) runs when the last reference goes.
  static std::shared_ptr<Buffer> Wrap(void* data, int64_t bytes, std::function<void()> release);
  // The same for memory that nobody may write: mapped constants.
  static std::shared_ptr<Buffer> WrapReadOnly(const void* data, int64_t bytes,
                                              std::function<void()> release);

  // For wrapped memory that needs no release: stands for this memory from now on. The caller sees
  // to it that nobody uses the old address.
  void Rewrap(void* data, int64_t bytes) {
    data_ = data;
    size_ = bytes;
  }

  ~Buffer();
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  void* data() const { return data_; }
  int64_t size() const { return size_; }
  // Once set it stays so: variables then get new memory when they are written.
  bool read_only() const { return read_only_.load(std::memory_order_relaxed); }
  void set_read_only() { read_only_.store(true, std::memory_order_relaxed); }

 private:
  Buffer(void* data, int64_t size, std::function<void()> release)
      : data_(data), size_(size), release_(std::move(release)) {}

  void* data_;
  int64_t size_;
  std::atomic<bool> read_only_{false};
  std::function<void()> release_;  // empty: free()
};

using BufferRef = std::shared_ptr<Buffer>;

}  // namespace stator::runtime

#endif  // STATOR_RUNTIME_CORE_BUFFER_H_
