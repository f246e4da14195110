#include "distribute/strategy/plan_report.h"

#include <algorithm>
#include <map>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "graph/data_type.h"
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

}  // namespace

// Recursive halving and doubling: see distribute/collectives/README.md.
std::vector<int64_t> BytesSent(const ShardedStep& step, const PlanRequest& request, int rank) {
  const int replicas = request.tasks * request.devices;
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

std::string PlanReport(const graph::Graph& graph, const ShardedStep* sharded,
                       const PlanRequest& request) {
  const int replicas = request.tasks * request.devices;
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
    const std::vector<int64_t> sent = BytesSent(*sharded, request, rank);
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
