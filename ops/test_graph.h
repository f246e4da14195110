#ifndef STATOR_OPS_TEST_GRAPH_H_
#define STATOR_OPS_TEST_GRAPH_H_

#include <algorithm>
#include <string>
#include <vector>

// Nodes as GraphDef text, for tests.

namespace stator::ops {

// `sizes` is "-1,4".
inline std::string Placeholder(const std::string& name, const std::string& sizes,
                               const std::string& dtype = "DT_FLOAT") {
  std::string dims;
  for (size_t i = 0; i < sizes.size();) {
    const size_t end = std::min(sizes.find(',', i), sizes.size());
    dims += " dim { size: " + sizes.substr(i, end - i) + " }";
    i = end + 1;
  }
  return "node { name: '" + name +
         "' op: 'Placeholder' attr { key: 'dtype' value { type: " + dtype +
         " } } attr { key: 'shape' value { shape { " + dims + " } } } }\n";
}

inline std::string Node(const std::string& name, const std::string& op,
                        const std::vector<std::string>& inputs, const std::string& attrs = "") {
  std::string text = "node { name: '" + name + "' op: '" + op + "' ";
  for (const std::string& input : inputs) text += "input: '" + input + "' ";
  return text + attrs + " }\n";
}

inline std::string Attr(const std::string& key, const std::string& value) {
  return "attr { key: '" + key + "' value { " + value + " } } ";
}

// A constant vector or scalar of int32.
inline std::string Ints(const std::string& name, const std::vector<int>& values,
                        bool scalar = false) {
  std::string text = "tensor { dtype: DT_INT32 tensor_shape { ";
  if (!scalar) text += "dim { size: " + std::to_string(values.size()) + " } ";
  text += "} ";
  for (int value : values) text += "int_val: " + std::to_string(value) + " ";
  return Node(name, "Const", {}, Attr("dtype", "type: DT_INT32") + Attr("value", text + "}"));
}

inline std::string Scalar(const std::string& name, int value) {
  return Ints(name, {value}, /*scalar=*/true);
}

inline const std::string& F32() {
  static const auto* const kText = new std::string(Attr("T", "type: DT_FLOAT"));
  return *kText;
}

inline std::string IntList(const std::vector<int>& values) {
  std::string text = "list { ";
  for (int value : values) text += "i: " + std::to_string(value) + " ";
  return text + "}";
}

}  // namespace stator::ops

#endif  // STATOR_OPS_TEST_GRAPH_H_
