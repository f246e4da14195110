#include "tools/emit_object/identifiers.h"

namespace stator::tools {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

const std::set<std::string>& Keywords() {
  static const auto* keywords =
      new std::set<std::string>{"alignas",       "alignof",     "and",
                                "and_eq",        "asm",         "auto",
                                "bitand",        "bitor",       "bool",
                                "break",         "case",        "catch",
                                "char",          "char16_t",    "char32_t",
                                "char8_t",       "class",       "co_await",
                                "co_return",     "co_yield",    "compl",
                                "concept",       "const",       "const_cast",
                                "consteval",     "constexpr",   "constinit",
                                "continue",      "decltype",    "default",
                                "delete",        "do",          "double",
                                "dynamic_cast",  "else",        "enum",
                                "explicit",      "export",      "extern",
                                "false",         "float",       "for",
                                "friend",        "goto",        "if",
                                "inline",        "int",         "long",
                                "mutable",       "namespace",   "new",
                                "noexcept",      "not",         "not_eq",
                                "nullptr",       "operator",    "or",
                                "or_eq",         "private",     "protected",
                                "public",        "register",    "reinterpret_cast",
                                "requires",      "return",      "short",
                                "signed",        "sizeof",      "static",
                                "static_assert", "static_cast", "struct",
                                "switch",        "template",    "this",
                                "thread_local",  "throw",       "true",
                                "try",           "typedef",     "typeid",
                                "typename",      "union",       "unsigned",
                                "using",         "virtual",     "void",
                                "volatile",      "wchar_t",     "while",
                                "xor",           "xor_eq",      "std",
                                "linux",         "unix",        "NULL",
                                "errno",         "assert"};
  return *keywords;
}

}  // namespace

std::string ToIdentifier(std::string_view name) {
  std::string out;
  for (const char c : name) {
    if (IsLetter(c) || IsDigit(c)) {
      out += c;
    } else if (!out.empty() && out.back() != '_') {
      out += '_';
    }
  }
  while (!out.empty() && out.back() == '_') out.pop_back();
  if (out.empty()) return "unnamed";
  if (IsDigit(out[0])) out.insert(0, "n");
  if (Keywords().count(out) != 0) out += '_';
  return out;
}

std::string TensorIdentifier(std::string_view name) {
  if (name.size() > 2 && name.substr(name.size() - 2) == ":0") name.remove_suffix(2);
  return ToIdentifier(name);
}

std::string ToClassName(std::string_view name) {
  std::string out;
  bool start = true;
  for (const char c : ToIdentifier(name)) {
    if (c == '_') {
      start = true;
      continue;
    }
    out += start && c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    start = false;
  }
  return out;
}

std::string CommentText(std::string_view text) {
  std::string out;
  for (const char c : text) out += c >= ' ' && c <= '~' && c != '\\' ? c : '?';
  return out;
}

std::string StringLiteral(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte >= ' ' && byte <= '~') {
      out += c;
    } else {
      out += '\\';
      for (const int shift : {6, 3, 0}) out += static_cast<char>('0' + (byte >> shift & 7));
    }
  }
  return out + "\"";
}

std::set<std::string> ClassReservedNames() {
  return {
      // Members of the class.
      "state", "run", "init", "scratch_size", "kScratchAlignment", "persistent_size",
      "init_scratch_size", "kPersistentAlignment", "failed_element", "failed_element_", "steps",
      "init_steps", "failed", "lay_out", "init_lay_out", "Layout", "InitLayout",
      // What stands around it.
      "message", "internal", "State", "VariableInfo",
      // Arguments and local variables.
      "l", "c", "scratch", "persistent", "code", "error", "wrote", "bytes", "buffers", "scalars",
      "end", "float_mode", "was_initialized"};
}

std::string UniqueNames::Add(const std::string& wanted, const std::string& suffix) {
  std::string name = wanted;
  for (int i = 2; taken_.count(name) + taken_.count(name + suffix) != 0; ++i) {
    name = wanted + "_" + std::to_string(i);
  }
  taken_.insert(name);
  taken_.insert(name + suffix);
  return name;
}

}  // namespace stator::tools
