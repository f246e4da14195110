#include "tests/ops/run_program.h"

#include <utility>

#include "compiler/pipeline.h"
#include "compiler/reference/interpreter.h"
#include "graph/status_macros.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "ops/register_host_functions.h"
#include "runtime/core/executable.h"
#include "runtime/core/runner.h"

namespace stator::ops {
namespace {

namespace reference = compiler::reference;
using runtime::Tensor;

absl::Status ToAbsl(const executable::Status& status) {
  if (status.ok()) return absl::OkStatus();
  return absl::Status(static_cast<absl::StatusCode>(status.code()), status.message());
}

}  // namespace

executable::CompileRequest RequestFor(const Program& program) {
  executable::CompileRequest request;
  for (size_t i = 0; i < program.feeds.size(); ++i) {
    request.feeds.push_back(
        {program.feeds[i], program.values[i].dtype(), true, program.values[i].dims()});
    // What a session learns from a guard that fails: a size of 1 broadcasts.
    for (size_t d = 0; d < program.values[i].dims().size(); ++d) {
      if (program.values[i].dims()[d] == 1) {
        request.facts.push_back({program.feeds[i], static_cast<int32_t>(d), 1});
      }
    }
  }
  request.fetches = program.fetches;
  request.targets = program.targets;
  request.options.num_threads = 1;
  return request;
}

absl::StatusOr<std::vector<Tensor>> Interpret(mlir::ModuleOp module, const Program& program) {
  std::vector<reference::Value> arguments;
  for (const Tensor& value : program.values) {
    arguments.push_back(reference::MakeTensor(value.dtype(), value.dims(), value.raw()));
  }
  reference::Variables variables;
  STATOR_ASSIGN_OR_RETURN(
      const std::vector<reference::Value> results,
      reference::Run(module.lookupSymbol("main"), std::move(arguments), variables));
  std::vector<Tensor> tensors;
  for (const reference::Value& result : results) {
    const auto* tensor = std::get_if<reference::Tensor>(&result);
    if (tensor == nullptr) return absl::InternalError("a fetched value is not a tensor");
    auto copy =
        Tensor::FromBytes(tensor->dtype(), tensor->dims(), tensor->data(), tensor->num_bytes());
    STATOR_RETURN_IF_ERROR(ToAbsl(copy.status()));
    tensors.push_back(std::move(copy).value());
  }
  return tensors;
}

absl::StatusOr<std::vector<Tensor>> CompileAndRun(const graph::Graph& graph,
                                                  const compiler::OpSet& ops,
                                                  const Program& program) {
  static const runtime::HostRegistry* const host = [] {
    auto* registry = new runtime::HostRegistry;
    RegisterHostFunctions(registry);
    return registry;
  }();
  compiler::GraphCompiler compiler(&graph, &ops, kProgramSeed);
  auto image = compiler.Compile(RequestFor(program));
  STATOR_RETURN_IF_ERROR(ToAbsl(image.status()));
  runtime::LoadOptions options;
  options.host_functions = host;
  options.check_plans = true;
  auto loaded = runtime::Executable::Load(image->bytes.data(), image->bytes.size(), options);
  STATOR_RETURN_IF_ERROR(ToAbsl(loaded.status()));
  runtime::VariableStore variables;
  auto runner = runtime::Runner::Create(*loaded, 0, &variables);
  STATOR_RETURN_IF_ERROR(ToAbsl(runner.status()));
  std::vector<Tensor> fetched;
  STATOR_RETURN_IF_ERROR(ToAbsl((*runner)->Run(program.values, {}, &fetched)));
  return fetched;
}

}  // namespace stator::ops
