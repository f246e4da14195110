#ifndef STATOR_GRAPH_NODE_CHECKER_H_
#define STATOR_GRAPH_NODE_CHECKER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "graph/graph.h"
#include "graph/node.h"
#include "proto/types.pb.h"

namespace stator::graph {

// A size as far as it is known before a run.
struct InferredDim {
  absl::optional<int64_t> value;  // absent when it depends on a feed or on data
  std::string text;               // "784", "batch", "batch*2": for messages
};

// An output as far as it is known before a run.
struct InferredTensor {
  DataType dtype = DT_INVALID;
  absl::optional<std::vector<InferredDim>> dims;  // absent when not even the rank is known
};

// Checks nodes as a program is built, so that mistakes in element types and sizes show up at the
// user's line. The compiler implements it: graph/ does not know what an op means.
class NodeChecker {
 public:
  virtual ~NodeChecker() = default;

  // `node` was just added to `graph`; it gets every node of one graph, in order of creation, each
  // once. The result has one entry for each output. An error need not name the node.
  virtual absl::StatusOr<std::vector<InferredTensor>> AddNode(const Graph& graph,
                                                              const Node& node) = 0;
};

}  // namespace stator::graph

#endif  // STATOR_GRAPH_NODE_CHECKER_H_
