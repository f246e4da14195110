#include "distribute/strategy/plan_report.h"

#include <algorithm>
#include <map>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "graph/data_type.h"
#include "graph/status_macros.h"
#include "graph/tensor_shape.h"

namespace stator::distribute {
namespace {

struct VariableSizes {
  int64_t count = 0;
  int64_t bytes = 0;
  int64_t unknown = 0;  // whose sizes the graph leaves open
};

VariableSizes SizesOfVariables(const graph::Graph& graph) {
  VariableSizes sizes;
  for (int i = 0; i < graph.num_nodes(); ++i) {
    const graph::Node& node = graph.node(i);
    if (node.op() != "VarHandleOp") continue;
    ++sizes.count;
    const auto shape = node.ShapeAttr("shape");
    const auto dtype = node.TypeAttr("dtype");
    if (shape.ok() && dtype.ok()) {
      if (const auto dims = graph::StaticShape(**shape); dims.ok()) {
        sizes.bytes += graph::NumElements(*dims).value_or(0) * graph::DataTypeSize(*dtype);
        continue;
      }
    }
    ++sizes.unknown;
  }
  return sizes;
}

int64_t BucketBytes(const ShardedStep& step) {
  int64_t bytes = 0;
  for (const Bucket& bucket : step.buckets) bytes += bucket.bytes();
  return bytes;
}

// How many there are, a power of two: the partners of a sum are `rank ^ stage`.
absl::StatusOr<int> Replicas(const PlanRequest& request) {
  const int64_t replicas = int64_t{request.tasks} * request.devices;
  if (request.tasks > 0 && request.devices > 0 && replicas <= INT32_MAX &&
      (replicas & (replicas - 1)) == 0) {
    return static_cast<int>(replicas);
  }
  return absl::InvalidArgumentError(
      absl::StrCat("roles.worker x strategy.devices: expected a power of two, found ",
                   request.tasks, " x ", request.devices, " = ", replicas));
}

}  // namespace

// Recursive halving and doubling: see distribute/collectives/README.md.
absl::StatusOr<std::vector<int64_t>> BytesSent(const ShardedStep& step, const PlanRequest& request,
                                               int rank) {
  STATOR_ASSIGN_OR_RETURN(const int replicas, Replicas(request));
  if (rank < 0 || rank >= replicas) {
    return absl::InvalidArgumentError(
        absl::StrCat("rank: expected one of ", replicas, " replicas, found ", rank));
  }
  std::vector<int64_t> sent(replicas, 0);
  for (const Bucket& bucket : step.buckets) {
    const int64_t bytes = bucket.bytes();
    int64_t part = bytes;
    for (int stage = 1; stage < replicas; stage *= 2) {
      part /= 2;
      // Half of what is left, and later the same size back.
      sent[rank ^ stage] += bytes <= request.small_bytes ? bytes : 2 * part;
    }
  }
  return sent;
}

absl::StatusOr<std::string> PlanReport(const graph::Graph& graph, const ShardedStep* sharded,
                                       const PlanRequest& request) {
  STATOR_ASSIGN_OR_RETURN(const int replicas, Replicas(request));
  if (request.virtual_replicas % replicas != 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("strategy.virtual_replicas: expected a multiple of ", replicas, ", found ",
                     request.virtual_replicas));
  }
  const int shards = request.virtual_replicas / replicas;
  const VariableSizes variables = SizesOfVariables(graph);
  std::string text = absl::StrFormat(
      "job %s: %d task%s with %d device%s each, %d virtual replica%s", request.job, request.tasks,
      request.tasks == 1 ? "" : "s", request.devices, request.devices == 1 ? "" : "s",
      request.virtual_replicas, request.virtual_replicas == 1 ? "" : "s");
  if (request.global_batch > 0) {
    absl::StrAppend(&text, ", ", request.global_batch, " examples a step");
  }
  absl::StrAppend(&text, "\n");
  for (int rank = 0; rank < replicas; ++rank) {
    absl::StrAppend(&text, "\nworker:", rank / request.devices);
    if (request.devices > 1) absl::StrAppend(&text, " device ", rank % request.devices);
    if (rank == 0) absl::StrAppend(&text, " (chief: coordinates, evaluates, saves)");
    absl::StrAppend(&text, "\n  holds     ", variables.bytes, " bytes in ", variables.count,
                    " variables");
    if (variables.unknown > 0) {
      absl::StrAppend(&text, " (", variables.unknown, " of them of sizes that are not known yet)");
    }
    if (request.run_bytes >= 0) {
      absl::StrAppend(&text, "\n            ", request.run_bytes,
                      " bytes for what a run computes on its way");
    }
    if (sharded == nullptr) {
      absl::StrAppend(&text, "\n  computes  the whole batch\n  sends     nothing\n");
      continue;
    }
    const int64_t buckets = BucketBytes(*sharded);
    absl::StrAppend(&text, "\n            ", shards * buckets, " bytes of sums: ", buckets,
                    " for each of its ", shards, " shard", shards == 1 ? "" : "s",
                    "\n  computes  shard", shards == 1 ? " " : "s ", rank * shards);
    if (shards > 1) absl::StrAppend(&text, " to ", (rank + 1) * shards - 1);
    absl::StrAppend(&text, " of ", request.virtual_replicas);
    if (request.global_batch > 0) {
      absl::StrAppend(&text, ", ", request.global_batch / request.virtual_replicas,
                      " examples each");
    }
    absl::StrAppend(&text, ", one after the other; then one update");
    absl::StrAppend(&text, "\n  sends     ");
    STATOR_ASSIGN_OR_RETURN(const std::vector<int64_t> sent, BytesSent(*sharded, request, rank));
    int64_t total = 0;
    for (const int64_t bytes : sent) total += bytes;
    absl::StrAppend(&text, total, " bytes a step");
    for (int other = 0; other < replicas; ++other) {
      if (sent[other] == 0) continue;
      absl::StrAppend(&text, ", ", sent[other], " to worker:", other / request.devices);
      if (request.devices > 1) absl::StrAppend(&text, " device ", other % request.devices);
    }
    absl::StrAppend(&text, "\n");
  }
  if (sharded != nullptr) {
    absl::StrAppend(&text, "\nsums of each step, in this order on all tasks\n");
    int number = 0;
    for (const std::string& line : sharded->Sequence()) {
      absl::StrAppend(&text, "  ", number++, "  ", line, "\n");
    }
  }
  return text;
}

}  // namespace stator::distribute
