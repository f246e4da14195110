#include "tools/emit_object/state_writer.h"

#include <algorithm>
#include <map>

#include "executable/printer.h"
#include "tools/emit_object/code_text.h"
#include "tools/emit_object/identifiers.h"

namespace stator::tools {
namespace {

using executable::DType;
using executable::kNone;

constexpr int64_t kAlignment = executable::kBufferAlignment;

class VariableFinder {
 public:
  VariableFinder(const Sizes& sizes, Problems* problems) : sizes_(sizes), problems_(problems) {}

  std::vector<StateVariable> Find() {
    for (const executable::EntryPoint& entry : sizes_.model().entry_points) {
      for (const executable::Variable& v : entry.variables) Add(v);
    }
    for (const executable::StoredTensor& t : sizes_.model().initial_values) AddInitial(t);
    for (StateVariable& s : out_) s.elements = std::max<int64_t>(s.elements, 0);
    return std::move(out_);
  }

 private:
  void Add(const executable::Variable& v) {
    const auto problem = [&](const std::string& what) {
      problems_->AddNode(v.source_node, "variable", "variable " + v.name + " " + what);
    };
    if (CppType(v.dtype).empty()) {
      return problem("of type " + std::string(executable::DTypeName(v.dtype)));
    }
    if (v.layout != executable::Layout::kRowMajor) return problem("that is not row-major");
    auto [it, inserted] = index_.emplace(v.name, out_.size());
    if (inserted) {
      out_.emplace_back();
      out_.back().name = v.name;
      out_.back().member = names_.Add(ToIdentifier(v.name));
      out_.back().dtype = v.dtype;
      out_.back().elements = -1;  // until an entry point tells the shape
    }
    StateVariable& s = out_[it->second];
    if (s.dtype != v.dtype) return problem("has two types");
    s.written |= v.write_buffer != kNone || v.zero_initialized;
    s.zeros |= v.zero_initialized;
    if (v.read_buffer != kNone && !Shape(v.read_dims, &s)) return problem("without a fixed shape");
    if (v.write_buffer != kNone && !Shape(v.write_dims, &s)) {
      return problem("without a fixed shape");
    }
  }

  // Values of variables that no entry point has are left out.
  void AddInitial(const executable::StoredTensor& t) {
    const auto it = index_.find(t.name);
    if (it == index_.end()) return;
    StateVariable& s = out_[it->second];
    if (s.dtype != t.dtype || (s.elements >= 0 && s.dims != t.dims)) {
      return problems_->AddNode(kNone, "variable " + t.name, "an initial value of another type");
    }
    s.dims = t.dims;
    s.bytes = t.constant_size;
    s.elements = t.constant_size / executable::DTypeSize(t.dtype);
    s.initial = t.constant_offset;
  }

  // False when it is not constant, or another than before.
  bool Shape(const std::vector<int32_t>& exprs, StateVariable* s) const {
    std::vector<int64_t> dims;
    int64_t elements = 1;
    for (const int32_t e : exprs) {
      dims.push_back(sizes_.Constant(e).value_or(-1));
      if (dims.back() < 0 || __builtin_mul_overflow(elements, dims.back(), &elements)) return false;
    }
    if (s->elements >= 0 && s->dims != dims) return false;
    s->dims = std::move(dims);
    s->elements = elements;
    s->bytes = elements * executable::DTypeSize(s->dtype);
    return true;
  }

  const Sizes& sizes_;
  Problems* problems_;
  std::map<std::string, size_t> index_;
  std::vector<StateVariable> out_;
  UniqueNames names_{{"kCount", "kMemoryAlignment", "memory_size", "init", "info", "data",
                      "has_value", "set", "State"}};
};

constexpr char kTypes[] = R"text(
// What is known of a variable, for programs that list, save or load them all.
struct VariableInfo {
  const char* name;
  const char* type;
  int rank;
  std::int64_t dims[$RANK];
  std::size_t bytes;
  bool written;         // by an entry point: it needs memory
  const void* initial;  // in the object; null without
};

namespace internal {

// State that entry points write: memory of the caller.
template <typename T, std::size_t kSize>
struct Variable {
  T* data = nullptr;
  bool initialized = false;  // to be set by who writes `data`

  static constexpr std::size_t size() { return kSize; }
  bool has_value() const { return data != nullptr && initialized; }
  // Copies size() values to where `data` points.
  void set(const void* values) {
    copy(data, values, static_cast<std::int64_t>(sizeof(T) * kSize));
    initialized = true;
  }
};

// Values that no entry point writes: they stay where they are.
template <typename T, std::size_t kSize>
struct Weight {
  const T* data = nullptr;

  static constexpr std::size_t size() { return kSize; }
  bool has_value() const { return data != nullptr; }
  // From now on these; they must live as long as they are used.
  void set(const void* values) { data = static_cast<const T*>(values); }
};

}  // namespace internal
)text";

std::string DimsText(const std::vector<int64_t>& dims) {
  std::vector<std::string> parts;
  for (const int64_t d : dims) parts.push_back(Int64Literal(d));
  return JoinText(parts);
}

class StateWriter {
 public:
  StateWriter(const std::vector<StateVariable>& variables, const std::string& constants)
      : variables_(variables), constants_(constants) {}

  std::string Write() {
    for (const StateVariable& v : variables_) {
      offsets_.push_back(bytes_);
      if (v.written) bytes_ += (v.bytes + kAlignment - 1) / kAlignment * kAlignment;
      rank_ = std::max(rank_, v.dims.size());
    }
    std::string types = kTypes;
    types.replace(types.find("$RANK"), 5, std::to_string(rank_));
    code_.Raw(types);
    code_.Line("");
    code_.Line(
        "// The variables of all entry points, by name: pointers into memory of the caller. Entry");
    code_.Line("// points that only read may share a State between threads.");
    code_.Open("struct State {");
    for (const StateVariable& v : variables_) {
      code_.Line(std::string(v.written ? "internal::Variable<" : "internal::Weight<") +
                 CppType(v.dtype) + ", " + std::to_string(v.elements) + "> " + v.member + ";  // " +
                 CommentText(v.name) + ": " + executable::DTypeName(v.dtype) + "[" +
                 DimsText(v.dims) + "]");
    }
    Init();
    ByNumber();
    code_.Close("};");
    return code_.Take();
  }

 private:
  std::string Initial(const StateVariable& v) const {
    return "internal::" + constants_ + " + " + Int64Literal(v.initial);
  }

  void Init() {
    code_.Line("");
    code_.Line("static constexpr std::size_t kMemoryAlignment = " + std::to_string(kAlignment) +
               ";");
    code_.Line("// Bytes for all variables that entry points write.");
    code_.Line("static constexpr std::size_t memory_size() { return " + std::to_string(bytes_) +
               "; }");
    code_.Line(
        "// Gives each of them its part of `memory`, and every variable its initial value, if it");
    code_.Line("// has one. A program may as well set the pointers itself.");
    code_.Open("void init([[maybe_unused]] void* memory) {");
    if (bytes_ > 0) code_.Line("char* const at = static_cast<char*>(memory);");
    for (size_t i = 0; i < variables_.size(); ++i) {
      const StateVariable& v = variables_[i];
      if (!v.written) {
        if (v.initial >= 0) code_.Line(v.member + ".set(" + Initial(v) + ");");
        continue;
      }
      code_.Line(v.member + ".data = reinterpret_cast<" + CppType(v.dtype) + "*>(at + " +
                 Int64Literal(offsets_[i]) + ");");
      if (v.initial >= 0) {
        code_.Line(v.member + ".set(" + Initial(v) + ");");
      } else if (v.zeros) {
        code_.Line("std::memset(" + v.member + ".data, 0, " + std::to_string(v.bytes) + ");");
        code_.Line(v.member + ".initialized = true;");
      } else {
        code_.Line(v.member + ".initialized = false;");
      }
    }
    code_.Close();
  }

  void Switch(const std::string& head, const std::string& call, const std::string& otherwise) {
    code_.Open(head);
    code_.Open("switch (i) {");
    for (size_t i = 0; i < variables_.size(); ++i) {
      code_.Line("case " + std::to_string(i) + ":");
      code_.Line("  return " + variables_[i].member + call + ";");
    }
    code_.Line("default:");
    code_.Line("  return" + otherwise + ";");
    code_.Close();
    code_.Close();
  }

  void ByNumber() {
    code_.Line("");
    code_.Line("// The same by number, in [0, kCount).");
    code_.Line("static constexpr int kCount = " + std::to_string(variables_.size()) + ";");
    code_.Open("static const VariableInfo& info(int i) {");
    code_.Open("static constexpr VariableInfo kInfos[kCount] = {");
    for (const StateVariable& v : variables_) {
      code_.Line("{" + StringLiteral(v.name) + ", " +
                 StringLiteral(executable::DTypeName(v.dtype)) + ", " +
                 std::to_string(v.dims.size()) + ", {" + DimsText(v.dims) + "}, " +
                 std::to_string(v.bytes) + ", " + (v.written ? "true" : "false") + ", " +
                 (v.initial >= 0 ? Initial(v) : "nullptr") + "},");
    }
    code_.Close("};");
    code_.Line("return kInfos[i];");
    code_.Close();
    Switch("const void* data(int i) const {", ".data", " nullptr");
    Switch("bool has_value(int i) const {", ".has_value()", " false");
    Switch("void set(int i, const void* values) {", ".set(values)", "");
  }

  const std::vector<StateVariable>& variables_;
  const std::string& constants_;
  std::vector<int64_t> offsets_;
  int64_t bytes_ = 0;
  size_t rank_ = 1;
  CodeText code_;
};

}  // namespace

std::vector<StateVariable> FindVariables(const Sizes& sizes, Problems* problems) {
  return VariableFinder(sizes, problems).Find();
}

std::string CppType(DType dtype) {
  switch (dtype) {
    case DType::kFloat32:
      return "float";
    case DType::kFloat64:
      return "double";
    case DType::kBool:
      return "bool";
    case DType::kInt8:
    case DType::kQInt8:
      return "std::int8_t";
    case DType::kInt16:
    case DType::kQInt16:
      return "std::int16_t";
    case DType::kInt32:
    case DType::kQInt32:
      return "std::int32_t";
    case DType::kInt64:
      return "std::int64_t";
    case DType::kUInt8:
    case DType::kQUInt8:
    case DType::kFloat8E5M2:
    case DType::kFloat8E4M3FN:
      return "std::uint8_t";
    // Halves as their bits.
    case DType::kUInt16:
    case DType::kQUInt16:
    case DType::kFloat16:
    case DType::kBFloat16:
      return "std::uint16_t";
    case DType::kUInt32:
      return "std::uint32_t";
    case DType::kUInt64:
      return "std::uint64_t";
    default:
      return "";
  }
}

std::string WriteState(const std::vector<StateVariable>& variables, const std::string& constants) {
  if (variables.empty()) return "";
  return StateWriter(variables, constants).Write();
}

}  // namespace stator::tools
