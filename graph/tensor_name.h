#ifndef STATOR_GRAPH_TENSOR_NAME_H_
#define STATOR_GRAPH_TENSOR_NAME_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace stator::graph {

// `node:k` is output k of a node, `node` its output 0, `^node` its completion.
struct TensorName {
  static constexpr int kControl = -1;

  std::string node;
  int index = 0;

  bool is_control() const { return index == kControl; }
  friend bool operator==(const TensorName&, const TensorName&) = default;
};

absl::StatusOr<TensorName> ParseTensorName(absl::string_view text);

// The shortest form: output 0 is written without its number.
std::string TensorNameText(absl::string_view node, int index);

// Letters, digits and _ . / > - \, not starting with a slash, dash or backslash.
bool IsNodeName(absl::string_view name);

}  // namespace stator::graph

#endif  // STATOR_GRAPH_TENSOR_NAME_H_
