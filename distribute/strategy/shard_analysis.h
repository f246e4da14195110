#ifndef STATOR_DISTRIBUTE_STRATEGY_SHARD_ANALYSIS_H_
#define STATOR_DISTRIBUTE_STRATEGY_SHARD_ANALYSIS_H_

#include <map>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "distribute/strategy/shard_graph.h"
#include "graph/graph.h"

namespace stator::distribute {

// Which nodes of a training step compute something for one shard, and where that ends.
struct ShardAnalysis {
  std::vector<int> nodes;     // of the step, in topological order
  std::vector<bool> sharded;  // by node id
  std::vector<graph::Endpoint> inputs;
  // Outputs that are aggregated before anything else reads them. Gradients: those of nodes whose
  // op is Gradients.
  std::map<graph::Endpoint, Aggregation> cuts;
  // Nodes whose key gets the number of the shard, and which of their inputs it is.
  std::vector<std::pair<int, int>> random;
};

// Errors as ShardGraph.
absl::StatusOr<ShardAnalysis> AnalyzeStep(const graph::Graph& graph, const TrainingStep& step);

}  // namespace stator::distribute

#endif  // STATOR_DISTRIBUTE_STRATEGY_SHARD_ANALYSIS_H_
