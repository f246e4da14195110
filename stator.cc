#include "stator.h"

#include <utility>

#include "compiler/import/graph_checker.h"
#include "compiler/pipeline.h"
#include "graph/status_macros.h"
#include "ops/register_all.h"

namespace stator {
namespace {

const compiler::OpSet& AllOps() {
  static const compiler::OpSet* const ops = [] {
    auto* all = new compiler::OpSet;
    ops::RegisterAll(*all);
    return all;
  }();
  return *ops;
}

}  // namespace

const graph::OpSchemas* Ops() { return &AllOps(); }

graph::Scope NewProgram() {
  graph::ScopeOptions options;
  options.checker = compiler::NewGraphChecker(&AllOps());
  return graph::Scope::NewRoot(Ops(), std::move(options));
}

runtime::SessionOptions CompilerOptions(const NewSessionOptions& options) {
  runtime::SessionOptions session;
  session.schemas = Ops();
  compiler::PipelineOptions pipeline;
  pipeline.fuse = options.fuse;
  pipeline.num_threads = options.num_threads;
  session.compiler = [pipeline](const graph::Graph* graph, int64_t seed)
      -> absl::StatusOr<std::unique_ptr<executable::Compiler>> {
    return std::make_unique<compiler::GraphCompiler>(graph, &AllOps(), static_cast<uint64_t>(seed), pipeline);
  };
  session.num_threads = options.num_threads;
  session.max_run_bytes = options.max_run_bytes;
  session.seed = static_cast<int64_t>(options.seed);
  session.check_plans = options.check_plans;
  return session;
}

absl::StatusOr<std::unique_ptr<runtime::Session>> NewSession(const graph::Scope& scope,
                                                             const NewSessionOptions& options) {
  STATOR_ASSIGN_OR_RETURN(GraphDef graph, scope.ToGraphDef());
  return NewSession(std::move(graph), options);
}

absl::StatusOr<std::unique_ptr<runtime::Session>> NewSession(GraphDef graph, const NewSessionOptions& options) {
  return runtime::Session::Create(std::move(graph), CompilerOptions(options));
}

}  // namespace stator
