#include "distribute/strategy/shard_graph.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "distribute/strategy/shard_analysis.h"
#include "graph/data_type.h"
#include "graph/prune.h"
#include "graph/status_macros.h"
#include "graph/tensor_name.h"
#include "graph/tensor_shape.h"

namespace stator::distribute {
namespace {

using graph::Endpoint;
using graph::Graph;
using graph::Node;

constexpr char kPrefix[] = "stator/";
// Odd, so that no two shards flip the same bits of a key; shard 0 flips none.
constexpr int64_t kShardKey = static_cast<int64_t>(0x9e3779b97f4a7c15);

const char* AggregationName(Aggregation aggregation) {
  return aggregation == Aggregation::kMean ? "mean" : "sum";
}

bool IsSummable(DataType dtype) {
  switch (dtype) {
    case DT_FLOAT:
    case DT_DOUBLE:
    case DT_HALF:
    case DT_BFLOAT16:
    case DT_INT32:
    case DT_INT64:
      return true;
    default:
      return false;
  }
}

// Writes a graph with other edges and more nodes.
class Rewriter {
 public:
  Rewriter(const Graph& graph, const TrainingStep& step, const ShardOptions& options,
           ShardAnalysis analysis)
      : graph_(graph), step_(step), options_(options), analysis_(std::move(analysis)) {}

  absl::StatusOr<ShardedStep> Run() {
    result_.graph = graph_.ToGraphDef();
    for (int i = 0; i < result_.graph.node_size(); ++i) {
      positions_[result_.graph.node(i).name()] = i;
      if (result_.graph.node(i).name().rfind(kPrefix, 0) == 0) {
        return absl::InvalidArgumentError(
            absl::StrCat("node '", result_.graph.node(i).name(), "': names under '", kPrefix,
                         "' are kept for strategies; was this graph rewritten before?"));
      }
    }
    result_.shard_feeds = step_.inputs;
    AddScalar("no_shard", 0);
    // Runs that know nothing of shards, such as evaluations, are those of shard 0.
    NodeDef* shard = AddNode("shard", "PlaceholderWithDefault");
    shard->add_input(std::string(kPrefix) + "no_shard");
    (*shard->mutable_attr())["dtype"].set_type(DT_INT64);
    (*shard->mutable_attr())["shape"].mutable_shape();
    result_.shard_feeds.push_back(shard->name() + ":0");
    MixRandomKeys(shard->name());
    STATOR_RETURN_IF_ERROR(AddBuckets());
    RedirectReaders();
    result_.update_targets = {step_.target};
    return std::move(result_);
  }

 private:
  std::string Name(const Endpoint& endpoint) const {
    return graph::TensorNameText(graph_.node(endpoint.node).name(), endpoint.index);
  }

  NodeDef* AddNode(const std::string& name, const std::string& op) {
    NodeDef* node = result_.graph.add_node();
    node->set_name(kPrefix + name);
    node->set_op(op);
    return node;
  }

  NodeDef* AddPlaceholder(const std::string& name, DataType dtype, const TensorShapeProto& shape) {
    NodeDef* node = AddNode(name, "Placeholder");
    (*node->mutable_attr())["dtype"].set_type(dtype);
    *(*node->mutable_attr())["shape"].mutable_shape() = shape;
    return node;
  }

  void AddScalar(const std::string& name, int64_t value) {
    NodeDef* node = AddNode(name, "Const");
    (*node->mutable_attr())["dtype"].set_type(DT_INT64);
    TensorProto* tensor = (*node->mutable_attr())["value"].mutable_tensor();
    tensor->set_dtype(DT_INT64);
    tensor->mutable_tensor_shape();
    tensor->add_int64_val(value);
  }

  NodeDef& Original(int id) {
    return *result_.graph.mutable_node(positions_.at(graph_.node(id).name()));
  }

  // key ^ uint64(shard * kShardKey) for every random op of the first part.
  void MixRandomKeys(const std::string& shard) {
    if (analysis_.random.empty()) return;
    AddScalar("shard_key_factor", kShardKey);
    NodeDef* product = AddNode("shard_key_product", "Mul");
    product->add_input(shard);
    product->add_input(std::string(kPrefix) + "shard_key_factor");
    (*product->mutable_attr())["T"].set_type(DT_INT64);
    NodeDef* mask = AddNode("shard_key_mask", "Cast");
    mask->add_input(std::string(kPrefix) + "shard_key_product");
    (*mask->mutable_attr())["SrcT"].set_type(DT_INT64);
    (*mask->mutable_attr())["DstT"].set_type(DT_UINT64);
    int count = 0;
    for (const auto& [id, input] : analysis_.random) {
      NodeDef* key = AddNode(absl::StrCat("shard_key_", count++), "BitwiseXor");
      key->add_input(Original(id).input(input));
      key->add_input(std::string(kPrefix) + "shard_key_mask");
      (*key->mutable_attr())["T"].set_type(DT_UINT64);
      Original(id).set_input(input, key->name());
    }
  }

  // The shape of a gradient is that of the variable whose value it is for.
  TensorShapeProto ShapeOf(const Endpoint& endpoint) const {
    TensorShapeProto unknown;
    unknown.set_unknown_rank(true);
    const Node& node = graph_.node(endpoint.node);
    if (node.op() != "Gradients") return unknown;
    const auto xs = node.InputRange("xs");
    if (!xs.ok()) return unknown;
    const Node& read = graph_.node(node.inputs()[xs->first + endpoint.index].node);
    if (read.op() != "ReadVariableOp") return unknown;
    const auto shape = graph_.node(read.inputs()[0].node).ShapeAttr("shape");
    return shape.ok() ? **shape : unknown;
  }

  // What is summed, and in which order: the gradients of the last weights are known first.
  std::vector<std::pair<Endpoint, Aggregation>> Reduced() const {
    std::vector<std::pair<Endpoint, Aggregation>> gradients, others;
    for (const auto& [endpoint, aggregation] : analysis_.cuts) {
      const bool gradient = graph_.node(endpoint.node).op() == "Gradients";
      (gradient ? gradients : others).emplace_back(endpoint, aggregation);
    }
    std::reverse(gradients.begin(), gradients.end());
    gradients.insert(gradients.end(), others.begin(), others.end());
    return gradients;
  }

  absl::Status AddBuckets() {
    for (const auto& [endpoint, aggregation] : Reduced()) {
      STATOR_RETURN_IF_ERROR(Reduce(endpoint, aggregation, true).status());
    }
    for (const Metric& metric : step_.metrics) {
      STATOR_ASSIGN_OR_RETURN(const Endpoint endpoint, graph::FindEndpoint(graph_, metric.tensor));
      MetricSource source;
      if (const auto cut = reduced_.find(endpoint); cut != reduced_.end()) {
        source = cut->second;
      } else if (!analysis_.sharded[endpoint.node]) {
        source.fetch = metric.tensor;
      } else {
        STATOR_ASSIGN_OR_RETURN(source, Reduce(endpoint, metric.aggregation, false));
      }
      result_.metrics.push_back(source);
    }
    for (size_t i = 0; i < result_.buckets.size(); ++i) AddReduceNode(static_cast<int>(i));
    return absl::OkStatus();
  }

  absl::StatusOr<MetricSource> Reduce(const Endpoint& endpoint, Aggregation aggregation,
                                      bool is_read) {
    const Node& node = graph_.node(endpoint.node);
    const DataType dtype = node.output_types()[endpoint.index];
    const bool divides = dtype == DT_INT32 || dtype == DT_INT64;
    if (!IsSummable(dtype) || (divides && aggregation == Aggregation::kMean)) {
      return node.Annotate(absl::InvalidArgumentError(
          absl::StrCat("expected numbers whose ", AggregationName(aggregation),
                       " over all shards can be computed, found output ", endpoint.index,
                       " of type ", graph::DataTypeName(dtype))));
    }
    ReducedTensor tensor;
    tensor.tensor = Name(endpoint);
    const TensorShapeProto shape = ShapeOf(endpoint);
    if (const auto sizes = graph::StaticShape(shape); sizes.ok()) {
      STATOR_ASSIGN_OR_RETURN(const int64_t elements, graph::NumElements(*sizes));
      tensor.bytes = elements * graph::DataTypeSize(dtype);
    }
    const int bucket = FindBucket(dtype, aggregation);
    if (is_read) {
      const std::string name = absl::StrCat("reduced_", placeholders_.size());
      tensor.placeholder = AddPlaceholder(name, dtype, shape)->name();
      placeholders_[endpoint] = tensor.placeholder;
    }
    result_.buckets[bucket].tensors.push_back(std::move(tensor));
    const int index = static_cast<int>(result_.buckets[bucket].tensors.size()) - 1;
    return reduced_[endpoint] = MetricSource{bucket, index, ""};
  }

  // The last bucket of the kind unless it is full.
  int FindBucket(DataType dtype, Aggregation aggregation) {
    for (int i = static_cast<int>(result_.buckets.size()) - 1; i >= 0; --i) {
      const Bucket& bucket = result_.buckets[i];
      if (bucket.dtype != dtype || bucket.aggregation != aggregation) continue;
      if (bucket.bytes() < options_.bucket_bytes) return i;
      break;
    }
    result_.buckets.push_back({dtype, aggregation, {}, ""});
    return static_cast<int>(result_.buckets.size()) - 1;
  }

  void AddReduceNode(int index) {
    Bucket& bucket = result_.buckets[index];
    NodeDef* node = AddNode(absl::StrCat("reduce_", index), "ReduceBucket");
    AttrValue& types = (*node->mutable_attr())["T"];
    for (const ReducedTensor& tensor : bucket.tensors) {
      node->add_input(tensor.tensor);
      types.mutable_list()->add_type(bucket.dtype);
    }
    for (const ReducedTensor& tensor : bucket.tensors) {
      if (!tensor.placeholder.empty()) result_.update_feeds.push_back(tensor.placeholder + ":0");
    }
    (*node->mutable_attr())["bucket"].set_i(index);
    if (index > 0) node->add_input("^" + result_.buckets[index - 1].node);
    bucket.node = node->name();
    result_.shard_targets.push_back(node->name());
  }

  // Readers of aggregated values read the placeholders; the update waits for no shard.
  void RedirectReaders() {
    for (const int id : analysis_.nodes) {
      if (analysis_.sharded[id]) continue;
      const Node& node = graph_.node(id);
      NodeDef& def = Original(id);
      for (size_t i = 0; i < node.inputs().size(); ++i) {
        const auto placeholder = placeholders_.find(node.inputs()[i]);
        if (placeholder != placeholders_.end()) def.set_input(i, placeholder->second);
      }
      auto* inputs = def.mutable_input();
      inputs->erase(std::remove_if(inputs->begin(), inputs->end(),
                                   [&](const std::string& input) {
                                     if (input[0] != '^') return false;
                                     const Node* before = graph_.FindNode(input.substr(1));
                                     return analysis_.sharded[before->id()];
                                   }),
                    inputs->end());
    }
  }

  const Graph& graph_;
  const TrainingStep& step_;
  const ShardOptions& options_;
  const ShardAnalysis analysis_;
  ShardedStep result_;
  std::map<std::string, int> positions_;
  std::map<Endpoint, std::string> placeholders_;
  std::map<Endpoint, MetricSource> reduced_;
};

}  // namespace

int64_t Bucket::bytes() const {
  int64_t sum = 0;
  for (const ReducedTensor& tensor : tensors) sum += std::max<int64_t>(tensor.bytes, 0);
  return sum;
}

std::vector<std::string> ShardedStep::Sequence() const {
  std::vector<std::string> lines;
  for (const Bucket& bucket : buckets) {
    std::string line = absl::StrCat(AggregationName(bucket.aggregation), " ",
                                    graph::DataTypeName(bucket.dtype), ":");
    for (const ReducedTensor& tensor : bucket.tensors) {
      absl::StrAppend(&line, " ", tensor.tensor);
      if (tensor.bytes >= 0) absl::StrAppend(&line, " (", tensor.bytes, " bytes)");
    }
    lines.push_back(std::move(line));
  }
  return lines;
}

absl::StatusOr<ShardedStep> ShardGraph(const Graph& graph, const TrainingStep& step,
                                       const ShardOptions& options) {
  STATOR_ASSIGN_OR_RETURN(ShardAnalysis analysis, AnalyzeStep(graph, step));
  return Rewriter(graph, step, options, std::move(analysis)).Run();
}

}  // namespace stator::distribute
