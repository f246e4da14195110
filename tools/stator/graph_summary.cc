#include "tools/stator/graph_summary.h"

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "graph/data_type.h"
#include "graph/tensor_name.h"
#include "proto/json_text.h"

namespace stator::tools {
namespace {

// The sizes of the node's "shape" attribute, -1 where unknown; none without a rank.
std::optional<std::vector<int64_t>> ShapeOf(const graph::Node& node) {
  const auto shape = node.ShapeAttr("shape");
  if (!shape.ok() || (*shape)->unknown_rank()) return std::nullopt;
  std::vector<int64_t> dims;
  for (const auto& dim : (*shape)->dim()) dims.push_back(dim.size() < 0 ? -1 : dim.size());
  return dims;
}

std::string ShapeText(const graph::Node& node) {
  const auto dims = ShapeOf(node);
  if (!dims) return "";
  std::string out = "[";
  for (size_t i = 0; i < dims->size(); ++i) {
    const int64_t size = (*dims)[i];
    out += (i == 0 ? "" : ", ") + (size < 0 ? "?" : std::to_string(size));
  }
  return out + "]";
}

std::string TypesText(const graph::Node& node) {
  std::string out;
  for (const DataType type : node.output_types()) {
    out += (out.empty() ? "" : ", ") + graph::DataTypeName(type);
  }
  return out;
}

// The tensors that a node reads, then "^node" for each node that it waits for.
std::vector<std::string> InputNames(const graph::Graph& graph, const graph::Node& node) {
  std::vector<std::string> names;
  for (const graph::Endpoint& input : node.inputs()) {
    names.push_back(graph::TensorNameText(graph.node(input.node).name(), input.index));
  }
  for (const int control : node.control_inputs()) {
    names.push_back("^" + graph.node(control).name());
  }
  return names;
}

// Nodes without inputs whose value only a caller can give have a shape and a type, but no value.
bool IsInput(const graph::Node& node) {
  return node.inputs().empty() && node.num_outputs() == 1 && node.FindAttr("dtype") != nullptr &&
         node.FindAttr("shape") != nullptr && node.FindAttr("value") == nullptr &&
         node.output_types()[0] != DT_RESOURCE && !graph::IsRefType(node.output_types()[0]);
}

struct Summary {
  std::vector<const graph::Node*> inputs;
  std::vector<const graph::Node*> outputs;  // of nodes that no other uses
  std::vector<const graph::Node*> unknown;  // of ops without a schema
};

Summary Summarize(const graph::Graph& graph) {
  Summary summary;
  std::vector<bool> used(graph.num_nodes(), false);
  for (int i = 0; i < graph.num_nodes(); ++i) {
    for (const graph::Endpoint& input : graph.node(i).inputs()) used[input.node] = true;
  }
  for (int i = 0; i < graph.num_nodes(); ++i) {
    const graph::Node& node = graph.node(i);
    if (IsInput(node)) summary.inputs.push_back(&node);
    if (!used[i] && node.num_outputs() > 0) summary.outputs.push_back(&node);
    if (node.schema() == nullptr) summary.unknown.push_back(&node);
  }
  return summary;
}

std::string NodeText(const graph::Graph& graph, const graph::Node& node) {
  std::string text = "  " + node.name() + " = " + node.op() + "(";
  bool first = true;
  for (const std::string& name : InputNames(graph, node)) {
    text += (first ? "" : ", ") + name;
    first = false;
  }
  text += ")";
  if (node.num_outputs() > 0) text += " : " + TypesText(node) + ShapeText(node);
  if (node.schema() == nullptr) text += "  (unknown op)";
  if (!node.device().empty()) text += "  on " + node.device();
  return text + "\n";
}

std::string TypesJson(const graph::Node& node) {
  std::vector<std::string> types;
  for (const DataType type : node.output_types()) {
    types.push_back(JsonQuote(graph::DataTypeName(type)));
  }
  return JsonArray(types);
}

void AddDims(const graph::Node& node, JsonObject* json) {
  const auto dims = ShapeOf(node);
  if (!dims) return;
  std::vector<std::string> sizes;
  for (const int64_t size : *dims) sizes.push_back(std::to_string(size));
  json->Json("dims", JsonArray(sizes));
}

std::string NodeJson(const graph::Graph& graph, const graph::Node& node) {
  std::vector<std::string> inputs;
  for (const std::string& name : InputNames(graph, node)) {
    inputs.push_back(JsonQuote(name));
  }
  JsonObject json;
  json.Text("name", node.name()).Text("op", node.op());
  json.Json("inputs", JsonArray(inputs)).Json("dtypes", TypesJson(node));
  AddDims(node, &json);
  json.Flag("known", node.schema() != nullptr);
  if (!node.device().empty()) json.Text("device", node.device());
  return json.ToString();
}

std::string SignaturesText(const GraphFile& file) {
  std::string out;
  for (const auto& [name, unused] : file.signatures) {
    const auto signature = FindSignature(file, name);
    if (!signature.ok()) continue;
    out += "signature " + name + ":\n";
    for (const auto& [key, tensor] : signature->inputs)
      out += "  input " + key + ": " + tensor + "\n";
    for (const auto& [key, tensor] : signature->outputs)
      out += "  output " + key + ": " + tensor + "\n";
  }
  return out;
}

std::string PortsJson(const std::vector<std::pair<std::string, std::string>>& ports) {
  std::vector<std::string> out;
  for (const auto& [key, tensor] : ports) {
    out.push_back(JsonObject().Text("name", key).Text("tensor", tensor).ToString());
  }
  return JsonArray(out);
}

std::string SignaturesJson(const GraphFile& file) {
  std::vector<std::string> out;
  for (const auto& [name, unused] : file.signatures) {
    const auto signature = FindSignature(file, name);
    if (!signature.ok()) continue;
    JsonObject json;
    json.Text("name", name).Json("inputs", PortsJson(signature->inputs));
    out.push_back(json.Json("outputs", PortsJson(signature->outputs)).ToString());
  }
  return JsonArray(out);
}

}  // namespace

std::string GraphText(const GraphFile& file, bool nodes) {
  const graph::Graph& graph = file.graph;
  const Summary summary = Summarize(graph);
  std::string out = "graph: " + std::to_string(graph.num_nodes()) + " nodes, " +
                    std::to_string(graph.functions().function_size()) + " functions, producer " +
                    std::to_string(graph.versions().producer()) + "\n";
  if (!summary.unknown.empty()) {
    out += "nodes of unknown ops: " + std::to_string(summary.unknown.size()) + "\n";
  }
  out += SignaturesText(file);
  out += "inputs:\n";
  for (const graph::Node* node : summary.inputs) {
    out += "  " + node->name() + ": " + TypesText(*node) + ShapeText(*node) + "\n";
  }
  out += "outputs (of nodes that no other uses):\n";
  for (const graph::Node* node : summary.outputs) {
    out += "  " + node->name() + ": " + TypesText(*node) + "\n";
  }
  if (graph.functions().function_size() > 0) out += "functions:\n";
  for (const FunctionDef& function : graph.functions().function()) {
    out += "  " + function.signature().name() + ": " + std::to_string(function.node_def_size()) +
           " nodes\n";
  }
  if (!nodes) return out;
  out += "nodes:\n";
  for (int i = 0; i < graph.num_nodes(); ++i) out += NodeText(graph, graph.node(i));
  return out;
}

std::string GraphJson(const GraphFile& file, bool nodes) {
  const graph::Graph& graph = file.graph;
  const Summary summary = Summarize(graph);
  std::vector<std::string> inputs, outputs, unknown, functions, all;
  for (const graph::Node* node : summary.inputs) {
    JsonObject json;
    json.Text("name", node->name()).Text("dtype", TypesText(*node));
    AddDims(*node, &json);
    inputs.push_back(json.ToString());
  }
  for (const graph::Node* node : summary.outputs) {
    outputs.push_back(
        JsonObject().Text("name", node->name()).Json("dtypes", TypesJson(*node)).ToString());
  }
  for (const graph::Node* node : summary.unknown) unknown.push_back(JsonQuote(node->name()));
  for (const FunctionDef& function : graph.functions().function()) {
    functions.push_back(JsonObject()
                            .Text("name", function.signature().name())
                            .Number("nodes", function.node_def_size())
                            .ToString());
  }
  JsonObject json;
  json.Text("kind", "graph").Number("num_nodes", graph.num_nodes());
  json.Number("producer", graph.versions().producer());
  json.Json("inputs", JsonArray(inputs)).Json("outputs", JsonArray(outputs));
  if (!file.signatures.empty()) json.Json("signatures", SignaturesJson(file));
  json.Json("unknown_ops", JsonArray(unknown)).Json("functions", JsonArray(functions));
  if (!nodes) return json.ToString();
  for (int i = 0; i < graph.num_nodes(); ++i) all.push_back(NodeJson(graph, graph.node(i)));
  return json.Json("nodes", JsonArray(all)).ToString();
}

}  // namespace stator::tools
