#include "compiler/entry_nodes.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "graph/graph_order.h"
#include "graph/prune.h"
#include "graph/status_macros.h"

namespace stator::compiler {
namespace {

using executable::CompileRequest;

absl::StatusOr<graph::PrunedGraph> Prune(const graph::Graph& graph, const CompileRequest& request) {
  std::vector<std::string> feeds;
  for (const executable::FeedSpec& feed : request.feeds) feeds.push_back(feed.name);
  return graph::Prune(graph, feeds, request.fetches, request.targets);
}

// The feeds whose nodes are not in `bad`, with the symbols of their sizes.
void KeepFeeds(const std::set<int>& bad, const graph::PrunedGraph& pruned, const CompileRequest& from,
               CompileRequest* request) {
  request->feeds.clear();
  std::set<std::string> kept;
  for (size_t i = 0; i < pruned.feeds.size(); ++i) {
    if (bad.count(pruned.feeds[i].node) > 0) continue;
    request->feeds.push_back(from.feeds[i]);
    kept.insert(from.feeds[i].name);
  }
  std::vector<executable::SymbolSpec>& symbols = request->symbols;
  symbols.erase(
      std::remove_if(symbols.begin(), symbols.end(),
                     [&](const executable::SymbolSpec& symbol) { return kept.count(symbol.tensor) == 0; }),
      symbols.end());
}

bool IsFed(const graph::Endpoint& end, const graph::PrunedGraph& pruned) {
  return std::any_of(pruned.feeds.begin(), pruned.feeds.end(), [&](const graph::Endpoint& feed) {
    return feed.node == end.node && feed.index == end.index;
  });
}

// Those of the pruned graph's nodes that need a `bad` one, these included.
absl::StatusOr<std::set<int>> Lost(const std::set<int>& bad, const graph::Graph& graph,
                                   const graph::PrunedGraph& pruned) {
  STATOR_ASSIGN_OR_RETURN(const std::vector<int> order, graph::TopologicalOrder(graph, pruned.nodes));
  std::set<int> lost = bad;
  for (const int id : order) {
    for (const graph::Endpoint& input : graph.node(id).inputs()) {
      if (lost.count(input.node) > 0 && (bad.count(input.node) > 0 || !IsFed(input, pruned))) lost.insert(id);
    }
  }
  return lost;
}

}  // namespace

absl::StatusOr<std::vector<int>> NeededNodes(const graph::Graph& graph, const CompileRequest& request) {
  STATOR_ASSIGN_OR_RETURN(graph::PrunedGraph pruned, Prune(graph, request));
  return std::move(pruned.nodes);
}

std::vector<NodeProblem> UnfedPlaceholders(const graph::Graph& graph, const std::vector<int>& nodes) {
  std::vector<NodeProblem> unfed;
  for (const int id : nodes) {
    const graph::Node& node = graph.node(id);
    if (node.op() != "Placeholder") continue;
    unfed.push_back({node.name(), node.Annotate(absl::InvalidArgumentError(
                                      "is no input of the entry point: add it to its feeds"))});
  }
  return unfed;
}

absl::StatusOr<CompileRequest> RequestWithout(const std::set<int>& bad, const graph::Graph& graph,
                                              const CompileRequest& request) {
  STATOR_ASSIGN_OR_RETURN(const graph::PrunedGraph pruned, Prune(graph, request));
  STATOR_ASSIGN_OR_RETURN(const std::set<int> lost, Lost(bad, graph, pruned));
  CompileRequest rest = request;
  KeepFeeds(bad, pruned, request, &rest);
  rest.fetches.clear();
  rest.targets.clear();
  std::set<std::string> fetched;
  const auto fetch = [&](const graph::Endpoint& end) {
    // An op without a schema has no types. What is fed cannot be fetched.
    if (lost.count(end.node) > 0 || IsFed(end, pruned)) return;
    const graph::Node& node = graph.node(end.node);
    const DataType dtype = node.output_types()[end.index];
    if (dtype == DT_RESOURCE || dtype == DT_VARIANT) return;
    const std::string name = absl::StrCat(node.name(), ":", end.index);
    if (fetched.insert(name).second) rest.fetches.push_back(name);
  };
  const std::set<int> needed(pruned.nodes.begin(), pruned.nodes.end());
  for (const int id : lost) {
    if (needed.count(id) == 0) continue;
    for (const graph::Endpoint& input : graph.node(id).inputs()) fetch(input);
  }
  for (const graph::Endpoint& end : pruned.fetches) fetch(end);
  for (const int target : pruned.targets) {
    if (lost.count(target) == 0) rest.targets.push_back(graph.node(target).name());
  }
  return rest;
}

}  // namespace stator::compiler
