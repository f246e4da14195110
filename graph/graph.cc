#include "graph/graph.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "graph/data_type.h"
#include "graph/device.h"
#include "graph/function_calls.h"
#include "graph/graph_version.h"
#include "graph/status_macros.h"
#include "graph/tensor_name.h"
#include "graph/tensor_shape.h"
#include "proto/serialize.h"

namespace stator::graph {
namespace {

absl::Status CheckVersions(const VersionDef& versions) {
  const auto& bad = versions.bad_consumers();
  if (versions.min_consumer() > kGraphVersion ||
      std::find(bad.begin(), bad.end(), kGraphVersion) != bad.end()) {
    return absl::FailedPreconditionError(
        absl::StrCat("graph of producer ", versions.producer(), ": expected a graph for version ",
                     kGraphVersion, ", found one for readers of at least ", versions.min_consumer(),
                     bad.empty() ? "" : " or other versions"));
  }
  return absl::OkStatus();
}

absl::Status CheckTensorSize(const TensorProto& tensor, int64_t limit) {
  const absl::StatusOr<std::vector<int64_t>> shape = StaticShape(tensor.tensor_shape());
  if (!shape.ok()) return absl::OkStatus();  // the schema's check reports it where it matters
  const int64_t count = NumElements(*shape).value_or(0);
  int64_t bytes = 0;
  const int64_t size = std::max(1, DataTypeSize(tensor.dtype()));
  if (!__builtin_mul_overflow(count, size, &bytes) && bytes <= limit) return absl::OkStatus();
  return absl::ResourceExhaustedError(absl::StrCat(
      "tensor of ", DataTypeName(tensor.dtype()), " ", ShapeText(tensor.tensor_shape()),
      ": expected at most ", limit, " bytes, found ", count, " elements"));
}

absl::Status CheckTensorSizes(const NodeDef& def, int64_t limit) {
  for (const auto& [name, value] : def.attr()) {
    if (value.has_tensor()) STATOR_RETURN_IF_ERROR(CheckTensorSize(value.tensor(), limit));
    for (const TensorProto& tensor : value.list().tensor()) {
      STATOR_RETURN_IF_ERROR(CheckTensorSize(tensor, limit));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckDeprecation(const OpDef& schema, int producer) {
  if (!schema.has_deprecation() || producer < schema.deprecation().version())
    return absl::OkStatus();
  return absl::UnimplementedError(absl::StrCat(
      "expected an op that graphs of version ", producer, " have, found one that ended with ",
      schema.deprecation().version(), ": ", schema.deprecation().explanation()));
}

bool Equal(const google::protobuf::Message& a, const google::protobuf::Message& b) {
  const auto bytes = SerializeDeterministic(a);
  const auto other = SerializeDeterministic(b);
  return bytes.ok() && other.ok() && *bytes == *other;
}

}  // namespace

struct Graph::Mark {
  int nodes;
  int functions;
  int gradients;
};

Graph::Graph(const OpSchemas* schemas, const GraphLimits& limits)
    : schemas_(schemas), limits_(limits) {
  rest_.mutable_versions()->set_producer(kGraphVersion);
  rest_.mutable_versions()->set_min_consumer(kMinConsumer);
}

absl::StatusOr<Graph> Graph::FromGraphDef(GraphDef def, const OpSchemas* schemas,
                                          const ImportOptions& options, const GraphLimits& limits) {
  Graph graph(schemas, limits);
  STATOR_RETURN_IF_ERROR(graph.Import(std::move(def), options));
  return graph;
}

Graph::Mark Graph::Position() const {
  return {num_nodes(), rest_.library().function_size(), rest_.library().gradient_size()};
}

void Graph::Rollback(const Mark& mark) {
  while (num_nodes() > mark.nodes) {
    node_ids_.erase(nodes_.back()->name());
    nodes_.pop_back();
  }
  if (!rest_.has_library()) return;
  FunctionDefLibrary* library = rest_.mutable_library();
  while (library->function_size() > mark.functions) {
    const int last = library->function_size() - 1;
    const auto it = functions_.find(library->function(last).signature().name());
    if (it != functions_.end() && it->second == last) functions_.erase(it);
    library->mutable_function()->RemoveLast();
  }
  while (library->gradient_size() > mark.gradients) library->mutable_gradient()->RemoveLast();
}

absl::Status Graph::Import(GraphDef def, const ImportOptions& options) {
  STATOR_RETURN_IF_ERROR(CheckVersions(def.versions()));
  const Mark mark = Position();
  if (mark.nodes == 0 && mark.functions == 0) {
    Graph fresh(schemas_, limits_);
    google::protobuf::RepeatedPtrField<NodeDef> nodes;
    nodes.Swap(def.mutable_node());
    fresh.rest_ = std::move(def);
    for (int i = 0; i < fresh.rest_.library().function_size(); ++i) {
      STATOR_RETURN_IF_ERROR(fresh.IndexFunction(i));
    }
    GraphDef only_nodes;
    only_nodes.mutable_node()->Swap(&nodes);
    *only_nodes.mutable_versions() = fresh.rest_.versions();
    STATOR_RETURN_IF_ERROR(fresh.ImportParts(&only_nodes, options));
    *this = std::move(fresh);
    return absl::OkStatus();
  }
  const absl::Status status = ImportParts(&def, options);
  if (!status.ok()) Rollback(mark);
  return status;
}

absl::Status Graph::ImportParts(GraphDef* def, const ImportOptions& options) {
  for (FunctionDef& function : *def->mutable_library()->mutable_function()) {
    STATOR_RETURN_IF_ERROR(InsertFunction(std::move(function)));
  }
  for (GradientDef& gradient : *def->mutable_library()->mutable_gradient()) {
    *rest_.mutable_library()->add_gradient() = std::move(gradient);
  }
  STATOR_RETURN_IF_ERROR(CheckCalls(rest_.library(), limits_.max_call_depth));
  const GraphDebugInfo& info = def->has_debug_info() ? def->debug_info() : rest_.debug_info();
  const int first = num_nodes();
  for (NodeDef& node : *def->mutable_node()) {
    SourceLocation source = FindSource(info, node.name(), "");
    STATOR_ASSIGN_OR_RETURN(
        std::unique_ptr<Node> added,
        NewNode(std::move(node), std::move(source), def->versions().producer(), options));
    Append(std::move(added));
  }
  // Edges come second: nodes may be listed in any order.
  for (int id = first; id < num_nodes(); ++id) {
    STATOR_RETURN_IF_ERROR(nodes_[id]->Annotate(Connect(nodes_[id].get())));
  }
  for (int id = first; id < num_nodes(); ++id) {
    STATOR_RETURN_IF_ERROR(nodes_[id]->Annotate(CheckInputTypes(*nodes_[id])));
  }
  return absl::OkStatus();
}

absl::StatusOr<const Node*> Graph::AddNode(NodeDef def, SourceLocation source) {
  STATOR_ASSIGN_OR_RETURN(std::unique_ptr<Node> node,
                          NewNode(std::move(def), std::move(source), kGraphVersion, {}));
  STATOR_RETURN_IF_ERROR(node->Annotate(Connect(node.get())));
  STATOR_RETURN_IF_ERROR(node->Annotate(CheckInputTypes(*node)));
  Append(std::move(node));
  return nodes_.back().get();
}

absl::Status Graph::AddFunction(FunctionDef function, const Graph* body) {
  const Mark mark = Position();
  const std::string name = function.signature().name();
  absl::Status status = InsertFunction(std::move(function));
  if (status.ok()) status = CheckCalls(rest_.library(), limits_.max_call_depth);
  if (!status.ok()) {
    Rollback(mark);
  } else if (body != nullptr) {
    SourceRecorder recorder(rest_.mutable_debug_info());
    for (const auto& node : body->nodes_) recorder.Add(node->name(), name, node->source());
  }
  return status;
}

absl::Status Graph::InsertFunction(FunctionDef function) {
  if (const FunctionDef* present = FindFunction(function.signature().name())) {
    if (Equal(*present, function)) return absl::OkStatus();
    return absl::AlreadyExistsError(
        absl::StrCat("function '", present->signature().name(),
                     "': expected one definition, found two that differ"));
  }
  *rest_.mutable_library()->add_function() = std::move(function);
  return IndexFunction(rest_.library().function_size() - 1);
}

absl::Status Graph::IndexFunction(int position) {
  const OpDef& signature = rest_.library().function(position).signature();
  STATOR_RETURN_IF_ERROR(CheckOpDef(signature));
  if (functions_.emplace(signature.name(), position).second) return absl::OkStatus();
  return absl::AlreadyExistsError(
      absl::StrCat("function '", signature.name(), "': expected one definition, found two"));
}

absl::StatusOr<std::unique_ptr<Node>> Graph::NewNode(NodeDef def, SourceLocation source,
                                                     int producer,
                                                     const ImportOptions& options) const {
  std::unique_ptr<Node> node(new Node());
  node->id_ = num_nodes();
  node->def_ = std::move(def);
  node->source_ = std::move(source);
  if (!IsNodeName(node->name())) {
    return node->Annotate(absl::InvalidArgumentError(
        "expected a name of letters, digits and _ . / > - that starts with a letter or digit"));
  }
  if (const Node* twin = FindNode(node->name())) {
    const std::string at = twin->source().known() ? " at " + twin->source().Text() : "";
    return node->Annotate(absl::AlreadyExistsError(
        absl::StrCat("expected a name of its own, found another node of op ", twin->op(), at)));
  }
  if (num_nodes() >= limits_.max_nodes) {
    return node->Annotate(absl::ResourceExhaustedError(
        absl::StrCat("expected at most ", limits_.max_nodes, " nodes")));
  }
  STATOR_RETURN_IF_ERROR(node->Annotate(ParseDevice(node->device()).status()));
  STATOR_RETURN_IF_ERROR(node->Annotate(CheckTensorSizes(node->def(), limits_.max_tensor_bytes)));
  STATOR_RETURN_IF_ERROR(node->Annotate(CheckAgainstSchema(node.get(), producer, options)));
  return node;
}

absl::Status Graph::CheckAgainstSchema(Node* node, int producer,
                                       const ImportOptions& options) const {
  node->schema_ = FindOp(node->op());
  if (node->schema_ == nullptr) {
    if (options.allow_unknown_ops) return absl::OkStatus();
    return absl::NotFoundError(
        absl::StrCat("expected an op or function that exists, found '", node->op(), "'"));
  }
  STATOR_RETURN_IF_ERROR(CheckDeprecation(*node->schema_, producer));
  STATOR_RETURN_IF_ERROR(CheckAttrs(node->def(), *node->schema_, producer));
  STATOR_ASSIGN_OR_RETURN(node->input_args_,
                          InputArgs(node->def(), *node->schema_, limits_.max_args));
  STATOR_ASSIGN_OR_RETURN(node->output_args_,
                          OutputArgs(node->def(), *node->schema_, limits_.max_args));
  return absl::OkStatus();
}

void Graph::Append(std::unique_ptr<Node> node) {
  node_ids_.emplace(node->name(), node->id());
  nodes_.push_back(std::move(node));
}

absl::Status Graph::Connect(Node* node) const {
  for (const std::string& text : node->def().input()) {
    STATOR_RETURN_IF_ERROR(ConnectInput(text, node));
  }
  const int expected = static_cast<int>(node->input_types().size());
  if (node->schema() == nullptr || expected == static_cast<int>(node->inputs().size())) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat("expected ", expected, " inputs, found ", node->inputs().size()));
}

absl::Status Graph::ConnectInput(const std::string& text, Node* node) const {
  const std::string title = absl::StrCat("input ", node->inputs_.size());
  const absl::StatusOr<TensorName> name = ParseTensorName(text);
  if (!name.ok()) {
    return absl::InvalidArgumentError(absl::StrCat(title, ": ", name.status().message()));
  }
  const Node* source = FindNode(name->node);
  if (source == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat(title, ": expected a node of the graph, found '", text, "'"));
  }
  if (name->is_control()) {
    node->control_inputs_.push_back(source->id());
    return absl::OkStatus();
  }
  if (!node->control_inputs_.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        title, ": expected data inputs before control inputs, found '", text, "' last"));
  }
  if (source->schema() != nullptr && name->index >= source->num_outputs()) {
    return absl::InvalidArgumentError(absl::StrCat(title, ": expected one of the ",
                                                   source->num_outputs(), " outputs of node '",
                                                   name->node, "', found '", text, "'"));
  }
  node->inputs_.push_back({source->id(), name->index});
  return absl::OkStatus();
}

absl::Status Graph::CheckInputTypes(const Node& node) const {
  if (node.schema() == nullptr) return absl::OkStatus();
  int arg = 0;
  for (int i = 0; i < static_cast<int>(node.inputs().size()); ++i) {
    while (i >= node.input_args_.begins[arg + 1]) ++arg;
    const Node& source = *nodes_[node.inputs()[i].node];
    if (source.schema() == nullptr) continue;
    const DataType expected = node.input_types()[i];
    const DataType found = source.output_types()[node.inputs()[i].index];
    // A reference serves wherever its value does.
    if (found == expected || RemoveRef(found) == expected) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("input ", i, " '", node.schema()->input_arg(arg).name(), "': expected ",
                     DataTypeName(expected), ", found ", DataTypeName(found), " from '",
                     TensorNameText(source.name(), node.inputs()[i].index), "'"));
  }
  return absl::OkStatus();
}

GraphDef Graph::ToGraphDef(const ExportOptions& options) const {
  GraphDef def = rest_;
  def.mutable_node()->Reserve(num_nodes());
  for (const auto& node : nodes_) *def.add_node() = node->def();
  if (!options.source_locations) return def;
  GraphDebugInfo info = def.debug_info();
  SourceRecorder recorder(&info);
  for (const auto& node : nodes_) recorder.Add(node->name(), "", node->source());
  if (info.traces_size() > def.debug_info().traces_size())
    *def.mutable_debug_info() = std::move(info);
  return def;
}

const Node* Graph::FindNode(absl::string_view name) const {
  const auto it = node_ids_.find(std::string(name));
  return it == node_ids_.end() ? nullptr : nodes_[it->second].get();
}

const OpDef* Graph::FindOp(absl::string_view name) const {
  const FunctionDef* function = FindFunction(name);
  return function != nullptr ? &function->signature() : schemas_->Find(name);
}

const FunctionDef* Graph::FindFunction(absl::string_view name) const {
  const auto it = functions_.find(std::string(name));
  return it == functions_.end() ? nullptr : &rest_.library().function(it->second);
}

}  // namespace stator::graph
