#include "graph/scope.h"

#include <unordered_set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "graph/device.h"
#include "graph/status_macros.h"
#include "graph/tensor_name.h"

namespace stator::graph {

SourceLocation ToSourceLocation(const std::source_location& location) {
  return {location.file_name(), static_cast<int>(location.line()), location.function_name()};
}

// What all scopes of one root share.
struct Scope::State {
  State(const OpSchemas* schemas, ScopeOptions options)
      : graph(schemas, options.limits),
        checker(std::move(options.checker)),
        constant_op(std::move(options.constant_op)),
        program(std::move(options.program)) {}

  Graph graph;
  std::unique_ptr<NodeChecker> checker;
  std::string constant_op;
  std::shared_ptr<const Scope> program;
  absl::Status status;
  std::unordered_set<std::string> names;              // of nodes and of scopes
  std::unordered_map<std::string, int> next_number;   // by name without number
  std::vector<std::vector<InferredTensor>> inferred;  // by node id; empty without a checker
};

struct Scope::Settings {
  std::string prefix;  // "" or "a/b/"
  std::string op_name;
  DeviceSpec device;
  std::vector<std::string> control;  // "^node", in the order given
  absl::optional<SourceLocation> source;
};

Scope::Scope(std::shared_ptr<State> state, std::shared_ptr<const Settings> settings)
    : state_(std::move(state)), settings_(std::move(settings)) {}

Scope Scope::NewRoot(const OpSchemas* schemas, ScopeOptions options) {
  return Scope(std::make_shared<State>(schemas, std::move(options)),
               std::make_shared<const Settings>());
}

Scope Scope::With(Settings settings) const {
  return Scope(state_, std::make_shared<const Settings>(std::move(settings)));
}

std::string Scope::Reserve(const std::string& name) const {
  if (state_->names.insert(name).second) return name;
  int& number = state_->next_number[name];
  std::string numbered;
  do {
    numbered = absl::StrCat(name, "_", ++number);
  } while (!state_->names.insert(numbered).second);
  return numbered;
}

Scope Scope::SubScope(absl::string_view name) const {
  Settings settings = *settings_;
  settings.op_name.clear();
  if (!name.empty()) {
    if (!IsNodeName(name)) {
      UpdateStatus(absl::InvalidArgumentError(
          absl::StrCat("scope '", name, "': expected letters, digits and _ . / > -")));
      return *this;
    }
    settings.prefix = absl::StrCat(Reserve(absl::StrCat(settings.prefix, name)), "/");
  }
  return With(std::move(settings));
}

Scope Scope::WithOpName(absl::string_view name) const {
  Settings settings = *settings_;
  settings.op_name = std::string(name);
  return With(std::move(settings));
}

Scope Scope::WithControlDependencies(absl::Span<const Operation> operations) const {
  Settings settings = *settings_;
  for (const Operation& operation : operations) {
    if (!operation.valid()) {
      UpdateStatus(absl::InvalidArgumentError(
          "control dependency: expected an operation of the graph, found none"));
      continue;
    }
    settings.control.push_back(absl::StrCat("^", operation.node().name()));
  }
  return With(std::move(settings));
}

Scope Scope::WithControlDependencies(absl::Span<const Output> outputs) const {
  std::vector<Operation> operations;
  for (const Output& output : outputs) operations.push_back(output.operation());
  return WithControlDependencies(operations);
}

Scope Scope::WithoutControlDependencies() const {
  Settings settings = *settings_;
  settings.control.clear();
  return With(std::move(settings));
}

Scope Scope::WithDevice(absl::string_view device) const {
  const absl::StatusOr<DeviceSpec> spec = ParseDevice(device);
  UpdateStatus(spec.status());
  if (!spec.ok()) return *this;
  Settings settings = *settings_;
  settings.device = MergeDevices(settings.device, *spec);
  return With(std::move(settings));
}

Scope Scope::At(const std::source_location& location) const {
  Settings settings = *settings_;
  settings.source = ToSourceLocation(location);
  return With(std::move(settings));
}

bool Scope::ok() const { return state_->status.ok(); }

const absl::Status& Scope::status() const { return state_->status; }

void Scope::UpdateStatus(const absl::Status& status) const { state_->status.Update(status); }

const Graph& Scope::graph() const { return state_->graph; }

absl::StatusOr<GraphDef> Scope::ToGraphDef(const ExportOptions& options) const {
  STATOR_RETURN_IF_ERROR(state_->status);
  return state_->graph.ToGraphDef(options);
}

void Scope::AddFunction(FunctionDef function, const Graph* body) const {
  if (!ok()) return;
  if (state_->program != nullptr) {
    state_->program->AddFunction(std::move(function), body);
    UpdateStatus(state_->program->status());
  } else {
    UpdateStatus(state_->graph.AddFunction(std::move(function), body));
  }
}

std::string Scope::UniqueName(absl::string_view fallback) const {
  const absl::string_view name = settings_->op_name.empty() ? fallback : settings_->op_name;
  return Reserve(absl::StrCat(settings_->prefix, name));
}

Operation Scope::AddNode(NodeDef def, const std::source_location& location) const {
  if (!ok()) return Operation();
  if (def.device().empty()) def.set_device(DeviceText(settings_->device));
  if (def.op() != state_->constant_op) {
    for (const std::string& control : settings_->control) def.add_input(control);
  }
  state_->names.insert(def.name());
  const absl::StatusOr<const Node*> node =
      state_->graph.AddNode(std::move(def), SourceFor(location));
  UpdateStatus(node.status());
  if (!node.ok()) return Operation();
  if (state_->checker != nullptr) {
    auto inferred = state_->checker->AddNode(state_->graph, **node);
    UpdateStatus((*node)->Annotate(inferred.status()));
    if (!inferred.ok()) return Operation();
    state_->inferred.resize(state_->graph.num_nodes());
    state_->inferred[(*node)->id()] = *std::move(inferred);
  }
  return Operation(*this, *node);
}

bool Scope::Owns(const Output& output) const {
  return output.valid() && output.operation().scope_->state_ == state_;
}

const std::string& Scope::constant_op() const { return state_->constant_op; }

SourceLocation Scope::SourceFor(const std::source_location& location) const {
  return settings_->source ? *settings_->source : ToSourceLocation(location);
}

Output Operation::output(int index) const { return valid() ? Output(*this, index) : Output(); }

OutputList Operation::outputs(absl::string_view arg) const {
  if (!valid()) return OutputList();
  const auto range = node_->OutputRange(arg);
  scope_->UpdateStatus(range.status());
  if (!range.ok()) return OutputList();
  std::vector<Output> outputs;
  for (int i = range->first; i < range->second; ++i) outputs.push_back(output(i));
  return OutputList(std::move(outputs));
}

Endpoint Output::endpoint() const {
  return valid() ? Endpoint{operation_.node().id(), index_} : Endpoint{};
}

std::string Output::name() const {
  return valid() ? absl::StrCat(operation_.node().name(), ":", index_) : std::string();
}

DataType Output::dtype() const {
  if (!valid() || index_ >= operation_.node().num_outputs()) return DT_INVALID;
  return operation_.node().output_types()[index_];
}

Scope Output::scope() const {
  Scope::Settings settings = *operation_.scope_->settings_;
  settings.op_name.clear();
  settings.control.clear();
  settings.source.reset();
  return operation_.scope_->With(std::move(settings));
}

absl::optional<std::vector<InferredDim>> Output::shape() const {
  if (!valid()) return absl::nullopt;
  const auto& inferred = operation_.scope_->state_->inferred;
  const size_t id = static_cast<size_t>(operation_.node().id());
  if (id >= inferred.size() || index_ >= static_cast<int>(inferred[id].size()))
    return absl::nullopt;
  return inferred[id][index_].dims;
}

absl::StatusOr<int> Output::Rank() const {
  const auto dims = shape();
  if (dims) return static_cast<int>(dims->size());
  return absl::InvalidArgumentError(
      absl::StrCat("tensor '", name(), "': expected a known rank, found none"));
}

absl::StatusOr<int64_t> Output::DimSize(int axis) const {
  STATOR_ASSIGN_OR_RETURN(const int rank, Rank());
  if (axis < -rank || axis >= rank) {
    return absl::InvalidArgumentError(
        absl::StrCat("tensor '", name(), "': expected an axis of rank ", rank, ", found ", axis));
  }
  const auto dims = shape();
  const InferredDim& dim = (*dims)[axis < 0 ? axis + rank : axis];
  if (dim.value) return *dim.value;
  return absl::InvalidArgumentError(absl::StrCat(
      "tensor '", name(), "': expected a known size of dimension ", axis, ", found ", dim.text));
}

}  // namespace stator::graph
