#include "tools/emit_object/elf_object.h"

#include <elf.h>

#include <cstring>

namespace stator::tools {
namespace {

// In the order of the file and of the section headers.
enum Section : uint16_t { kNull, kText, kRodata, kStackNote, kSymbols, kStrings, kNames, kCount };
constexpr const char* kSectionNames[kCount] = {"",        ".text",   ".rodata",  ".note.GNU-stack",
                                               ".symtab", ".strtab", ".shstrtab"};

// Strings one after the other, each with its end; the empty one first.
class StringTable {
 public:
  uint32_t Add(const std::string& s) {
    if (s.empty()) return 0;
    const auto offset = static_cast<uint32_t>(bytes_.size());
    bytes_.insert(bytes_.end(), s.begin(), s.end());
    bytes_.push_back(0);
    return offset;
  }
  const std::vector<uint8_t>& bytes() const { return bytes_; }

 private:
  std::vector<uint8_t> bytes_ = {0};
};

void Append(std::vector<uint8_t>* out, const void* data, size_t size) {
  const auto* bytes = static_cast<const uint8_t*>(data);
  out->insert(out->end(), bytes, bytes + size);
}

class ElfWriter {
 public:
  ElfWriter(const ElfObject& object, uint16_t machine) : object_(object), machine_(machine) {}

  std::vector<uint8_t> Write() {
    out_.resize(sizeof(Elf64_Ehdr));  // filled in at the end
    Content(kText, SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, object_.text.alignment,
            *object_.text.bytes);
    Content(kRodata, SHT_PROGBITS, SHF_ALLOC, object_.rodata.alignment, *object_.rodata.bytes);
    // Its presence says that no stack needs to be executable.
    Content(kStackNote, SHT_PROGBITS, 0, 1, {});
    StringTable strings;
    Content(kSymbols, SHT_SYMTAB, 0, 8, Symbols(&strings));
    Content(kStrings, SHT_STRTAB, 0, 1, strings.bytes());
    headers_[kSymbols].sh_link = kStrings;
    headers_[kSymbols].sh_info = 1;  // the first global one
    headers_[kSymbols].sh_entsize = sizeof(Elf64_Sym);
    StringTable names;
    for (int i = 0; i < kCount; ++i) headers_[i].sh_name = names.Add(kSectionNames[i]);
    Content(kNames, SHT_STRTAB, 0, 1, names.bytes());
    Align(8);
    const uint64_t table = out_.size();
    Append(&out_, headers_, sizeof(headers_));
    const Elf64_Ehdr header = Header(table);
    std::memcpy(out_.data(), &header, sizeof(header));
    return std::move(out_);
  }

 private:
  void Align(uint64_t alignment) {
    out_.resize((out_.size() + alignment - 1) / alignment * alignment);
  }

  void Content(Section section, uint32_t type, uint64_t flags, uint64_t alignment,
               const std::vector<uint8_t>& bytes) {
    Align(alignment);
    Elf64_Shdr& header = headers_[section];
    header.sh_type = type;
    header.sh_flags = flags;
    header.sh_offset = out_.size();
    header.sh_size = bytes.size();
    header.sh_addralign = alignment;
    out_.insert(out_.end(), bytes.begin(), bytes.end());
  }

  std::vector<uint8_t> Symbols(StringTable* strings) const {
    std::vector<uint8_t> table(sizeof(Elf64_Sym));  // the first one is empty
    for (const ElfSymbol& s : object_.symbols) {
      Elf64_Sym symbol{};
      symbol.st_name = strings->Add(s.name);
      symbol.st_info = ELF64_ST_INFO(STB_GLOBAL, s.is_function ? STT_FUNC : STT_OBJECT);
      symbol.st_other = STV_HIDDEN;
      symbol.st_shndx = s.is_function ? kText : kRodata;
      symbol.st_value = s.offset;
      symbol.st_size = s.size;
      Append(&table, &symbol, sizeof(symbol));
    }
    return table;
  }

  Elf64_Ehdr Header(uint64_t section_table) const {
    Elf64_Ehdr header{};
    std::memcpy(header.e_ident, ELFMAG, SELFMAG);
    header.e_ident[EI_CLASS] = ELFCLASS64;
    header.e_ident[EI_DATA] = ELFDATA2LSB;
    header.e_ident[EI_VERSION] = EV_CURRENT;
    header.e_ident[EI_OSABI] = ELFOSABI_NONE;
    header.e_type = ET_REL;
    header.e_machine = machine_;
    header.e_version = EV_CURRENT;
    header.e_shoff = section_table;
    header.e_ehsize = sizeof(Elf64_Ehdr);
    header.e_shentsize = sizeof(Elf64_Shdr);
    header.e_shnum = kCount;
    header.e_shstrndx = kNames;
    return header;
  }

  const ElfObject& object_;
  const uint16_t machine_;
  std::vector<uint8_t> out_;
  Elf64_Shdr headers_[kCount] = {};
};

}  // namespace

executable::Result<std::vector<uint8_t>> WriteElf(const ElfObject& object) {
  uint16_t machine = EM_NONE;
  if (object.arch == "x86_64") machine = EM_X86_64;
  if (object.arch == "aarch64") machine = EM_AARCH64;
  if (machine == EM_NONE) {
    return executable::Unimplemented("an object file for the architecture " + object.arch +
                                     ": known are x86_64 and aarch64");
  }
  return ElfWriter(object, machine).Write();
}

}  // namespace stator::tools
