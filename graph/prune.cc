#include "graph/prune.h"

#include <set>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "graph/tensor_name.h"

namespace stator::graph {
namespace {

absl::Status In(absl::string_view role, absl::string_view name, const absl::Status& status) {
  if (status.ok()) return status;
  return absl::Status(status.code(), absl::StrCat(role, " '", name, "': ", status.message()));
}

absl::StatusOr<int> FindTarget(const Graph& graph, absl::string_view text) {
  STATOR_ASSIGN_OR_RETURN(const TensorName name, ParseTensorName(text));
  const Node* node = graph.FindNode(name.node);
  if (node == nullptr) return absl::NotFoundError("expected a node of the graph");
  if (name.index != 0 && !name.is_control()) {
    return absl::InvalidArgumentError("expected the name of a node, found that of a tensor");
  }
  return node->id();
}

// Reverse reachability from what is asked for, stopped at what is fed.
class Marker {
 public:
  Marker(const Graph& graph, const std::vector<Endpoint>& feeds)
      : graph_(graph), needed_(graph.num_nodes(), false), feeds_(feeds.begin(), feeds.end()) {}

  void NeedNode(int id) {
    if (needed_[id]) return;
    needed_[id] = true;
    pending_.push_back(id);
  }

  std::vector<int> Finish() {
    while (!pending_.empty()) {
      const Node& node = graph_.node(pending_.back());
      pending_.pop_back();
      for (const Endpoint& input : node.inputs()) {
        if (feeds_.count(input) == 0) NeedNode(input.node);
      }
      for (const int control : node.control_inputs()) {
        if (!ReplacedByFeed(graph_.node(control))) NeedNode(control);
      }
    }
    std::vector<int> nodes;
    for (int id = 0; id < graph_.num_nodes(); ++id) {
      if (needed_[id]) nodes.push_back(id);
    }
    return nodes;
  }

 private:
  // A placeholder that is fed: waiting for it means nothing, and running it may be an error.
  bool ReplacedByFeed(const Node& node) const {
    if (node.schema() == nullptr || node.schema()->is_stateful()) return false;
    if (!node.inputs().empty() || !node.control_inputs().empty()) return false;
    const auto feed = feeds_.lower_bound({node.id(), 0});
    return feed != feeds_.end() && feed->node == node.id();
  }

  const Graph& graph_;
  std::vector<bool> needed_;
  std::set<Endpoint> feeds_;
  std::vector<int> pending_;
};

}  // namespace

absl::StatusOr<Endpoint> FindEndpoint(const Graph& graph, absl::string_view tensor) {
  STATOR_ASSIGN_OR_RETURN(const TensorName name, ParseTensorName(tensor));
  const Node* node = graph.FindNode(name.node);
  if (node == nullptr) return absl::NotFoundError("expected a tensor of the graph");
  if (name.is_control()) {
    return absl::InvalidArgumentError("expected the name of a tensor, found that of a node");
  }
  if (node->schema() != nullptr && name.index >= node->num_outputs()) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected one of the ", node->num_outputs(), " outputs of ", node->Title()));
  }
  return Endpoint{node->id(), name.index};
}

absl::StatusOr<PrunedGraph> Prune(const Graph& graph, const std::vector<std::string>& feeds,
                                  const std::vector<std::string>& fetches,
                                  const std::vector<std::string>& targets) {
  if (fetches.empty() && targets.empty()) {
    return absl::InvalidArgumentError("expected at least one fetch or target, found none");
  }
  PrunedGraph pruned;
  std::set<Endpoint> fed;
  for (const std::string& name : feeds) {
    const absl::StatusOr<Endpoint> feed = FindEndpoint(graph, name);
    STATOR_RETURN_IF_ERROR(In("feed", name, feed.status()));
    if (!fed.insert(*feed).second) {
      return absl::InvalidArgumentError(
          absl::StrCat("feed '", name, "': expected each tensor once, found it twice"));
    }
    pruned.feeds.push_back(*feed);
  }
  Marker marker(graph, pruned.feeds);
  for (const std::string& name : fetches) {
    const absl::StatusOr<Endpoint> fetch = FindEndpoint(graph, name);
    STATOR_RETURN_IF_ERROR(In("fetch", name, fetch.status()));
    if (fed.count(*fetch) > 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("fetch '", name, "': expected a tensor that is not fed, found one that is"));
    }
    pruned.fetches.push_back(*fetch);
    marker.NeedNode(fetch->node);
  }
  for (const std::string& name : targets) {
    const absl::StatusOr<int> target = FindTarget(graph, name);
    STATOR_RETURN_IF_ERROR(In("target", name, target.status()));
    pruned.targets.push_back(*target);
    marker.NeedNode(*target);
  }
  pruned.nodes = marker.Finish();
  return pruned;
}

}  // namespace stator::graph
