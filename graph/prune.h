#ifndef STATOR_GRAPH_PRUNE_H_
#define STATOR_GRAPH_PRUNE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "graph/graph.h"

namespace stator::graph {

// What a run needs of a graph.
struct PrunedGraph {
  std::vector<Endpoint> feeds;    // in the order given
  std::vector<Endpoint> fetches;  // in the order given; the same one may come twice
  std::vector<int> targets;       // node ids
  // The nodes that must run, by id, ascending. A fed tensor comes from outside wherever it is used,
  // so its node is only among them when something else needs it.
  std::vector<int> nodes;
};

// The endpoint that `node` or `node:k` names. Errors for unknown nodes and outputs.
absl::StatusOr<Endpoint> FindEndpoint(const Graph& graph, absl::string_view tensor);

// Feeds and fetches are tensor names, targets node names (`^node` too). TensorFlow's rules: at
// least one fetch or target, no tensor fed twice, none both fed and fetched. A control edge from a
// node that is fed needs that node only if running it can do something: it has inputs or is
// stateful.
absl::StatusOr<PrunedGraph> Prune(const Graph& graph, const std::vector<std::string>& feeds,
                                  const std::vector<std::string>& fetches,
                                  const std::vector<std::string>& targets);

}  // namespace stator::graph

#endif  // STATOR_GRAPH_PRUNE_H_
