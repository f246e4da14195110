#include "graph/function_body.h"

#include <unordered_map>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "graph/data_type.h"
#include "graph/status_macros.h"
#include "graph/tensor_name.h"

namespace stator::graph {
namespace {

using AttrMap = std::map<std::string, AttrValue>;

const OpDef& ArgSchema() {
  static const auto* schema = [] {
    auto* op = new OpDef();
    op->set_name(kArgOp);
    op->set_is_stateful(true);
    OpDef::ArgDef* output = op->add_output_arg();
    output->set_name("output");
    output->set_type_attr("T");
    OpDef::AttrDef* type = op->add_attr();
    type->set_name("T");
    type->set_type("type");
    OpDef::AttrDef* index = op->add_attr();
    index->set_name("index");
    index->set_type("int");
    return op;
  }();
  return *schema;
}

// Replaces references to the function's attributes by their values, in functions within values too.
absl::Status Substitute(const AttrMap& attrs, AttrValue* value) {
  if (value->value_case() == AttrValue::kPlaceholder) {
    const auto it = attrs.find(value->placeholder());
    if (it == attrs.end()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "expected an attribute of the function, found '", value->placeholder(), "'"));
    }
    *value = AttrValue(it->second);
    return absl::OkStatus();
  }
  if (value->has_func()) {
    for (auto& [name, inner] : *value->mutable_func()->mutable_attr()) {
      STATOR_RETURN_IF_ERROR(Substitute(attrs, &inner));
    }
  }
  if (!value->has_list()) return absl::OkStatus();
  for (NameAttrList& function : *value->mutable_list()->mutable_func()) {
    for (auto& [name, inner] : *function.mutable_attr()) {
      STATOR_RETURN_IF_ERROR(Substitute(attrs, &inner));
    }
  }
  return absl::OkStatus();
}

// Builds the nodes of one body. Inside a function a tensor is written `arg`, `arg:i`,
// `node:out_arg:i`; in a graph `node:k`. The builder keeps for each name in a body the tensors (in
// graph form) that it stands for.
class BodyBuilder {
 public:
  BodyBuilder(const Graph& parent, const FunctionDef& function, AttrMap attrs)
      : parent_(parent), function_(function), attrs_(std::move(attrs)) {
    body_.schemas = std::make_unique<BodySchemas>(&parent);
    body_.graph = std::make_unique<Graph>(body_.schemas.get(), parent.limits());
  }

  absl::StatusOr<FunctionBody> Build() {
    GraphDef def;
    *def.mutable_versions() = parent_.versions();
    STATOR_RETURN_IF_ERROR(AddArgs(&def));
    for (const NodeDef& node : function_.node_def()) {
      STATOR_RETURN_IF_ERROR(InNode(node, AddNode(node, &def)));
    }
    for (NodeDef& node : *def.mutable_node()) {
      STATOR_RETURN_IF_ERROR(InNode(node, TranslateInputs(&node)));
      RecordSource(node.name(), &def);
    }
    STATOR_RETURN_IF_ERROR(body_.graph->Import(std::move(def)));
    for (const std::string& name : arg_nodes_) {
      body_.args.push_back(body_.graph->FindNode(name)->id());
    }
    STATOR_RETURN_IF_ERROR(AddResults());
    return std::move(body_);
  }

 private:
  static absl::Status InNode(const NodeDef& node, const absl::Status& status) {
    if (status.ok()) return status;
    return absl::Status(status.code(), absl::StrCat(NodeTitle(node, {}), ": ", status.message()));
  }

  absl::Status AddArgs(GraphDef* def) {
    NodeDef call;  // the signature's types under the attributes of this call
    for (const auto& [name, value] : attrs_) (*call.mutable_attr())[name] = value;
    STATOR_ASSIGN_OR_RETURN(const ArgTypes types,
                            InputArgs(call, function_.signature(), parent_.limits().max_args));
    for (int arg = 0; arg < function_.signature().input_arg_size(); ++arg) {
      const std::string& arg_name = function_.signature().input_arg(arg).name();
      std::vector<std::string>& tensors = tensors_[arg_name];
      const int count = types.begins[arg + 1] - types.begins[arg];
      for (int i = 0; i < count; ++i) {
        NodeDef* node = def->add_node();
        node->set_name(count == 1 ? arg_name : absl::StrCat(arg_name, "_", i));
        node->set_op(kArgOp);
        if (const auto it = function_.arg_attr().find(arg); it != function_.arg_attr().end()) {
          *node->mutable_attr() = it->second.attr();
        }
        (*node->mutable_attr())["T"].set_type(types.types[types.begins[arg] + i]);
        (*node->mutable_attr())["index"].set_i(types.begins[arg] + i);
        tensors.push_back(node->name());
        arg_nodes_.push_back(node->name());
      }
    }
    return absl::OkStatus();
  }

  absl::Status AddNode(const NodeDef& node, GraphDef* def) {
    NodeDef* copy = def->add_node();
    *copy = node;
    for (auto& [name, value] : *copy->mutable_attr()) {
      STATOR_RETURN_IF_ERROR(Substitute(attrs_, &value));
    }
    const OpDef* schema = parent_.FindOp(node.op());
    if (schema == nullptr) {  // without a schema the names of its outputs mean nothing
      return absl::NotFoundError(
          absl::StrCat("expected an op or function that exists, found '", node.op(), "'"));
    }
    STATOR_ASSIGN_OR_RETURN(const ArgTypes types,
                            OutputArgs(*copy, *schema, parent_.limits().max_args));
    for (int arg = 0; arg < schema->output_arg_size(); ++arg) {
      std::vector<std::string>& tensors =
          tensors_[absl::StrCat(node.name(), ":", schema->output_arg(arg).name())];
      for (int i = types.begins[arg]; i < types.begins[arg + 1]; ++i) {
        tensors.push_back(TensorNameText(node.name(), i));
      }
    }
    return absl::OkStatus();
  }

  // What a reference in the body stands for: all tensors of an argument, or one with an index.
  absl::StatusOr<std::vector<std::string>> Tensors(const std::string& reference) const {
    const auto whole = tensors_.find(reference);
    if (whole != tensors_.end()) return whole->second;
    const size_t colon = reference.rfind(':');
    int index = -1;
    if (colon != std::string::npos && absl::SimpleAtoi(reference.substr(colon + 1), &index)) {
      const auto it = tensors_.find(reference.substr(0, colon));
      if (it != tensors_.end() && index >= 0 && index < static_cast<int>(it->second.size())) {
        return std::vector<std::string>{it->second[index]};
      }
    }
    return absl::InvalidArgumentError(absl::StrCat(
        "expected an argument of the function or node:output:index, found '", reference, "'"));
  }

  absl::Status TranslateInputs(NodeDef* node) {
    std::vector<std::string> inputs;
    for (const std::string& reference : node->input()) {
      if (!reference.empty() && reference[0] == '^') {
        inputs.push_back(reference);
        continue;
      }
      STATOR_ASSIGN_OR_RETURN(const std::vector<std::string> tensors, Tensors(reference));
      inputs.insert(inputs.end(), tensors.begin(), tensors.end());
    }
    node->mutable_input()->Clear();
    for (std::string& input : inputs) node->add_input(std::move(input));
    return absl::OkStatus();
  }

  void RecordSource(const std::string& node, GraphDef* def) const {
    const SourceLocation source =
        FindSource(parent_.debug_info(), node, function_.signature().name());
    if (source.known()) SourceRecorder(def->mutable_debug_info()).Add(node, "", source);
  }

  absl::Status AddResults() {
    for (const OpDef::ArgDef& result : function_.signature().output_arg()) {
      const auto it = function_.ret().find(result.name());
      if (it == function_.ret().end()) {
        return absl::InvalidArgumentError(
            absl::StrCat("result '", result.name(), "': expected a tensor, found none"));
      }
      STATOR_ASSIGN_OR_RETURN(const std::vector<std::string> tensors, Tensors(it->second));
      for (const std::string& tensor : tensors) {
        STATOR_ASSIGN_OR_RETURN(const TensorName name, ParseTensorName(tensor));
        body_.results.push_back({body_.graph->FindNode(name.node)->id(), name.index});
      }
    }
    STATOR_RETURN_IF_ERROR(CheckResultTypes());
    for (const std::string& result : function_.signature().control_output()) {
      const auto it = function_.control_ret().find(result);
      const Node* node =
          it == function_.control_ret().end() ? nullptr : body_.graph->FindNode(it->second);
      if (node == nullptr) {
        return absl::InvalidArgumentError(
            absl::StrCat("control result '", result, "': expected a node, found none"));
      }
      body_.control_results.push_back(node->id());
    }
    return absl::OkStatus();
  }

  absl::Status CheckResultTypes() const {
    NodeDef call;
    for (const auto& [name, value] : attrs_) (*call.mutable_attr())[name] = value;
    STATOR_ASSIGN_OR_RETURN(const ArgTypes types,
                            OutputArgs(call, function_.signature(), parent_.limits().max_args));
    if (types.types.size() != body_.results.size()) {
      return absl::InvalidArgumentError(
          absl::StrCat("expected ", types.types.size(), " results, found ", body_.results.size()));
    }
    for (size_t i = 0; i < types.types.size(); ++i) {
      const Node& node = body_.graph->node(body_.results[i].node);
      if (node.schema() == nullptr) continue;
      const DataType found = node.output_types()[body_.results[i].index];
      if (RemoveRef(found) == RemoveRef(types.types[i])) continue;
      return absl::InvalidArgumentError(absl::StrCat("result ", i, ": expected ",
                                                     DataTypeName(types.types[i]), ", found ",
                                                     DataTypeName(found), " from ", node.Title()));
    }
    return absl::OkStatus();
  }

  const Graph& parent_;
  const FunctionDef& function_;
  const AttrMap attrs_;
  FunctionBody body_;
  std::vector<std::string> arg_nodes_;
  std::unordered_map<std::string, std::vector<std::string>> tensors_;
};

}  // namespace

const OpDef* BodySchemas::Find(absl::string_view op) const {
  return op == kArgOp ? &ArgSchema() : parent_->FindOp(op);
}

std::vector<const OpDef*> BodySchemas::List() const { return parent_->schemas().List(); }

absl::StatusOr<FunctionBody> InstantiateFunction(const Graph& parent, const FunctionDef& function,
                                                 const std::map<std::string, AttrValue>& attrs) {
  AttrMap values = attrs;
  for (const OpDef::AttrDef& attr : function.signature().attr()) {
    if (attr.has_default_value()) values.emplace(attr.name(), attr.default_value());
  }
  for (const auto& [name, value] : function.attr()) values.emplace(name, value);
  absl::StatusOr<FunctionBody> body = BodyBuilder(parent, function, std::move(values)).Build();
  if (body.ok()) return body;
  return absl::Status(body.status().code(), absl::StrCat("function '", function.signature().name(),
                                                         "': ", body.status().message()));
}

absl::StatusOr<FunctionBody> InstantiateFunction(const Graph& parent,
                                                 const NameAttrList& function) {
  const FunctionDef* def = parent.FindFunction(function.name());
  if (def == nullptr) {
    return absl::NotFoundError(
        absl::StrCat("expected a function of the library, found '", function.name(), "'"));
  }
  return InstantiateFunction(parent, *def, AttrMap(function.attr().begin(), function.attr().end()));
}

}  // namespace stator::graph
