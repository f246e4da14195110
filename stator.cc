#include "stator.h"

#include <utility>

#include "compiler/import/graph_checker.h"
#include "compiler/import/op_set.h"
#include "compiler/pipeline.h"
#include "graph/status_macros.h"
#include "ops/register_all.h"
#include "ops/register_host_functions.h"

namespace stator {
namespace {

// The process's own, with ours in it: a program may add its functions before or after.
const runtime::HostRegistry& AllHostFunctions() {
  static const runtime::HostRegistry* const functions = [] {
    runtime::HostRegistry* registry = runtime::HostRegistry::Default();
    ops::RegisterHostFunctions(registry);
    return registry;
  }();
  return *functions;
}

absl::StatusOr<std::unique_ptr<executable::Compiler>> NewCompiler(const graph::Graph* graph,
                                                                  int64_t seed) {
  return std::unique_ptr<executable::Compiler>(
      std::make_unique<compiler::GraphCompiler>(graph, &ops::AllOps(), static_cast<uint64_t>(seed)));
}

}  // namespace

const runtime::CompilerFactory& ProgramCompiler() {
  static const auto* const factory = new runtime::CompilerFactory(NewCompiler);
  return *factory;
}

const graph::OpSchemas& Ops() { return ops::AllOps(); }

graph::Scope NewProgram() {
  graph::ScopeOptions options;
  options.checker = compiler::NewGraphChecker(&ops::AllOps());
  return graph::Scope::NewRoot(&ops::AllOps(), std::move(options));
}

absl::StatusOr<std::unique_ptr<runtime::Session>> NewSession(GraphDef graph,
                                                             runtime::SessionOptions options) {
  if (options.schemas == nullptr) options.schemas = &ops::AllOps();
  if (!options.compiler) options.compiler = ProgramCompiler();
  if (options.host_functions == nullptr) options.host_functions = &AllHostFunctions();
  return runtime::Session::Create(std::move(graph), std::move(options));
}

absl::StatusOr<std::unique_ptr<runtime::Session>> NewSession(const graph::Scope& program,
                                                             runtime::SessionOptions options) {
  STATOR_ASSIGN_OR_RETURN(GraphDef graph, program.ToGraphDef());
  return NewSession(std::move(graph), std::move(options));
}

}  // namespace stator
