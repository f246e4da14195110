#include "tests/program/graph_program.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "compiler/import/graph_checker.h"
#include "compiler/import/importer.h"
#include "compiler/pipeline.h"
#include "graph/graph.h"
#include "graph/status_macros.h"
#include "graph/tensor_shape.h"
#include "ops/register_all.h"

namespace stator::tests {
namespace {

AttrValue ShapeAttr(const std::vector<int64_t>& dims) {
  AttrValue attr;
  attr.mutable_shape();
  for (int64_t dim : dims) attr.mutable_shape()->add_dim()->set_size(dim);
  return attr;
}

std::string LineOf(const NodeDef& node) {
  return absl::StrCat(node.name(), " = ", node.op(), "(", absl::StrJoin(node.input(), ", "), ")\n");
}

// Sizes that are 1 in every run are known: a session learns them from a guard that fails, as they
// broadcast. All others are unknown, or else those of `concrete`.
int64_t KnownSize(const std::vector<RunInput>& runs, const RunInput* concrete, size_t feed,
                  int64_t dim) {
  if (concrete != nullptr) return concrete->feeds[feed].dims()[dim];
  for (const RunInput& run : runs) {
    if (run.feeds[feed].dims()[dim] != 1) return -1;
  }
  return 1;
}

executable::CompileRequest RequestFor(const GraphProgram& program, const RunInput* concrete,
                                      const std::vector<RunInput>& runs) {
  executable::CompileRequest request;
  for (size_t i = 0; i < program.feeds.size(); ++i) {
    const Tensor& sample = runs[0].feeds[i];
    executable::FeedSpec feed;
    feed.name = program.feeds[i];
    feed.dtype = sample.dtype();
    feed.rank_known = true;
    feed.dims.assign(sample.rank(), -1);
    for (int32_t d = 0; d < sample.rank(); ++d) {
      const int64_t size = KnownSize(runs, concrete, i, d);
      if (size >= 0) request.facts.push_back({feed.name, d, size});
    }
    request.feeds.push_back(std::move(feed));
  }
  request.fetches = program.fetches;
  request.targets = program.targets;
  for (const auto& [name, value] : runs[0].variables) {
    request.variables.push_back({name, value.dtype(), value.dims()});
  }
  return request;
}

constexpr uint64_t kSeed = 1;  // of ops that have none of their own

}  // namespace

Scope NewScope() {
  graph::ScopeOptions options;
  options.checker = compiler::NewGraphChecker(&ops::AllOps());
  return Scope::NewRoot(&ops::AllOps(), std::move(options));
}

Output Op(const Scope& scope, const std::string& op, const std::vector<graph::Input>& inputs,
          const std::vector<std::pair<std::string, AttrValue>>& attrs) {
  graph::NodeBuilder node(scope, op);
  for (const graph::Input& input : inputs) node.Input(input);
  for (const auto& [name, value] : attrs) node.AttrProto(name, value);
  return node.Finalize().output(0);
}

Output OpOfList(const Scope& scope, const std::string& op, const std::vector<Output>& list,
                const std::vector<graph::Input>& more,
                const std::vector<std::pair<std::string, AttrValue>>& attrs) {
  graph::NodeBuilder node(scope, op);
  node.InputList(list);
  for (const graph::Input& input : more) node.Input(input);
  for (const auto& [name, value] : attrs) node.AttrProto(name, value);
  return node.Finalize().output(0);
}

Output Placeholder(const Scope& scope, DataType dtype, const std::vector<int64_t>& dims) {
  return graph::NodeBuilder(scope, "Placeholder")
      .Attr("dtype", dtype)
      .AttrProto("shape", ShapeAttr(dims))
      .Finalize()
      .output(0);
}

Output Variable(const Scope& scope, const std::string& name, DataType dtype,
                const std::vector<int64_t>& dims) {
  return graph::NodeBuilder(scope.WithOpName(name), "VarHandleOp")
      .Attr("dtype", dtype)
      .Attr("shared_name", name)
      .AttrProto("shape", ShapeAttr(dims))
      .Finalize()
      .output(0);
}

std::vector<Output> Gradients(const Scope& scope, const Output& y, const std::vector<Output>& xs) {
  const graph::Operation gradients = graph::NodeBuilder(scope, "Gradients")
                                         .InputList(std::vector<Output>{y})
                                         .InputList(std::vector<Output>{})
                                         .InputList(xs)
                                         .Finalize();
  std::vector<Output> results;
  for (size_t i = 0; i < xs.size(); ++i) results.push_back(gradients.output(static_cast<int>(i)));
  return results;
}

Program MakeProgram(const Scope& scope, const GraphProgram& program, std::vector<RunInput> runs) {
  const auto owner = std::make_shared<Scope>(scope);
  return MakeProgram(std::shared_ptr<const graph::Graph>(owner, &owner->graph()), program,
                     std::move(runs));
}

Program MakeProgram(std::shared_ptr<const graph::Graph> graph, const GraphProgram& program,
                    std::vector<RunInput> runs) {
  Program result;
  result.make = [graph, program, runs](mlir::MLIRContext& context, const RunInput* concrete) {
    return compiler::ImportGraph(*graph, ops::AllOps(), RequestFor(program, concrete, runs), kSeed,
                                 &context);
  };
  result.runs = std::move(runs);
  return result;
}

std::string TextOf(const graph::Graph& graph) {
  std::string text;
  for (const FunctionDef& function : graph.functions().function()) {
    absl::StrAppend(&text, function.signature().name(), ":\n");
    for (const NodeDef& node : function.node_def()) absl::StrAppend(&text, "  ", LineOf(node));
  }
  for (int i = 0; i < graph.num_nodes(); ++i) absl::StrAppend(&text, LineOf(graph.node(i).def()));
  return text;
}

absl::StatusOr<std::vector<std::string>> KernelsOf(const Program& program) {
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  STATOR_ASSIGN_OR_RETURN(auto module, program.make(context, nullptr));
  STATOR_RETURN_IF_ERROR(compiler::RunCoreStages(*module, {}));
  std::vector<std::string> kernels;
  module->walk([&](core::FusionOp fusion) {
    std::string line = absl::StrCat(fusion.getKind().str(), " [");
    for (mlir::Operation& op : fusion.getBody().front()) {
      absl::StrAppend(&line, " ", op.getName().stripDialect().str());
    }
    kernels.push_back(absl::StrCat(line, " ]: ", fusion.getReason().str()));
  });
  return kernels;
}

}  // namespace stator::tests
