// stator inspect: what is in a graph or in a compiled image.
#include <CLI/CLI.hpp>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "executable/image_view.h"
#include "executable/printer.h"
#include "executable/verifier.h"
#include "formats/file.h"
#include "graph/data_type.h"
#include "graph/graph.h"
#include "graph/status_macros.h"
#include "graph/tensor_name.h"
#include "runtime/session/status.h"
#include "tools/stator/command.h"
#include "tools/stator/graph_file.h"

namespace stator::tools {
namespace {

constexpr int64_t kMaxFileBytes = int64_t{8} << 30;

struct InspectFlags {
  std::string file;
  bool nodes = false;
};

std::string ShapeText(const graph::Node& node) {
  const auto shape = node.ShapeAttr("shape");
  if (!shape.ok() || (*shape)->unknown_rank()) return "";
  std::string out = "[";
  for (int i = 0; i < (*shape)->dim_size(); ++i) {
    const int64_t size = (*shape)->dim(i).size();
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

void PrintNode(const graph::Graph& graph, const graph::Node& node) {
  std::string text = "  " + node.name() + " = " + node.op() + "(";
  bool first = true;
  for (const graph::Endpoint& input : node.inputs()) {
    text += first ? "" : ", ";
    text += graph::TensorNameText(graph.node(input.node).name(), input.index);
    first = false;
  }
  for (const int control : node.control_inputs()) {
    text += (first ? "^" : ", ^") + graph.node(control).name();
    first = false;
  }
  text += ")";
  if (node.num_outputs() > 0) text += " : " + TypesText(node) + ShapeText(node);
  if (node.schema() == nullptr) text += "  (unknown op)";
  if (!node.device().empty()) text += "  on " + node.device();
  std::printf("%s\n", text.c_str());
}

// Nodes without inputs whose value only a caller can give have a shape and a type, but no value.
bool IsInput(const graph::Node& node) {
  return node.inputs().empty() && node.num_outputs() == 1 && node.FindAttr("dtype") != nullptr &&
         node.FindAttr("shape") != nullptr && node.FindAttr("value") == nullptr &&
         node.output_types()[0] != DT_RESOURCE && !graph::IsRefType(node.output_types()[0]);
}

absl::Status InspectGraph(const InspectFlags& flags) {
  STATOR_ASSIGN_OR_RETURN(const graph::Graph graph,
                          LoadGraph(flags.file, /*allow_unknown_ops=*/true));
  std::vector<bool> used(graph.num_nodes(), false);
  int unknown = 0;
  for (int i = 0; i < graph.num_nodes(); ++i) {
    for (const graph::Endpoint& input : graph.node(i).inputs()) used[input.node] = true;
    if (graph.node(i).schema() == nullptr) ++unknown;
  }
  std::printf("graph: %d nodes, %d functions, producer %d\n", graph.num_nodes(),
              graph.functions().function_size(), graph.versions().producer());
  if (unknown > 0) std::printf("nodes of unknown ops: %d\n", unknown);
  std::printf("inputs:\n");
  for (int i = 0; i < graph.num_nodes(); ++i) {
    const graph::Node& node = graph.node(i);
    if (!IsInput(node)) continue;
    std::printf("  %s: %s%s\n", node.name().c_str(), TypesText(node).c_str(),
                ShapeText(node).c_str());
  }
  std::printf("outputs (of nodes that no other uses):\n");
  for (int i = 0; i < graph.num_nodes(); ++i) {
    const graph::Node& node = graph.node(i);
    if (used[i] || node.num_outputs() == 0) continue;
    std::printf("  %s: %s\n", node.name().c_str(), TypesText(node).c_str());
  }
  if (graph.functions().function_size() > 0) std::printf("functions:\n");
  for (const FunctionDef& function : graph.functions().function()) {
    std::printf("  %s: %d nodes\n", function.signature().name().c_str(), function.node_def_size());
  }
  if (!flags.nodes) return absl::OkStatus();
  std::printf("nodes:\n");
  for (int i = 0; i < graph.num_nodes(); ++i) PrintNode(graph, graph.node(i));
  return absl::OkStatus();
}

absl::Status InspectImage(const std::string& bytes) {
  // The reader wants aligned bytes.
  const std::unique_ptr<uint64_t[]> aligned(new uint64_t[bytes.size() / 8 + 2]);
  auto* data = reinterpret_cast<uint8_t*>(aligned.get());
  if (reinterpret_cast<uintptr_t>(data) % 16 != 0) data += 8;
  std::memcpy(data, bytes.data(), bytes.size());
  STATOR_ASSIGN_OR_RETURN(
      const executable::ImageView view,
      runtime::ToAbsl(executable::VerifyImage(data, bytes.size())));
  std::printf("image: %lld bytes of code, %lld of constants\n",
              static_cast<long long>(view.code_size), static_cast<long long>(view.constants_size));
  std::printf("%s", executable::PrintImage(view.plan).c_str());
  return absl::OkStatus();
}

absl::Status Inspect(const InspectFlags& flags) {
  STATOR_ASSIGN_OR_RETURN(const std::string bytes, formats::ReadFile(flags.file, kMaxFileBytes));
  const size_t magic = sizeof(executable::kImageMagic);
  if (bytes.size() >= magic && std::memcmp(bytes.data(), executable::kImageMagic, magic) == 0) {
    return InspectImage(bytes);
  }
  return InspectGraph(flags);
}

}  // namespace

Command AddInspect(CLI::App& app) {
  const auto flags = std::make_shared<InspectFlags>();
  CLI::App* inspect = app.add_subcommand("inspect", "Shows what is in a graph or an image.");
  inspect->add_option("FILE", flags->file, "GraphDef (.pb, .pbtxt), or an image that `opt` wrote")
      ->required()
      ->check(CLI::ExistingFile);
  inspect->add_flag("--nodes", flags->nodes, "list all nodes of a graph");
  return {inspect, [flags] { return Inspect(*flags); }};
}

}  // namespace stator::tools
