#include "runtime/session/signature.h"

#include <algorithm>
#include <set>

#include "graph/status_macros.h"
#include "graph/tensor_name.h"

namespace stator::runtime {
namespace {

struct Resolved {
  std::string name;  // "node:k"
  executable::DType dtype;
};

absl::StatusOr<Resolved> ResolveTensor(const graph::Graph& graph, const char* what,
                                       const std::string& text) {
  absl::StatusOr<graph::TensorName> name = graph::ParseTensorName(text);
  if (!name.ok() || name->is_control()) {
    return absl::InvalidArgumentError(std::string(what) + " '" + text +
                                      "': not the name of a tensor (node or node:k)");
  }
  const graph::Node* node = graph.FindNode(name->node);
  if (node == nullptr) {
    return absl::NotFoundError(std::string(what) + " '" + text + "': the graph has no node '" +
                               name->node + "'");
  }
  if (name->index >= node->num_outputs()) {
    return absl::InvalidArgumentError(std::string(what) + " '" + text + "': " + node->Title() +
                                      " has " + std::to_string(node->num_outputs()) + " outputs");
  }
  // A reference to a variable (types above 100) is fed and fetched as its value.
  const int dtype = node->output_types()[name->index] % 100;
  return Resolved{name->node + ":" + std::to_string(name->index),
                  static_cast<executable::DType>(dtype)};
}

}  // namespace

absl::StatusOr<Signature> ResolveSignature(const graph::Graph& graph,
                                           const std::vector<std::string>& feeds,
                                           const std::vector<std::string>& fetches,
                                           const std::vector<std::string>& targets) {
  if (fetches.empty() && targets.empty()) {
    return absl::InvalidArgumentError("a run needs at least one fetch or target");
  }
  Signature out;
  std::set<std::string> fed;
  for (const std::string& feed : feeds) {
    STATOR_ASSIGN_OR_RETURN(Resolved tensor, ResolveTensor(graph, "feed", feed));
    if (!fed.insert(tensor.name).second) {
      return absl::InvalidArgumentError("feed '" + feed + "': fed twice");
    }
    out.feeds.push_back(tensor.name);
    out.feed_types.push_back(tensor.dtype);
  }
  for (const std::string& fetch : fetches) {
    STATOR_ASSIGN_OR_RETURN(Resolved tensor, ResolveTensor(graph, "fetch", fetch));
    if (fed.count(tensor.name) > 0) {
      return absl::InvalidArgumentError("fetch '" + fetch + "': both fed and fetched");
    }
    out.fetches.push_back(tensor.name);
  }
  for (const std::string& target : targets) {
    const std::string name = target.substr(!target.empty() && target[0] == '^' ? 1 : 0);
    if (graph.FindNode(name) == nullptr) {
      return absl::NotFoundError("target '" + target + "': the graph has no such node");
    }
    out.targets.push_back(name);
  }
  return out;
}

std::string SignatureKey(const std::vector<std::string>& feeds,
                         const std::vector<std::string>& fetches,
                         const std::vector<std::string>& targets) {
  // Names hold no control characters, so these separate.
  std::string key;
  for (const std::vector<std::string>* part : {&feeds, &fetches, &targets}) {
    for (const std::string& name : *part) key += name + "\x1f";
    key += "\x1e";
  }
  return key;
}

}  // namespace stator::runtime
