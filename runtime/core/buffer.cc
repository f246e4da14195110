#include "runtime/core/buffer.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <string>

namespace stator::runtime {
namespace {

constexpr int64_t kHugePage = int64_t{2} << 20;
constexpr int64_t kHugeFrom = int64_t{4} << 20;  // below, the tail of a huge page wastes too much

}  // namespace

Result<BufferRef> Buffer::Allocate(int64_t bytes, int64_t alignment) {
  if (bytes < 0 || bytes > (int64_t{1} << 46)) {
    return executable::ResourceExhausted("cannot allocate " + std::to_string(bytes) + " bytes");
  }
  const bool huge = bytes >= kHugeFrom;
  alignment = std::max<int64_t>(alignment, huge ? kHugePage : 64);
  const int64_t size =
      std::max<int64_t>((bytes + alignment - 1) / alignment * alignment, alignment);
  void* data = std::aligned_alloc(static_cast<size_t>(alignment), static_cast<size_t>(size));
  if (data == nullptr) {
    return executable::ResourceExhausted("out of memory: " + std::to_string(bytes) + " bytes");
  }
  if (huge) madvise(data, static_cast<size_t>(size), MADV_HUGEPAGE);  // a hint: may fail
  return BufferRef(new Buffer(data, bytes, nullptr));
}

BufferRef Buffer::Wrap(void* data, int64_t bytes, std::function<void()> release) {
  if (!release) release = [] {};
  return BufferRef(new Buffer(data, bytes, std::move(release)));
}

BufferRef Buffer::WrapReadOnly(const void* data, int64_t bytes, std::function<void()> release) {
  BufferRef buffer = Wrap(const_cast<void*>(data), bytes, std::move(release));
  buffer->set_read_only();
  return buffer;
}

Buffer::~Buffer() {
  if (release_) {
    release_();
  } else {
    std::free(data_);
  }
}

}  // namespace stator::runtime
