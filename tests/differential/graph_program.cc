#include "tests/differential/graph_program.h"

#include <memory>

#include "absl/strings/str_cat.h"
#include "compiler/import/graph_checker.h"
#include "compiler/import/importer.h"
#include "compiler/pipeline.h"
#include "graph/graph.h"
#include "graph/status_macros.h"
#include "graph/tensor_shape.h"
#include "ops/register_all.h"

namespace stator::tests {
namespace {

const compiler::OpSet& AllOps() {
  static const auto* const ops = [] {
    auto* set = new compiler::OpSet;
    ops::RegisterAll(*set);
    return set;
  }();
  return *ops;
}

AttrValue ShapeAttr(const std::vector<int64_t>& dims) {
  AttrValue attr;
  attr.mutable_shape();
  for (int64_t dim : dims) attr.mutable_shape()->add_dim()->set_size(dim);
  return attr;
}

executable::CompileRequest RequestFor(const GraphProgram& program, const RunInput* concrete,
                                      const std::vector<RunInput>& runs) {
  executable::CompileRequest request;
  for (size_t i = 0; i < program.feeds.size(); ++i) {
    const Tensor& sample = runs[0].feeds[i];
    executable::FeedSpec feed;
    feed.name =
        absl::StrCat(program.feeds[i].operation().node().name(), ":", program.feeds[i].index());
    feed.dtype = sample.dtype();
    feed.rank_known = true;
    feed.dims.assign(sample.rank(), -1);
    for (int64_t d = 0; concrete != nullptr && d < sample.rank(); ++d) {
      request.facts.push_back({feed.name, static_cast<int32_t>(d), concrete->feeds[i].dims()[d]});
    }
    request.feeds.push_back(std::move(feed));
  }
  for (const Output& fetch : program.fetches) {
    request.fetches.push_back(absl::StrCat(fetch.operation().node().name(), ":", fetch.index()));
  }
  for (const graph::Operation& target : program.targets) {
    request.targets.push_back(target.node().name());
  }
  for (const auto& [name, value] : runs[0].variables) {
    request.variables.push_back({name, value.dtype(), value.dims()});
  }
  return request;
}

}  // namespace

Scope NewScope() {
  graph::ScopeOptions options;
  options.checker = compiler::NewGraphChecker(&AllOps());
  return Scope::NewRoot(&AllOps(), std::move(options));
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
  Program result;
  // The graph stays with the scope.
  result.make = [scope, program, runs](
                    mlir::MLIRContext& context,
                    const RunInput* concrete) -> absl::StatusOr<mlir::OwningOpRef<mlir::ModuleOp>> {
    STATOR_RETURN_IF_ERROR(scope.status());
    return compiler::ImportGraph(scope.graph(), AllOps(), RequestFor(program, concrete, runs),
                                 /*seed=*/1, &context);
  };
  result.runs = std::move(runs);
  return result;
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
