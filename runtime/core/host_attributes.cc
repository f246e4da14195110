#include "runtime/core/host_attributes.h"

#include <cctype>

namespace stator::runtime {
namespace {

// Reads the dictionary from the front.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  bool Done() const { return text_.empty(); }
  char Peek() const { return text_.empty() ? '\0' : text_.front(); }
  void Skip() {
    if (!text_.empty()) text_.remove_prefix(1);
  }
  void SkipSpaces() {
    while (Peek() == ' ') Skip();
  }

  // A quoted string, of which Peek() is the first quote. Escapes are \\ and \HH.
  std::string String() {
    std::string value;
    Skip();
    while (!Done() && Peek() != '"') {
      char c = Peek();
      Skip();
      if (c == '\\' && text_.size() >= 2 && Peek() != '\\') {
        c = static_cast<char>(Hex(text_[0]) * 16 + Hex(text_[1]));
        Skip();
        Skip();
      } else if (c == '\\') {
        Skip();
      }
      value += c;
    }
    Skip();
    return value;
  }

  std::string Key() {
    if (Peek() == '"') return String();
    std::string key;
    while (std::isalnum(static_cast<unsigned char>(Peek())) || Peek() == '_' || Peek() == '.' ||
           Peek() == '$') {
      key += Peek();
      Skip();
    }
    return key;
  }

  // The strings up to the end of the value, which is the next comma or brace outside brackets.
  std::vector<std::string> Strings() {
    std::vector<std::string> strings;
    int depth = 0;
    while (!Done()) {
      const char c = Peek();
      if (c == '"') {
        strings.push_back(String());
        continue;
      }
      if (depth == 0 && (c == ',' || c == '}')) break;
      if (c == '[' || c == '{' || c == '<' || c == '(') ++depth;
      if (c == ']' || c == '}' || c == '>' || c == ')') --depth;
      Skip();
    }
    return strings;
  }

 private:
  static int Hex(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    return (c | 0x20) - 'a' + 10;
  }

  std::string_view text_;
};

}  // namespace

std::vector<std::string> StringsAttribute(std::string_view attributes, std::string_view name) {
  Scanner scanner(attributes);
  while (!scanner.Done()) {
    scanner.Skip();  // the opening brace, or the comma between entries
    scanner.SkipSpaces();
    const std::string key = scanner.Key();
    scanner.SkipSpaces();
    std::vector<std::string> strings;
    if (scanner.Peek() == '=') {
      scanner.Skip();
      strings = scanner.Strings();
    }
    if (key == name) return strings;
    if (scanner.Peek() != ',') break;
  }
  return {};
}

}  // namespace stator::runtime
