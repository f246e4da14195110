#ifndef STATOR_COMPILER_IMPORT_NODE_EXPANDER_H_
#define STATOR_COMPILER_IMPORT_NODE_EXPANDER_H_

#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "compiler/import/expansion.h"
#include "compiler/import/op_set.h"
#include "graph/function_body.h"
#include "graph/graph.h"

namespace stator::compiler {

using ValueMap = std::map<graph::Endpoint, NodeValue>;

// NameLoc("prefix/node:op", file:line).
mlir::Location NodeLocation(const graph::Node& node, const std::string& prefix, mlir::MLIRContext* context);

// Expands nodes one after another at the builder's insertion point, and the functions that they call.
class NodeExpander : public ExpansionContext {
 public:
  // All references must outlive the expander; variables are declared in `module`.
  NodeExpander(const graph::Graph& graph, const OpSet& ops, uint64_t seed, mlir::ModuleOp module,
               mlir::OpBuilder& builder);

  // Adds the node's outputs to `values`, which holds those of its inputs. An endpoint that is there already is fed: it
  // keeps its value. `prefix` is the name of the calling node.
  absl::Status ExpandNode(const graph::Node& node, const std::string& prefix, ValueMap* values);

  bool CallFunction(const NameAttrList& function, const std::vector<NodeValue>& arguments,
                    std::vector<NodeValue>* results) override;
  VariableRef DeclareVariable(absl::string_view container, absl::string_view shared_name, mlir::RankedTensorType type,
                              bool zero_initialized) override;
  uint64_t FreshSeed() override;

 private:
  absl::StatusOr<const graph::FunctionBody*> Instantiate(const NameAttrList& function);
  absl::Status ExpandBody(const graph::FunctionBody& body, const std::vector<NodeValue>& arguments,
                          std::vector<NodeValue>* results);

  const graph::Graph& graph_;
  const OpSet& ops_;
  uint64_t seed_;
  mlir::ModuleOp module_;
  core::CoreBuilder builder_;
  std::string prefix_;  // of the node being expanded
  int depth_ = 0;
  int nodes_in_calls_ = 0;  // expanded so far: functions that call others twice grow without end
  absl::Status nested_error_;  // of a node in a called function: it knows its own name
  std::map<std::string, std::unique_ptr<graph::FunctionBody>> bodies_;
  std::map<std::pair<std::string, std::string>, VariableRef> variables_;
};

}  // namespace stator::compiler

#endif  // STATOR_COMPILER_IMPORT_NODE_EXPANDER_H_
