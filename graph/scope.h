#ifndef STATOR_GRAPH_SCOPE_H_
#define STATOR_GRAPH_SCOPE_H_

#include <memory>
#include <source_location>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "graph/graph.h"
#include "graph/node_checker.h"
#include "graph/op_schema.h"

namespace stator::graph {

class Operation;
class Output;
class OutputList;
class Scope;

SourceLocation ToSourceLocation(const std::source_location& location);

struct ScopeOptions {
  GraphLimits limits;
  // Checks each node as it is added; without one, only the graph's own rules hold and no sizes are
  // known.
  std::unique_ptr<NodeChecker> checker;
  // The op that stands for a value written in the program: no inputs, attributes `value` and
  // `dtype`.
  std::string constant_op = "Const";
  // For the body of a function: the program whose library the functions go to that the body
  // defines.
  std::shared_ptr<const Scope> program;
};

// Where a program is built: a graph and the settings (name prefix, device, control dependencies)
// for the nodes that are added through this scope. A scope is a cheap value; all scopes that
// descend from one root share one graph and one status. After the first error nothing more is
// added, outputs are invalid, and that error is what status() says. Not safe to use from several
// threads at once.
class Scope {
 public:
  // `schemas` must outlive everything that is made from the scope.
  static Scope NewRoot(const OpSchemas* schemas, ScopeOptions options = {});

  // Names of nodes begin with `name/`; a name that is taken gets a number.
  Scope SubScope(absl::string_view name) const;
  // The next node, and others that are added through the result, are named so instead of after
  // their op.
  Scope WithOpName(absl::string_view name) const;
  // Nodes run after these, besides those that the scope has already.
  Scope WithControlDependencies(absl::Span<const Operation> operations) const;
  Scope WithControlDependencies(absl::Span<const Output> outputs) const;
  Scope WithoutControlDependencies() const;
  // Merged into the device of this scope; a device that does not parse is an error of the scope.
  Scope WithDevice(absl::string_view device) const;
  // Nodes are said to come from this line. For libraries, which pass on the line of their caller.
  Scope At(const std::source_location& location) const;

  bool ok() const;
  const absl::Status& status() const;
  // Keeps the first error.
  void UpdateStatus(const absl::Status& status) const;

  const Graph& graph() const;
  // The program so far, or the first error.
  absl::StatusOr<GraphDef> ToGraphDef(const ExportOptions& options = {}) const;
  // An error becomes the scope's. `body`: see Graph::AddFunction.
  void AddFunction(FunctionDef function, const Graph* body = nullptr) const;

  // A name for a node under this scope's prefix: that of WithOpName, else `fallback`, with a number
  // if taken.
  std::string UniqueName(absl::string_view fallback) const;

  const std::string& constant_op() const;
  // Whether a valid output belongs to this scope's graph.
  bool Owns(const Output& output) const;
  // The location that nodes get when `location` is where the program asked for them.
  SourceLocation SourceFor(const std::source_location& location) const;

 private:
  friend class NodeBuilder;
  friend class Operation;
  friend class Output;
  struct State;
  struct Settings;
  Scope(std::shared_ptr<State> state, std::shared_ptr<const Settings> settings);
  Scope With(Settings settings) const;
  std::string Reserve(const std::string& name) const;
  // Adds the node with the scope's device and, unless it is a constant, control dependencies.
  Operation AddNode(NodeDef def, const std::source_location& location) const;

  std::shared_ptr<State> state_;
  std::shared_ptr<const Settings> settings_;
};

// A node that was added, or nothing after an error.
class Operation {
 public:
  Operation() = default;

  bool valid() const { return node_ != nullptr; }
  const Node& node() const { return *node_; }  // only when valid
  // Output `index`; an invalid one when the operation is invalid.
  Output output(int index) const;
  // Outputs [first, second) of a declared result.
  OutputList outputs(absl::string_view arg) const;

 private:
  friend class Scope;
  friend class Output;
  Operation(const Scope& scope, const Node* node) : scope_(scope), node_(node) {}

  absl::optional<Scope> scope_;
  const Node* node_ = nullptr;
};

// A tensor of the program, or nothing after an error.
class Output {
 public:
  Output() = default;
  Output(const Operation& operation, int index) : operation_(operation), index_(index) {}

  bool valid() const { return operation_.valid(); }
  const Operation& operation() const { return operation_; }
  int index() const { return index_; }
  Endpoint endpoint() const;  // {-1, 0} when invalid
  std::string name() const;   // "node:1"; "" when invalid
  DataType dtype() const;     // DT_INVALID when invalid

  // The scope in which operators on this output put their nodes: that of the output, without its
  // control dependencies (which the output has already waited for). Only when valid.
  Scope scope() const;

  // The sizes as far as the checker knows them; absent when the rank is not known or there is no
  // checker.
  absl::optional<std::vector<InferredDim>> shape() const;
  // The rank, or the size of a dimension (negative: from the end), where the program cannot do
  // without; an error that names the tensor when it is not known.
  absl::StatusOr<int> Rank() const;
  absl::StatusOr<int64_t> DimSize(int axis) const;

 private:
  Operation operation_;
  int index_ = 0;
};

// The outputs of one declared result. After an error it is empty, and its elements are invalid
// outputs.
class OutputList {
 public:
  OutputList() = default;
  explicit OutputList(std::vector<Output> outputs) : outputs_(std::move(outputs)) {}

  size_t size() const { return outputs_.size(); }
  Output operator[](size_t index) const {
    return index < outputs_.size() ? outputs_[index] : Output();
  }
  const Output* data() const { return outputs_.data(); }
  std::vector<Output>::const_iterator begin() const { return outputs_.begin(); }
  std::vector<Output>::const_iterator end() const { return outputs_.end(); }

 private:
  std::vector<Output> outputs_;
};

}  // namespace stator::graph

#endif  // STATOR_GRAPH_SCOPE_H_
