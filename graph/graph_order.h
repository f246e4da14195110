#ifndef STATOR_GRAPH_GRAPH_ORDER_H_
#define STATOR_GRAPH_GRAPH_ORDER_H_

#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "graph/graph.h"

namespace stator::graph {

// The given nodes (ids, each once) so that every node comes after its data and control inputs among
// them; where that leaves a choice, in order of creation. kInvalidArgument when they form a cycle:
// the message shows one, node by node. The loops of TensorFlow 1 (Merge, NextIteration) are cycles
// too: raise them first.
absl::StatusOr<std::vector<int>> TopologicalOrder(const Graph& graph, absl::Span<const int> nodes);

// All nodes of the graph.
absl::StatusOr<std::vector<int>> TopologicalOrder(const Graph& graph);

}  // namespace stator::graph

#endif  // STATOR_GRAPH_GRAPH_ORDER_H_
