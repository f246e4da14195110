// Lines of C++ with their indentation.
#ifndef STATOR_TOOLS_EMIT_OBJECT_CODE_TEXT_H_
#define STATOR_TOOLS_EMIT_OBJECT_CODE_TEXT_H_

#include <string>
#include <utility>
#include <vector>

namespace stator::tools {

class CodeText {
 public:
  explicit CodeText(int depth = 0) : depth_(depth) {}

  // An empty line stays empty.
  void Line(const std::string& line) {
    if (!line.empty()) text_.append(static_cast<size_t>(2 * depth_), ' ');
    text_ += line + "\n";
  }
  void Lines(const std::vector<std::string>& lines) {
    for (const std::string& line : lines) Line(line);
  }
  // "x {" and all that follows one step further right, until Close.
  void Open(const std::string& line) {
    Line(line);
    ++depth_;
  }
  void Close(const std::string& line = "}") {
    --depth_;
    Line(line);
  }
  void Else() {
    Close("} else {");
    ++depth_;
  }
  // "public:" and its like, half a step to the left.
  void Label(const std::string& label) {
    text_.append(static_cast<size_t>(2 * depth_ - 1), ' ');
    text_ += label + "\n";
  }
  // Text with its own indentation.
  void Raw(const std::string& text) { text_ += text; }

  int depth() const { return depth_; }
  std::string Take() { return std::move(text_); }

 private:
  int depth_;
  std::string text_;
};

// "a, b, c", for arrays and calls.
inline std::string JoinText(const std::vector<std::string>& parts, const char* separator = ", ") {
  std::string out;
  for (size_t i = 0; i < parts.size(); ++i) out += (i == 0 ? "" : separator) + parts[i];
  return out;
}

}  // namespace stator::tools

#endif  // STATOR_TOOLS_EMIT_OBJECT_CODE_TEXT_H_
