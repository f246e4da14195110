// For tests and benchmarks: maps a blob executable and calls its entries.
#ifndef STATOR_COMPILER_CODEGEN_CPU_BLOB_RUNNER_H_
#define STATOR_COMPILER_CODEGEN_CPU_BLOB_RUNNER_H_

#include <sys/mman.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>

#include "compiler/codegen/cpu/link_blob.h"

namespace stator::compiler {

// Owns the mapping. `displacement` (a multiple of the blob's alignment) moves the blob inside it.
class MappedBlob {
 public:
  explicit MappedBlob(CodeBlob blob, uint64_t displacement = 0) : blob_(std::move(blob)) {
    size_ = (displacement + blob_.code.size() + 4095) / 4096 * 4096;
    base_ = static_cast<char*>(
        mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    if (base_ == MAP_FAILED) abort();
    code_ = base_ + displacement;
    std::memcpy(code_, blob_.code.data(), blob_.code.size());
    if (mprotect(base_, size_, PROT_READ | PROT_EXEC) != 0) abort();
  }
  MappedBlob(const MappedBlob&) = delete;
  MappedBlob& operator=(const MappedBlob&) = delete;
  ~MappedBlob() { munmap(base_, size_); }

  const CodeBlob& blob() const { return blob_; }

  // The entry as a function pointer; nullptr when there is none of that name.
  template <typename Function>
  Function* Entry(const std::string& name) const {
    const BlobEntry* entry = blob_.FindEntry(name);
    return entry == nullptr ? nullptr : reinterpret_cast<Function*>(code_ + entry->offset);
  }

 private:
  CodeBlob blob_;
  size_t size_;
  char* base_;
  char* code_;
};

}  // namespace stator::compiler

#endif  // STATOR_COMPILER_CODEGEN_CPU_BLOB_RUNNER_H_
