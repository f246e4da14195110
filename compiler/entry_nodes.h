#ifndef STATOR_COMPILER_ENTRY_NODES_H_
#define STATOR_COMPILER_ENTRY_NODES_H_

// What an entry point needs of its graph.

#include <set>
#include <vector>

#include "absl/status/statusor.h"
#include "compiler/node_problem.h"
#include "executable/compile.h"
#include "graph/graph.h"

namespace stator::compiler {

// Ids of the nodes behind fetches and targets, without the fed ones. Errors as graph::Prune gives them.
absl::StatusOr<std::vector<int>> NeededNodes(const graph::Graph& graph, const executable::CompileRequest& request);

// The placeholders among the nodes: a session may leave them open until a run needs them, a bundle may not.
std::vector<NodeProblem> UnfedPlaceholders(const graph::Graph& graph, const std::vector<int>& nodes);

// The request without the `bad` nodes and what depends on them: it fetches what these would have read.
absl::StatusOr<executable::CompileRequest> RequestWithout(const std::set<int>& bad, const graph::Graph& graph,
                                                          const executable::CompileRequest& request);

}  // namespace stator::compiler

#endif  // STATOR_COMPILER_ENTRY_NODES_H_
