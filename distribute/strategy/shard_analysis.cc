#include "distribute/strategy/shard_analysis.h"

#include <algorithm>
#include <set>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "graph/function_calls.h"
#include "graph/graph_order.h"
#include "graph/prune.h"
#include "graph/status_macros.h"

namespace stator::distribute {
namespace {

using graph::Endpoint;
using graph::Graph;
using graph::Node;

// The input that is the key of a stream of random numbers; -1 for ops that draw none. Their schemas
// tell: they take a key and a counter.
int KeyInput(const OpDef* schema) {
  int key = -1;
  bool counts = false;
  for (int i = 0; schema != nullptr && i < schema->input_arg_size(); ++i) {
    if (schema->input_arg(i).name() == "key") key = i;
    counts |= schema->input_arg(i).name() == "counter";
  }
  return counts ? key : -1;
}

// Random ops with a stream of their own have TensorFlow's pair of seeds.
bool KeepsStream(const OpDef& schema) {
  int seeds = 0;
  for (const OpDef::AttrDef& attr : schema.attr()) {
    seeds += attr.name() == "seed" || attr.name() == "seed2";
  }
  return schema.is_stateful() && seeds == 2;
}

// Stateful ops that may run once for each shard: they change nothing that outlives the step.
bool RunsAnywhere(const std::string& op) {
  static const auto* const kOps = new std::set<std::string>{
      "ReadVariableOp", "Assert", "StatelessRandomGetAlg", "If", "While", "StatefulPartitionedCall"};
  return kOps->count(op) > 0;
}

class Analyzer {
 public:
  Analyzer(const Graph& graph, const TrainingStep& step) : graph_(graph), step_(step) {}

  absl::StatusOr<ShardAnalysis> Run() {
    STATOR_RETURN_IF_ERROR(FindNodes());
    STATOR_RETURN_IF_ERROR(FindCuts());
    Propagate();
    while (ShardRandomNodes()) Propagate();
    KeepShardedCuts();
    after_cut_.assign(graph_.num_nodes(), false);
    for (const int id : result_.nodes) STATOR_RETURN_IF_ERROR(Check(graph_.node(id)));
    return std::move(result_);
  }

 private:
  absl::Status FindNodes() {
    std::vector<std::string> fetches;
    for (const Metric& metric : step_.metrics) fetches.push_back(metric.tensor);
    STATOR_ASSIGN_OR_RETURN(const graph::PrunedGraph pruned,
                            graph::Prune(graph_, step_.inputs, fetches, {step_.target}));
    result_.inputs = pruned.feeds;
    STATOR_ASSIGN_OR_RETURN(result_.nodes, graph::TopologicalOrder(graph_, pruned.nodes));
    result_.sharded.assign(graph_.num_nodes(), false);
    return absl::OkStatus();
  }

  // Where a cut would be if the value were a shard's.
  absl::Status FindCuts() {
    for (const int id : result_.nodes) {
      const Node& node = graph_.node(id);
      if (node.op() == "Gradients") {
        for (int k = 0; k < node.num_outputs(); ++k) result_.cuts[{id, k}] = step_.gradients;
      }
      if (node.FindAttr(kAggregationAttr) == nullptr) continue;
      STATOR_ASSIGN_OR_RETURN(const std::string text, node.StringAttr(kAggregationAttr));
      if (text != "mean" && text != "sum") {
        return node.Annotate(absl::InvalidArgumentError(absl::StrCat(
            "attribute '", kAggregationAttr, "': expected \"mean\" or \"sum\", found \"", text,
            "\"")));
      }
      for (int k = 0; k < node.num_outputs(); ++k) {
        result_.cuts[{id, k}] = text == "mean" ? Aggregation::kMean : Aggregation::kSum;
      }
    }
    return absl::OkStatus();
  }

  bool IsInput(const Endpoint& endpoint) const {
    return std::find(result_.inputs.begin(), result_.inputs.end(), endpoint) !=
           result_.inputs.end();
  }

  // Whether the value is one of a shard, as its readers see it.
  bool IsSharded(const Endpoint& endpoint) const {
    if (IsInput(endpoint)) return true;
    return result_.sharded[endpoint.node] && result_.cuts.count(endpoint) == 0;
  }

  void Propagate() {
    for (const int id : result_.nodes) {
      const auto inputs = graph_.node(id).inputs();
      if (std::any_of(inputs.begin(), inputs.end(), [&](Endpoint e) { return IsSharded(e); })) {
        result_.sharded[id] = true;
      }
    }
  }

  // Random numbers that a shard uses are its own, whatever they depend on.
  bool ShardRandomNodes() {
    std::vector<bool> feeds_shard = result_.sharded;
    bool found = false;
    for (auto id = result_.nodes.rbegin(); id != result_.nodes.rend(); ++id) {
      const Node& node = graph_.node(*id);
      if (feeds_shard[*id]) {
        for (const Endpoint& input : node.inputs()) {
          if (result_.cuts.count(input) == 0) feeds_shard[input.node] = true;
        }
      }
      if (KeyInput(node.schema()) < 0 || !feeds_shard[*id] || result_.sharded[*id]) continue;
      found = result_.sharded[*id] = true;
    }
    return found;
  }

  void KeepShardedCuts() {
    for (auto cut = result_.cuts.begin(); cut != result_.cuts.end();) {
      cut = result_.sharded[cut->first.node] ? std::next(cut) : result_.cuts.erase(cut);
    }
    for (const int id : result_.nodes) {
      const int key = KeyInput(graph_.node(id).schema());
      if (result_.sharded[id] && key >= 0) result_.random.emplace_back(id, key);
    }
  }

  // Called in topological order.
  absl::Status Check(const Node& node) {
    const bool sharded = result_.sharded[node.id()];
    for (const Endpoint& input : node.inputs()) {
      const bool after = result_.cuts.count(input) > 0 || after_cut_[input.node];
      if (after && sharded) {
        return node.Annotate(absl::InvalidArgumentError(absl::StrCat(
            "expected either values of one shard or values of all shards, found both: '",
            graph_.node(input.node).name(), "' is computed from what all shards have given")));
      }
      if (after) after_cut_[node.id()] = true;
    }
    if (!sharded) return absl::OkStatus();
    if (node.name() == step_.target) {
      return node.Annotate(absl::InvalidArgumentError(
          "the target of a training step must not be computed from one shard's values"));
    }
    for (const int id : node.control_inputs()) {
      const Node& before = graph_.node(id);
      if (!result_.sharded[id] && before.schema() != nullptr && before.schema()->is_stateful()) {
        return node.Annotate(absl::InvalidArgumentError(absl::StrCat(
            "a shard's computation must not wait for '", before.name(), "' (op ", before.op(),
            "), which runs after all shards")));
      }
    }
    STATOR_RETURN_IF_ERROR(CheckEffects(node, node.op(), node.schema()));
    std::set<std::string> seen;
    return CheckFunctions(node, node.def(), &seen);
  }

  absl::Status CheckEffects(const Node& node, const std::string& op, const OpDef* schema) const {
    if (schema == nullptr || !schema->is_stateful() || RunsAnywhere(op)) return absl::OkStatus();
    if (KeepsStream(*schema)) {
      return node.Annotate(absl::UnimplementedError(absl::StrCat(
          "op ", op, " keeps a state that shards cannot share: use a stateless random op")));
    }
    std::string from;
    for (const Endpoint& input : node.inputs()) {
      if (IsSharded(input)) from = graph_.node(input.node).name();
    }
    return node.Annotate(absl::InvalidArgumentError(absl::StrCat(
        "a value of one shard", from.empty() ? "" : absl::StrCat(" ('", from, "')"), " reaches op ",
        op, ", whose effect outlives the step: say how shards are aggregated, with the attribute ",
        kAggregationAttr, " = \"mean\" or \"sum\" on the node that computes it")));
  }

  // The same for what the node calls.
  absl::Status CheckFunctions(const Node& node, const NodeDef& def,
                              std::set<std::string>* seen) const {
    for (const std::string& name : graph::MentionedFunctions(def)) {
      const FunctionDef* function = graph_.FindFunction(name);
      if (function == nullptr || !seen->insert(name).second) continue;
      for (const NodeDef& inner : function->node_def()) {
        if (KeyInput(graph_.FindOp(inner.op())) >= 0) {
          return node.Annotate(absl::UnimplementedError(absl::StrCat(
              "node '", inner.name(), "' of function '", name, "' (op ", inner.op(),
              ") draws random numbers, which shards can do only outside of functions")));
        }
        STATOR_RETURN_IF_ERROR(CheckEffects(node, inner.op(), graph_.FindOp(inner.op())));
        STATOR_RETURN_IF_ERROR(CheckFunctions(node, inner, seen));
      }
    }
    return absl::OkStatus();
  }

  const Graph& graph_;
  const TrainingStep& step_;
  ShardAnalysis result_;
  std::vector<bool> after_cut_;  // by node id: computed from aggregated values
};

}  // namespace

absl::StatusOr<ShardAnalysis> AnalyzeStep(const Graph& graph, const TrainingStep& step) {
  return Analyzer(graph, step).Run();
}

}  // namespace stator::distribute
