#include "nn/freeze.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "graph/prune.h"
#include "graph/status_macros.h"

namespace stator::nn {
namespace {

using graph::Graph;
using graph::Node;

// The variable behind an input, which must be a handle.
absl::StatusOr<std::string> VariableOf(const Graph& graph, const Node& reader) {
  const Node& handle = graph.node(reader.inputs()[0].node);
  if (handle.op() != "VarHandleOp") {
    return reader.Annotate(absl::UnimplementedError(
        absl::StrCat("expected the handle of a variable, found the output of ", handle.Title())));
  }
  STATOR_ASSIGN_OR_RETURN(std::string name, handle.StringAttr("shared_name"));
  return name.empty() ? handle.name() : name;
}

absl::StatusOr<NodeDef> ConstantFor(const Graph& graph, const Node& reader,
                                    const std::map<std::string, graph::DenseTensor>& values) {
  STATOR_ASSIGN_OR_RETURN(const std::string name, VariableOf(graph, reader));
  const auto value = values.find(name);
  if (value == values.end()) {
    return reader.Annotate(absl::NotFoundError(absl::StrCat("variable '", name, "' has no value")));
  }
  STATOR_ASSIGN_OR_RETURN(TensorProto tensor, graph::EncodeTensor(value->second));
  NodeDef constant;
  constant.set_name(reader.name());
  constant.set_op("Const");
  constant.set_device(reader.device());
  (*constant.mutable_attr())["dtype"].set_type(value->second.dtype);
  *(*constant.mutable_attr())["value"].mutable_tensor() = std::move(tensor);
  return constant;
}

}  // namespace

absl::StatusOr<GraphDef> Freeze(const Graph& graph, const std::vector<std::string>& feeds,
                                const std::vector<std::string>& fetches,
                                const std::map<std::string, graph::DenseTensor>& values) {
  STATOR_ASSIGN_OR_RETURN(const graph::PrunedGraph pruned,
                          graph::Prune(graph, feeds, fetches, /*targets=*/{}));
  GraphDef frozen;
  *frozen.mutable_versions() = graph.versions();
  *frozen.mutable_library() = graph.functions();
  // The nodes that were fed stay as what they are, so that the frozen graph has its inputs.
  for (const graph::Endpoint& feed : pruned.feeds) {
    NodeDef* input = frozen.add_node();
    *input = graph.node(feed.node).def();
    if (graph.node(feed.node).inputs().empty()) continue;
    return graph.node(feed.node).Annotate(
        absl::UnimplementedError("only a node without inputs can be an input"));
  }
  for (const int id : pruned.nodes) {
    const Node& node = graph.node(id);
    const bool is_input =
        std::any_of(pruned.feeds.begin(), pruned.feeds.end(),
                    [id](const graph::Endpoint& feed) { return feed.node == id; });
    if (is_input || node.op() == "VarHandleOp") continue;
    if (node.op() == "ReadVariableOp") {
      STATOR_ASSIGN_OR_RETURN(*frozen.add_node(), ConstantFor(graph, node, values));
      continue;
    }
    for (const graph::Endpoint& input : node.inputs()) {
      if (graph.node(input.node).op() != "VarHandleOp") continue;
      return node.Annotate(
          absl::FailedPreconditionError("uses a variable otherwise than by reading it"));
    }
    *frozen.add_node() = node.def();
  }
  return frozen;
}

}  // namespace stator::nn
