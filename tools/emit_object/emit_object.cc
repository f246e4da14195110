#include "tools/emit_object/emit_object.h"

#include <algorithm>

#include "executable/verifier.h"
#include "tools/emit_object/elf_object.h"
#include "tools/emit_object/entry_writer.h"
#include "tools/emit_object/identifiers.h"
#include "tools/emit_object/prelude.h"
#include "tools/emit_object/state_writer.h"

namespace stator::tools {
namespace {

using executable::ImageModel;
using executable::Result;
using executable::Status;

// Every part of "a::b" must be a name already: it is the caller's choice, not a graph's.
Status CheckNamespace(const std::string& name) {
  std::string rest = name;
  while (true) {
    const size_t end = rest.find("::");
    const std::string part = rest.substr(0, end);
    if (part.empty() || ToIdentifier(part) != part) {
      return executable::InvalidArgument("namespace " + name + ": " +
                                         (part.empty() ? "an empty name" : part) +
                                         " is not a C++ identifier");
    }
    if (end == std::string::npos) return Status::Ok();
    rest = rest.substr(end + 2);
  }
}

constexpr char kIntroduction[] = R"text(// Written by $PRODUCER for $TARGET; not to be edited.
//
// Belongs to the object file of the same compile, which needs nothing but memcpy and memset. Each
// class below is an entry point: set its pointers, give `run` the sizes and memory to work in.
// Objects of these classes are independent of each other; one is used by one thread at a time.
// bfloat16 and float16 appear as their bits.
)text";

class Emitter {
 public:
  Emitter(const ImageModel& model, const EmitOptions& options)
      : m_(model),
        name_(ToIdentifier(options.name)),
        name_space_(options.name_space.empty() ? name_ : options.name_space),
        sizes_(&model),
        messages_(&model),
        problems_(&model) {}

  Result<EmittedObject> Emit() {
    STATOR_EXEC_RETURN_IF_ERROR(CheckNamespace(name_space_));
    for (const executable::Device& d : m_.devices) {
      if (d.kind != "cpu") problems_.AddNode(executable::kNone, "device " + d.name, d.kind);
    }
    elf_.arch = m_.target.arch;
    AddKernels();
    AddConstants();
    const std::vector<StateVariable> variables = FindVariables(sizes_, &problems_);
    std::vector<EntryStorage> entries;
    for (size_t i = 0; i < m_.entry_points.size(); ++i) {
      STATOR_EXEC_ASSIGN_OR_RETURN(EntryStorage entry,
                                   FindStorage(sizes_, static_cast<int32_t>(i), &problems_));
      entries.push_back(std::move(entry));
    }
    STATOR_EXEC_RETURN_IF_ERROR(problems_.ToStatus());
    const HeaderContext context{&sizes_, &names_, &variables, &messages_};
    UniqueNames classes(ClassReservedNames());
    std::string text;
    for (const EntryStorage& entry : entries) {
      text += "\n" +
              WriteEntry(context, entry, classes.Add(ToClassName(entry.entry->name)), &problems_);
    }
    STATOR_EXEC_RETURN_IF_ERROR(problems_.ToStatus());
    EmittedObject out;
    STATOR_EXEC_ASSIGN_OR_RETURN(out.object, WriteElf(elf_));
    out.header = Header(variables, text);
    return out;
  }

 private:
  // A symbol per kernel and phase, reaching to where the next one begins.
  void AddKernels() {
    elf_.text.bytes = &m_.code;
    UniqueNames symbols({name_ + "_constants"});
    for (const executable::Kernel& kernel : m_.kernels) {
      std::vector<std::string> phases;
      for (size_t i = 0; i < kernel.phases.size(); ++i) {
        std::string name = name_ + "_" + ToIdentifier(kernel.name);
        if (kernel.phases.size() > 1) name += "_phase" + std::to_string(i + 1);
        phases.push_back(symbols.Add(name));
        const int64_t entry = kernel.phases[i].entry_offset;
        int64_t end = kernel.code_size;
        for (const executable::KernelPhase& other : kernel.phases) {
          if (other.entry_offset > entry) end = std::min(end, other.entry_offset);
        }
        elf_.symbols.push_back({phases.back(), true,
                                static_cast<uint64_t>(kernel.code_offset + entry),
                                static_cast<uint64_t>(end - entry)});
      }
      names_.kernels.push_back(std::move(phases));
    }
  }

  void AddConstants() {
    elf_.rodata.bytes = &m_.constants;
    for (const executable::Buffer& b : m_.buffers) {
      if (b.kind != executable::BufferKind::kConstant) continue;
      elf_.rodata.alignment = std::max(elf_.rodata.alignment, static_cast<uint64_t>(b.alignment));
    }
    if (m_.constants.empty()) return;
    names_.constants = name_ + "_constants";
    elf_.symbols.push_back({names_.constants, false, 0, m_.constants.size()});
  }

  std::string Header(const std::vector<StateVariable>& variables,
                     const std::string& entries) const {
    std::string guard = name_ + "_H_";
    std::transform(guard.begin(), guard.end(), guard.begin(),
                   [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
    std::string target = m_.target.arch;
    for (const std::string& feature : m_.target.features) target += " " + feature;
    const bool arm = m_.target.arch == "aarch64";
    std::string out = kIntroduction;
    const std::string producer = m_.producer.empty() ? "stator" : m_.producer;
    out.replace(out.find("$PRODUCER"), 9, CommentText(producer));
    out.replace(out.find("$TARGET"), 7, CommentText(target));
    out += "#ifndef " + guard + "\n#define " + guard + "\n\n";
    out += "#include <cstddef>\n#include <cstdint>\n#include <cstring>\n\n";
    out += std::string("#if !defined(") + (arm ? "__aarch64__" : "__x86_64__") + ")\n";
    out += "#error \"the object file of this header is for " + m_.target.arch + "\"\n#endif\n\n";
    out += "namespace " + name_space_ + " {\nnamespace internal {\n";
    out += kPrelude;
    // Hidden: reached without a detour through a table of addresses.
    out +=
        "\n// What the object file holds.\n#pragma GCC visibility push(hidden)\nextern \"C\" {\n";
    for (const std::vector<std::string>& phases : names_.kernels) {
      for (const std::string& phase : phases) out += "Kernel " + phase + ";\n";
    }
    if (!names_.constants.empty()) {
      out += "extern const unsigned char " + names_.constants + "[" +
             std::to_string(m_.constants.size()) + "];\n";
    }
    out += "}  // extern \"C\"\n#pragma GCC visibility pop\n\n}  // namespace internal\n\n";
    out += messages_.Function();
    out += WriteState(variables, names_.constants);
    out += entries;
    out += "\n}  // namespace " + name_space_ + "\n\n#endif  // " + guard + "\n";
    return out;
  }

  const ImageModel& m_;
  const std::string name_;
  const std::string name_space_;
  const Sizes sizes_;
  Messages messages_;
  Problems problems_;
  ObjectNames names_;
  ElfObject elf_;
};

}  // namespace

Result<EmittedObject> EmitObject(const ImageModel& model, const EmitOptions& options) {
  STATOR_EXEC_RETURN_IF_ERROR(executable::VerifyModel(model));
  return Emitter(model, options).Emit();
}

}  // namespace stator::tools
