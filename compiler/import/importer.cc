#include "compiler/import/importer.h"

#include <map>
#include <optional>
#include <set>

#include "absl/strings/str_cat.h"
#include "compiler/import/node_expander.h"
#include "compiler/import/unsupported_ops.h"
#include "graph/graph_order.h"
#include "graph/prune.h"
#include "graph/status_macros.h"
#include "graph/tensor_name.h"
#include "llvm/ADT/StringExtras.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace stator::compiler {
namespace {

using graph::Endpoint;
using graph::Node;

// "x:0[1]" as a symbol's name: what the syntax does not allow becomes '_'.
std::string SymbolName(const Node& node, int index, size_t axis) {
  std::string name = node.name();
  for (char& c : name) {
    if (!llvm::isAlnum(c) && c != '_') c = '_';
  }
  if (!llvm::isAlpha(name[0]) && name[0] != '_') name.insert(0, "_");
  return index == 0 ? absl::StrCat(name, ".", axis) : absl::StrCat(name, ".", index, ".", axis);
}

class Importer {
 public:
  Importer(const graph::Graph& graph, const OpSet& ops, const executable::CompileRequest& request, uint64_t seed,
           mlir::MLIRContext* context)
      : graph_(graph), ops_(ops), request_(request), seed_(seed), context_(context), builder_(context),
        module_(mlir::ModuleOp::create(mlir::UnknownLoc::get(context))) {
    expander_.emplace(graph, ops, seed, *module_, builder_);
  }

  absl::StatusOr<mlir::OwningOpRef<mlir::ModuleOp>> Import() {
    std::vector<std::string> feed_names;
    for (const executable::FeedSpec& feed : request_.feeds) feed_names.push_back(feed.name);
    STATOR_ASSIGN_OR_RETURN(graph::PrunedGraph pruned,
                            graph::Prune(graph_, feed_names, request_.fetches, request_.targets));
    STATOR_ASSIGN_OR_RETURN(std::vector<int> order, graph::TopologicalOrder(graph_, pruned.nodes));
    STATOR_RETURN_IF_ERROR(CheckSymbolSpecs());
    STATOR_RETURN_IF_ERROR(BeginMain(pruned));
    ValueMap values;
    for (size_t i = 0; i < fed_.size(); ++i) {
      values[fed_[i]] = {main_.getArgument(static_cast<unsigned>(i)), std::nullopt};
    }
    for (int id : order) {
      const Node& node = graph_.node(id);
      if (problems_ != nullptr && NeedsMissing(node, values)) continue;
      absl::Status status = expander_->ExpandNode(node, "", &values);
      if (status.ok()) continue;
      if (problems_ == nullptr) return status;
      problems_->push_back({node.name(), std::move(status)});
      expander_.emplace(graph_, ops_, seed_, *module_, builder_);  // the old one keeps its error
    }
    if (problems_ != nullptr && !problems_->empty()) return problems_->front().status;
    STATOR_RETURN_IF_ERROR(EndMain(pruned, values));
    return std::move(module_);
  }

  // Import goes on behind nodes that fail, and lists them.
  void CollectProblems(std::vector<NodeProblem>* problems) { problems_ = problems; }

 private:
  static bool NeedsMissing(const Node& node, const ValueMap& values) {
    return llvm::any_of(node.inputs(), [&](const Endpoint& input) { return values.count(input) == 0; });
  }

  absl::Status CheckSymbolSpecs() {
    for (const executable::SymbolSpec& spec : request_.symbols) {
      const bool is_feed = llvm::any_of(request_.feeds, [&](const auto& feed) { return feed.name == spec.tensor; });
      if (!is_feed) {
        return absl::InvalidArgumentError(
            absl::StrCat("symbol '", spec.name, "' names a dimension of '", spec.tensor, "', which is not fed"));
      }
      if (!core::DimContext::IsValidSymbolName(spec.name) && core::DimContext::IsValidSymbolName(spec.name + "_")) {
        return absl::InvalidArgumentError(
            absl::StrCat("'", spec.name, "' cannot name a dimension: the word is reserved for expressions of sizes"));
      }
      if (!core::DimContext::IsValidSymbolName(spec.name)) {
        return absl::InvalidArgumentError(absl::StrCat(
            "'", spec.name, "' cannot name a dimension: expected a letter or '_', then letters, digits, '_' or '.'"));
      }
      if (spec.min < 0 || spec.max < spec.min) {
        return absl::InvalidArgumentError(
            absl::StrCat("symbol '", spec.name, "': expected bounds 0 <= min <= max, found ", spec.min, " and ", spec.max));
      }
      for (const executable::SymbolSpec& other : request_.symbols) {
        if (&other == &spec) break;
        if (other.tensor != spec.tensor || other.dim != spec.dim) continue;
        return absl::InvalidArgumentError(absl::StrCat("symbols '", other.name, "' and '", spec.name, "' name the same dimension, ",
                                                       spec.tensor, "[", spec.dim, "]"));
      }
    }
    return absl::OkStatus();
  }

  // The symbol that the caller asked for, or a new one named after the node.
  core::DimExpr UnknownDim(const Node& node, int index, size_t axis, const executable::FeedSpec& feed) {
    core::DimContext& dims = core::DimContextOf(context_);
    for (const executable::SymbolSpec& spec : request_.symbols) {
      if (spec.tensor != feed.name || spec.dim != static_cast<int32_t>(axis)) continue;
      core::DimFacts facts;
      facts.min = spec.min;
      if (spec.max != INT64_MAX) facts.max = spec.max;
      core::DimExpr symbol = dims.Symbol(spec.name, facts);
      dims.Narrow(symbol.symbol(), facts);  // it may stand for another dimension, with other bounds, too
      return symbol;
    }
    return dims.FreshSymbol(SymbolName(node, index, axis));
  }

  // Every name must have found a dimension of unknown size.
  absl::Status CheckNamed(const executable::FeedSpec& feed, const core::Dims& dims) {
    for (const executable::SymbolSpec& spec : request_.symbols) {
      if (spec.tensor != feed.name) continue;
      if (spec.dim < 0 || static_cast<size_t>(spec.dim) >= dims.size()) {
        return absl::InvalidArgumentError(absl::StrCat("symbol '", spec.name, "': '", feed.name, "' has ", dims.size(),
                                                       " dimensions, there is none at ", spec.dim));
      }
      if (!dims[spec.dim].IsSymbol()) {
        return absl::InvalidArgumentError(absl::StrCat("symbol '", spec.name, "': ", feed.name, "[", spec.dim,
                                                       "] is not unknown, the graph says ", dims[spec.dim].ToString()));
      }
    }
    return absl::OkStatus();
  }

  absl::Status BeginMain(const graph::PrunedGraph& pruned) {
    llvm::SmallVector<mlir::Type> types;
    llvm::SmallVector<mlir::Location> locs;
    llvm::SmallVector<mlir::Attribute> names;
    for (size_t i = 0; i < pruned.feeds.size(); ++i) {
      const Node& node = graph_.node(pruned.feeds[i].node);
      const absl::StatusOr<mlir::Type> type = FeedType(node, pruned.feeds[i].index, request_.feeds[i]);
      if (!type.ok()) {
        if (problems_ == nullptr) return type.status();
        problems_->push_back({node.name(), type.status()});
        continue;
      }
      fed_.push_back(pruned.feeds[i]);
      types.push_back(*type);
      locs.push_back(NodeLocation(node, "", context_));
      names.push_back(builder_.getStringAttr(request_.feeds[i].name));
    }
    builder_.setInsertionPointToEnd(module_->getBody());
    main_ = builder_.create<mlir::func::FuncOp>(builder_.getUnknownLoc(), "main", builder_.getFunctionType(types, {}));
    mlir::Block* body = &main_.getBody().emplaceBlock();
    body->addArguments(types, locs);
    main_->setAttr("core.feeds", builder_.getArrayAttr(names));
    builder_.setInsertionPointToStart(body);
    return absl::OkStatus();
  }

  absl::Status EndMain(const graph::PrunedGraph& pruned, const ValueMap& values) {
    llvm::SmallVector<mlir::Value> results;
    llvm::SmallVector<mlir::Type> types;
    llvm::SmallVector<mlir::Attribute> names;
    for (size_t i = 0; i < pruned.fetches.size(); ++i) {
      const NodeValue& value = values.at(pruned.fetches[i]);
      if (!value.value || !llvm::isa<mlir::RankedTensorType>(value.value.getType())) {
        return absl::InvalidArgumentError(absl::StrCat("cannot fetch '", request_.fetches[i], "': not a tensor"));
      }
      results.push_back(value.value);
      types.push_back(value.value.getType());
      names.push_back(builder_.getStringAttr(request_.fetches[i]));
    }
    builder_.create<mlir::func::ReturnOp>(builder_.getUnknownLoc(), results);
    main_.setFunctionType(builder_.getFunctionType(main_.getArgumentTypes(), types));
    main_->setAttr("core.fetches", builder_.getArrayAttr(names));
    return absl::OkStatus();
  }

  // What the graph says of the fed tensor (a placeholder's shape), then what the caller says of its rank, then facts.
  absl::StatusOr<mlir::Type> FeedType(const Node& node, int index, const executable::FeedSpec& feed) {
    const DataType dtype = node.output_types()[index];
    mlir::Type element = ElementTypeOfDataType(dtype, context_);
    if (!element) return node.Annotate(absl::InvalidArgumentError(absl::StrCat("cannot be fed: element type ", DataType_Name(dtype))));
    std::vector<int64_t> sizes;
    bool known = false;
    if (auto shape = node.ShapeAttr("shape"); shape.ok() && !(*shape)->unknown_rank() && node.op() != "VarHandleOp") {
      // Graphs older than version 24 leave a placeholder's shape empty to say that it is unknown.
      known = (*shape)->dim_size() > 0 || !feed.rank_known || feed.dims.empty();
      if (known) for (const auto& dim : (*shape)->dim()) sizes.push_back(dim.size() < 0 ? -1 : dim.size());
    }
    if (!known) {
      if (!feed.rank_known) {
        return node.Annotate(absl::InvalidArgumentError("is fed, but neither the graph nor the caller knows its rank"));
      }
      sizes.assign(feed.dims.size(), -1);
    }
    core::DimContext& dims = core::DimContextOf(context_);
    core::Dims result;
    for (size_t axis = 0; axis < sizes.size(); ++axis) {
      int64_t size = sizes[axis];
      for (const executable::SymbolFact& fact : request_.facts) {
        if (fact.tensor == feed.name && fact.dim == static_cast<int32_t>(axis)) size = fact.value;
      }
      result.push_back(size >= 0 ? dims.Constant(size) : UnknownDim(node, index, axis, feed));
    }
    STATOR_RETURN_IF_ERROR(CheckNamed(feed, result));
    return core::TensorType(result, element);
  }

  const graph::Graph& graph_;
  const OpSet& ops_;
  const executable::CompileRequest& request_;
  const uint64_t seed_;
  mlir::MLIRContext* context_;
  mlir::OpBuilder builder_;
  mlir::OwningOpRef<mlir::ModuleOp> module_;
  std::optional<NodeExpander> expander_;
  mlir::func::FuncOp main_;
  std::vector<Endpoint> fed_;  // the arguments of main_
  std::vector<NodeProblem>* problems_ = nullptr;
};

}  // namespace

absl::StatusOr<mlir::OwningOpRef<mlir::ModuleOp>> ImportGraph(const graph::Graph& graph, const OpSet& ops,
                                                              const executable::CompileRequest& request, uint64_t seed,
                                                              mlir::MLIRContext* context) {
  context->loadDialect<core::CoreDialect, mlir::func::FuncDialect>();
  return Importer(graph, ops, request, seed, context).Import();
}

std::vector<NodeProblem> FindImportProblems(const graph::Graph& graph, const OpSet& ops,
                                            const executable::CompileRequest& request, uint64_t seed,
                                            mlir::MLIRContext* context) {
  context->loadDialect<core::CoreDialect, mlir::func::FuncDialect>();
  std::vector<NodeProblem> problems;
  Importer importer(graph, ops, request, seed, context);
  importer.CollectProblems(&problems);
  const absl::Status status = importer.Import().status();
  if (!status.ok() && problems.empty()) problems.push_back({"", status});
  // A node that calls functions names the first of what they hold.
  std::vector<NodeProblem> all;
  std::set<std::string> seen;
  for (NodeProblem& problem : problems) {
    const Node* node = graph.FindNode(problem.node);
    std::vector<NodeProblem> inner;
    if (node != nullptr) inner = UnsupportedInFunctions(graph, ops, node->def());
    if (inner.empty()) inner.push_back(std::move(problem));
    for (NodeProblem& each : inner) {
      if (each.node.empty() || seen.insert(each.node).second) all.push_back(std::move(each));
    }
  }
  return all;
}

}  // namespace stator::compiler
