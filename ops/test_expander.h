#ifndef STATOR_OPS_TEST_EXPANDER_H_
#define STATOR_OPS_TEST_EXPANDER_H_

// Expands a few nodes for tests, without an importer: placeholders become arguments, functions are
// expanded in place.

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "compiler/import/expansion.h"
#include "compiler/import/op_set.h"
#include "mlir/IR/BuiltinOps.h"
#include "proto/graph.pb.h"

namespace stator::ops {

class TestExpander : public compiler::ExpansionContext {
 public:
  TestExpander();
  ~TestExpander() override;

  // Expands the nodes of a GraphDef text, which must be in topological order. `fetches` names the
  // tensors ("node" or "node:1") that the function returns. The result is the module's text without
  // locations, or "error: ...".
  std::string Expand(absl::string_view graph_text, const std::vector<std::string>& fetches);

  bool CallFunction(const NameAttrList& function, const std::vector<compiler::NodeValue>& arguments,
                    std::vector<compiler::NodeValue>* results) override;
  compiler::VariableRef DeclareVariable(absl::string_view container, absl::string_view shared_name,
                                        mlir::RankedTensorType type,
                                        bool zero_initialized) override;
  uint64_t FreshSeed() override { return 42; }

 private:
  using Environment = std::map<std::string, std::vector<compiler::NodeValue>>;

  compiler::NodeValue Lookup(const Environment& env, const std::string& name);
  void ExpandNode(const NodeDef& node, Environment& env);

  compiler::OpSet ops_;
  GraphDef graph_;
  mlir::MLIRContext context_;
  mlir::OpBuilder mlir_builder_;
  std::unique_ptr<core::CoreBuilder> builder_;
  mlir::OwningOpRef<mlir::ModuleOp> module_;
  std::map<std::string, compiler::VariableRef> variables_;
};

}  // namespace stator::ops

#endif  // STATOR_OPS_TEST_EXPANDER_H_
