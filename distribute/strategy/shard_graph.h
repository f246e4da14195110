#ifndef STATOR_DISTRIBUTE_STRATEGY_SHARD_GRAPH_H_
#define STATOR_DISTRIBUTE_STRATEGY_SHARD_GRAPH_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "graph/graph.h"
#include "proto/graph.pb.h"
#include "proto/types.pb.h"

namespace stator::distribute {

// How the values that virtual replicas compute, each for its shard of the batch, become one.
enum class Aggregation { kMean, kSum };

// The attribute by which a node of the user's graph declares it: `_aggregation`, "mean" or "sum".
// Everything that reads the node's outputs then sees the value for the whole batch.
inline constexpr char kAggregationAttr[] = "_aggregation";

struct Metric {
  std::string name;    // as people read it: "loss"
  std::string tensor;  // "node:0", a scalar
  Aggregation aggregation = Aggregation::kMean;
};

// What one training step is in the user's graph.
struct TrainingStep {
  std::vector<std::string> inputs;  // tensors that are fed; each replica's shard of the batch
  std::vector<Metric> metrics;
  std::string target;  // the node that updates the variables
  // Of gradients: the mean where the loss is a mean over the batch.
  Aggregation gradients = Aggregation::kMean;
};

// One value of the user's graph that is summed over all virtual replicas.
struct ReducedTensor {
  std::string tensor;       // in the user's graph: "train/Gradients:3"
  std::string placeholder;  // what carries the sum into the update; empty when only people read it
  int64_t bytes = -1;       // -1: the graph alone does not tell
};

// Tensors that are summed together, in one message.
struct Bucket {
  DataType dtype = DT_INVALID;
  Aggregation aggregation = Aggregation::kMean;
  std::vector<ReducedTensor> tensors;
  std::string node;  // of the rewritten graph: hands over one replica's tensors

  int64_t bytes() const;  // of those whose size is known
};

// Where the value of a metric is found.
struct MetricSource {
  int bucket = -1;  // a sum's; else what the update fetches
  int index = 0;    // in the bucket
  std::string fetch;
};

// A training step in two parts. The first runs once for each shard: forward, backward, and a
// ReduceBucket node as soon as a bucket's tensors are there. The second runs once: it is fed the
// sums and updates the variables, the same bits on every replica.
struct ShardedStep {
  GraphDef graph;  // the user's with nodes added under `stator/`, which both parts are run from
  std::vector<std::string> shard_feeds;   // the inputs, then the shard's number: an int64 scalar
  std::vector<std::string> shard_targets;
  std::vector<std::string> update_feeds;  // the placeholders of all buckets, in their order
  std::vector<std::string> update_targets;
  std::vector<Bucket> buckets;  // in the order in which they are summed
  std::vector<MetricSource> metrics;  // in the order of TrainingStep::metrics

  // One line for each sum, in order: what all tasks of a job must agree on.
  std::vector<std::string> Sequence() const;
};

struct ShardOptions {
  int64_t bucket_bytes = 4 << 20;  // a bucket is closed when it has so many
};

// Rewrites a training step for virtual replicas. What depends on the inputs is the first part. It
// ends at gradients of what depends on them, at nodes with `_aggregation`, and at metrics; whatever
// reads those belongs to the second part. Random numbers of the first part (the stateless ops)
// depend on the shard too; those of shard 0 are the ones of the plain program.
//
// InvalidArgument, naming the node, when a value of one shard would reach a variable or anything
// else that outlives the step without an aggregation; Unimplemented for random ops with state, and
// for random ops in functions.
absl::StatusOr<ShardedStep> ShardGraph(const graph::Graph& graph, const TrainingStep& step,
                                       const ShardOptions& options = {});

}  // namespace stator::distribute

#endif  // STATOR_DISTRIBUTE_STRATEGY_SHARD_GRAPH_H_
