// Names and texts from a graph, made fit for C++.
#ifndef STATOR_TOOLS_EMIT_OBJECT_IDENTIFIERS_H_
#define STATOR_TOOLS_EMIT_OBJECT_IDENTIFIERS_H_

#include <set>
#include <string>
#include <string_view>
#include <utility>

namespace stator::tools {

// "dense/kernel" becomes dense_kernel: letters, digits and single underscores, no keyword, nothing
// that C++ reserves; never empty.
std::string ToIdentifier(std::string_view name);
// The same for a tensor: without the ":0" of a node's first output.
std::string TensorIdentifier(std::string_view name);
// "serving_default" becomes ServingDefault.
std::string ToClassName(std::string_view name);
// For a // comment: one line, printable, no backslash.
std::string CommentText(std::string_view text);
// With its quotes.
std::string StringLiteral(std::string_view text);

// What the class of an entry point and its functions call their own.
std::set<std::string> ClassReservedNames();

// Hands out each name once: a second "x" becomes "x_2".
class UniqueNames {
 public:
  explicit UniqueNames(std::set<std::string> taken = {}) : taken_(std::move(taken)) {}
  std::string Add(const std::string& wanted) { return Add(wanted, ""); }
  // Takes the name followed by `suffix` as well.
  std::string Add(const std::string& wanted, const std::string& suffix);

 private:
  std::set<std::string> taken_;
};

}  // namespace stator::tools

#endif  // STATOR_TOOLS_EMIT_OBJECT_IDENTIFIERS_H_
