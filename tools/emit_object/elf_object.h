// Writes relocatable ELF64 objects without relocations.
#ifndef STATOR_TOOLS_EMIT_OBJECT_ELF_OBJECT_H_
#define STATOR_TOOLS_EMIT_OBJECT_ELF_OBJECT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "executable/status.h"

namespace stator::tools {

struct ElfSection {
  const std::vector<uint8_t>* bytes = nullptr;  // not owned
  uint64_t alignment = 64;                      // a power of two
};

// A hidden global symbol: seen by what is linked into the same program or library, not outside it.
struct ElfSymbol {
  std::string name;
  bool is_function = true;  // in .text; else an object in .rodata
  uint64_t offset = 0;      // bytes from its section's start
  uint64_t size = 0;
};

struct ElfObject {
  std::string arch;  // "x86_64" or "aarch64"
  ElfSection text;
  ElfSection rodata;
  std::vector<ElfSymbol> symbols;
};

// The file's bytes; they depend on the argument only. Unimplemented for another arch.
executable::Result<std::vector<uint8_t>> WriteElf(const ElfObject& object);

}  // namespace stator::tools

#endif  // STATOR_TOOLS_EMIT_OBJECT_ELF_OBJECT_H_
