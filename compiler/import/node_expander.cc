#include "compiler/import/node_expander.h"

#include "absl/strings/str_cat.h"
#include "graph/graph_order.h"
#include "graph/status_macros.h"
#include "graph/tensor_name.h"
#include "llvm/ADT/StringExtras.h"
#include "mlir/IR/Location.h"
#include "proto/serialize.h"

namespace stator::compiler {
namespace {

// Functions that call functions; the graph has checked that none reaches itself.
constexpr int kMaxCallDepth = 64;
// Nodes expanded for calls, all together.
constexpr int kMaxNodesInCalls = 500'000;

// The nodes of a function's body that a call runs: what results and control results need, and what has effects.
std::vector<int> NeededNodes(const graph::FunctionBody& body) {
  std::set<int> needed;
  std::vector<int> pending(body.control_results);
  for (const graph::Endpoint& result : body.results) pending.push_back(result.node);
  for (int id = 0; id < body.graph->num_nodes(); ++id) {
    const graph::Node& node = body.graph->node(id);
    if (node.schema() && node.schema()->is_stateful()) pending.push_back(id);
  }
  while (!pending.empty()) {
    const int id = pending.back();
    pending.pop_back();
    if (!needed.insert(id).second) continue;
    const graph::Node& node = body.graph->node(id);
    for (const graph::Endpoint& input : node.inputs()) pending.push_back(input.node);
    for (int control : node.control_inputs()) pending.push_back(control);
  }
  return {needed.begin(), needed.end()};
}

}  // namespace

mlir::Location NodeLocation(const graph::Node& node, const std::string& prefix, mlir::MLIRContext* context) {
  mlir::Location line = mlir::UnknownLoc::get(context);
  if (node.source().known()) {
    line = mlir::FileLineColLoc::get(context, node.source().file, static_cast<unsigned>(node.source().line), 0);
  }
  return mlir::NameLoc::get(mlir::StringAttr::get(context, absl::StrCat(prefix, node.name(), ":", node.op())), line);
}

NodeExpander::NodeExpander(const graph::Graph& graph, const OpSet& ops, uint64_t seed, mlir::ModuleOp module,
                           mlir::OpBuilder& builder)
    : graph_(graph), ops_(ops), seed_(seed), module_(module), builder_(builder, builder.getUnknownLoc()) {}

absl::Status NodeExpander::ExpandNode(const graph::Node& node, const std::string& prefix, ValueMap* values) {
  if (depth_ > 0 && ++nodes_in_calls_ > kMaxNodesInCalls) {
    return node.Annotate(absl::ResourceExhaustedError(
        absl::StrCat("the functions that the graph calls have more than ", kMaxNodesInCalls, " nodes in all")));
  }
  std::vector<NodeValue> inputs;
  for (const graph::Endpoint& input : node.inputs()) {
    auto it = values->find(input);
    if (it == values->end()) return node.Annotate(absl::InternalError("an input was not expanded before"));
    inputs.push_back(it->second);
  }
  bool all_fed = node.num_outputs() > 0;
  for (int i = 0; i < node.num_outputs(); ++i) all_fed &= values->count({node.id(), i}) > 0;
  if (all_fed) return absl::OkStatus();

  const mlir::Location outer_loc = builder_.loc();
  const std::string outer_prefix = prefix_;
  builder_.set_loc(NodeLocation(node, prefix, builder_.context()));
  prefix_ = absl::StrCat(prefix, node.name(), "/");
  std::vector<NodeValue> outputs;
  if (const OpSet::Op* op = ops_.FindOp(node.op())) {
    Expansion expansion(node.def(), op->schema, std::move(inputs), builder_, *this);
    op->expand(expansion);
    outputs = expansion.outputs();
  } else if (graph_.FindFunction(node.op())) {
    NameAttrList function;
    function.set_name(node.op());
    *function.mutable_attr() = node.def().attr();
    CallFunction(function, inputs, &outputs);
  } else {
    return node.Annotate(absl::UnimplementedError("the op is not supported"));
  }
  prefix_ = outer_prefix;
  builder_.set_loc(outer_loc);
  if (!nested_error_.ok()) return node.Annotate(nested_error_);
  if (!builder_.ok()) return node.Annotate(absl::InvalidArgumentError(builder_.error()));
  if (static_cast<int>(outputs.size()) != node.num_outputs()) {
    return node.Annotate(absl::InternalError(
        absl::StrCat("the expansion gave ", outputs.size(), " outputs, the schema has ", node.num_outputs())));
  }
  for (int i = 0; i < node.num_outputs(); ++i) {
    if (!outputs[i].value && !outputs[i].variable) {
      return node.Annotate(absl::InternalError(absl::StrCat("the expansion gave no value for output ", i)));
    }
    values->emplace(graph::Endpoint{node.id(), i}, std::move(outputs[i]));
  }
  return absl::OkStatus();
}

absl::StatusOr<const graph::FunctionBody*> NodeExpander::Instantiate(const NameAttrList& function) {
  STATOR_ASSIGN_OR_RETURN(std::string key, SerializeDeterministic(function));
  std::unique_ptr<graph::FunctionBody>& body = bodies_[key];
  if (!body) {
    STATOR_ASSIGN_OR_RETURN(graph::FunctionBody made, graph::InstantiateFunction(graph_, function));
    body = std::make_unique<graph::FunctionBody>(std::move(made));
  }
  return body.get();
}

absl::Status NodeExpander::ExpandBody(const graph::FunctionBody& body, const std::vector<NodeValue>& arguments,
                                      std::vector<NodeValue>* results) {
  if (arguments.size() != body.args.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("the function takes ", body.args.size(), " arguments, found ", arguments.size()));
  }
  ValueMap values;
  for (size_t i = 0; i < arguments.size(); ++i) values[{body.args[i], 0}] = arguments[i];
  STATOR_ASSIGN_OR_RETURN(std::vector<int> order, graph::TopologicalOrder(*body.graph, NeededNodes(body)));
  const std::string prefix = prefix_;
  for (int id : order) STATOR_RETURN_IF_ERROR(ExpandNode(body.graph->node(id), prefix, &values));
  for (const graph::Endpoint& result : body.results) results->push_back(values.at(result));
  return absl::OkStatus();
}

bool NodeExpander::CallFunction(const NameAttrList& function, const std::vector<NodeValue>& arguments,
                                std::vector<NodeValue>* results) {
  if (!builder_.ok() || !nested_error_.ok()) return false;
  absl::Status status;
  if (depth_ >= kMaxCallDepth) {
    status = absl::ResourceExhaustedError(absl::StrCat("calls nest deeper than ", kMaxCallDepth));
  } else if (absl::StatusOr<const graph::FunctionBody*> body = Instantiate(function); !body.ok()) {
    status = body.status();
  } else {
    ++depth_;
    status = ExpandBody(**body, arguments, results);
    --depth_;
  }
  if (status.ok()) return true;
  nested_error_ = status;
  builder_.Fail(std::string(status.message()));
  return false;
}

VariableRef NodeExpander::DeclareVariable(absl::string_view container, absl::string_view shared_name,
                                          mlir::RankedTensorType type, bool zero_initialized) {
  auto key = std::pair(std::string(container), std::string(shared_name));
  if (auto it = variables_.find(key); it != variables_.end()) {
    if (it->second.type.getElementType() != type.getElementType() || it->second.type.getRank() != type.getRank()) {
      builder_.Fail("variable '" + llvm::Twine(key.second) + "' is declared with another dtype or rank elsewhere");
    }
    return it->second;
  }
  std::string symbol = key.first.empty() ? key.second : absl::StrCat(key.first, "/", key.second);
  mlir::OpBuilder at_module = mlir::OpBuilder::atBlockBegin(module_.getBody());
  at_module.create<core::VariableOp>(builder_.loc(), at_module.getStringAttr(symbol), mlir::TypeAttr::get(type),
                                     at_module.getStringAttr(key.second), at_module.getStringAttr(key.first),
                                     zero_initialized ? at_module.getUnitAttr() : nullptr);
  return variables_.emplace(std::move(key), VariableRef{symbol, type}).first->second;
}

uint64_t NodeExpander::FreshSeed() {
  // SplitMix64 (Steele, Lea, Flood 2014): well spread seeds from consecutive numbers.
  uint64_t z = (seed_ += 0x9E3779B97F4A7C15u);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

}  // namespace stator::compiler
