// Object code → one position independent block of bytes that imports nothing.
//
// The only file that knows LLVM's linker (llvm::jitlink), whose interface changes between versions.
#ifndef STATOR_COMPILER_CODEGEN_CPU_LINK_BLOB_H_
#define STATOR_COMPILER_CODEGEN_CPU_LINK_BLOB_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "compiler/codegen/cpu/target.h"

namespace stator::compiler {

struct BlobEntry {
  std::string name;
  uint64_t offset = 0;  // bytes from the start of the blob
};

// Code and read-only data of one kernel. It runs wherever it is mapped readable and executable, at
// any address that is a multiple of `alignment`.
struct CodeBlob {
  std::string code;
  uint64_t alignment = 64;
  std::vector<BlobEntry> entries;  // every externally visible function, by offset

  // The entry of that name, or nullptr.
  const BlobEntry* FindEntry(const std::string& name) const;
};

// Links one relocatable ELF object alone. Calls that code generation invents (memcpy, memset,
// memmove) are answered by a support object that becomes part of the blob.
//
// Internal when the object cannot become a blob: an undefined symbol, a writable section, unwind
// tables, or a fixup that is not PC-relative and internal. The message names section or symbol.
// Same object, same target: same bytes. Thread-safe.
absl::StatusOr<CodeBlob> LinkBlob(const std::string& object, const CpuTarget& target);

}  // namespace stator::compiler

#endif  // STATOR_COMPILER_CODEGEN_CPU_LINK_BLOB_H_
