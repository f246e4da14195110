#include "compiler/import/graph_checker.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "compiler/import/node_expander.h"
#include "graph/status_macros.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace stator::compiler {
namespace {

using graph::InferredDim;
using graph::InferredTensor;
using graph::Node;

// A source whose rank the program leaves open.
bool HasUnknownRank(const Node& node) {
  if (!node.inputs().empty()) return false;
  const auto shape = node.ShapeAttr("shape");
  return shape.ok() && (*shape)->unknown_rank();
}

class GraphChecker : public graph::NodeChecker {
 public:
  explicit GraphChecker(const OpSet* ops)
      : ops_(ops), context_(mlir::MLIRContext::Threading::DISABLED), builder_(&context_) {
    context_.loadDialect<core::CoreDialect, mlir::func::FuncDialect>();
    module_ = mlir::ModuleOp::create(builder_.getUnknownLoc());
    builder_.setInsertionPointToEnd(module_->getBody());
    auto main = builder_.create<mlir::func::FuncOp>(builder_.getUnknownLoc(), "main",
                                                    builder_.getFunctionType({}, {}));
    builder_.setInsertionPointToStart(&main.getBody().emplaceBlock());
  }

  absl::StatusOr<std::vector<InferredTensor>> AddNode(const graph::Graph& graph,
                                                      const Node& node) override {
    if (!expander_)
      expander_ = std::make_unique<NodeExpander>(graph, *ops_, /*seed=*/1, *module_, builder_);
    if (HasUnknownRank(node) || UsesUnknown(node)) {
      unknown_.insert(node.id());
    } else {
      STATOR_RETURN_IF_ERROR(expander_->ExpandNode(node, "", &values_));
    }
    std::vector<InferredTensor> inferred;
    for (int i = 0; i < node.num_outputs(); ++i) inferred.push_back(Infer(node, i));
    return inferred;
  }

 private:
  bool UsesUnknown(const Node& node) const {
    return std::any_of(
        node.inputs().begin(), node.inputs().end(),
        [&](const graph::Endpoint& input) { return unknown_.count(input.node) > 0; });
  }

  InferredTensor Infer(const Node& node, int index) const {
    InferredTensor tensor;
    tensor.dtype = node.output_types()[index];
    const auto value = values_.find({node.id(), index});
    if (value == values_.end() || !value->second.value) return tensor;
    const auto type = llvm::dyn_cast<mlir::RankedTensorType>(value->second.value.getType());
    if (!type) return tensor;
    tensor.dims.emplace();
    for (const core::DimExpr& dim : core::DimsOf(type)) {
      InferredDim& inferred = tensor.dims->emplace_back();
      if (dim.AsConstant()) inferred.value = *dim.AsConstant();
      inferred.text = dim.ToString();
    }
    return tensor;
  }

  const OpSet* ops_;
  mlir::MLIRContext context_;
  mlir::OpBuilder builder_;
  mlir::OwningOpRef<mlir::ModuleOp> module_;
  std::unique_ptr<NodeExpander> expander_;
  ValueMap values_;
  std::set<int> unknown_;
};

}  // namespace

std::unique_ptr<graph::NodeChecker> NewGraphChecker(const OpSet* ops) {
  return std::make_unique<GraphChecker>(ops);
}

}  // namespace stator::compiler
