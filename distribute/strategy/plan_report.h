#ifndef STATOR_DISTRIBUTE_STRATEGY_PLAN_REPORT_H_
#define STATOR_DISTRIBUTE_STRATEGY_PLAN_REPORT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "distribute/strategy/shard_graph.h"
#include "graph/graph.h"

namespace stator::distribute {

struct PlanRequest {
  std::string job;
  int tasks = 1;
  int devices = 1;  // replicas of each task
  int virtual_replicas = 1;
  int64_t global_batch = 0;  // 0: not known
  int64_t small_bytes = 16 << 10;  // GroupOptions::small_bytes
  int64_t run_bytes = -1;  // planned for one shard's run; -1: not known
};

// Bytes that one replica sends to each other one in a step, by rank; 0 for itself. InvalidArgument
// where the replicas are no power of two, over which nothing sums, and where `rank` is none of
// them.
absl::StatusOr<std::vector<int64_t>> BytesSent(const ShardedStep& step, const PlanRequest& request,
                                               int rank);

// What each task holds, computes and sends, for people. `sharded` is null for a program that is not
// rewritten. InvalidArgument where the replicas are no power of two or do not divide the virtual
// ones.
absl::StatusOr<std::string> PlanReport(const graph::Graph& graph, const ShardedStep* sharded,
                                       const PlanRequest& request);

}  // namespace stator::distribute

#endif  // STATOR_DISTRIBUTE_STRATEGY_PLAN_REPORT_H_
