#include "graph/tensor_name.h"

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace stator::graph {

absl::StatusOr<TensorName> ParseTensorName(absl::string_view text) {
  TensorName name;
  absl::string_view node = text;
  if (absl::ConsumePrefix(&node, "^")) {
    name.index = TensorName::kControl;
  } else if (const size_t colon = node.rfind(':'); colon != absl::string_view::npos) {
    const absl::string_view digits = node.substr(colon + 1);
    // SimpleAtoi would take signs and spaces.
    const bool plain = digits.find_first_not_of("0123456789") == absl::string_view::npos;
    if (!plain || !absl::SimpleAtoi(digits, &name.index)) {
      return absl::InvalidArgumentError(
          absl::StrCat("tensor name '", text, "': expected a number after the colon"));
    }
    node = node.substr(0, colon);
  }
  if (!IsNodeName(node)) {
    return absl::InvalidArgumentError(
        absl::StrCat("tensor name '", text, "': expected node, node:k or ^node"));
  }
  name.node = std::string(node);
  return name;
}

std::string TensorNameText(absl::string_view node, int index) {
  if (index == TensorName::kControl) return absl::StrCat("^", node);
  if (index == 0) return std::string(node);
  return absl::StrCat(node, ":", index);
}

bool IsNodeName(absl::string_view name) {
  if (name.empty()) return false;
  // A leading underscore marks nodes that a runtime made; imported graphs may hold them.
  if (!absl::ascii_isalnum(name[0]) && name[0] != '.' && name[0] != '_') return false;
  for (const char c : name) {
    const bool punctuation = c == '_' || c == '.' || c == '/' || c == '>' || c == '-' || c == '\\';
    if (!absl::ascii_isalnum(c) && !punctuation) return false;
  }
  return true;
}

}  // namespace stator::graph
