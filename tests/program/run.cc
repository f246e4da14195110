#include "tests/program/run.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "compiler/reference/interpreter.h"
#include "executable/image_builder.h"
#include "graph/status_macros.h"
#include "ops/register_host_functions.h"
#include "runtime/core/runner.h"

namespace stator::tests {
namespace {

absl::Status ToAbsl(const executable::Status& status) {
  return absl::Status(static_cast<absl::StatusCode>(status.code()), status.message());
}

runtime::Tensor ToRuntime(const Tensor& t) {
  auto result = runtime::Tensor::FromBytes(t.dtype(), t.dims(), t.data(), t.num_bytes());
  return std::move(result).value();
}

Tensor FromRuntime(const runtime::Tensor& t) {
  return compiler::reference::MakeTensor(t.dtype(), t.dims(), t.raw());
}

const runtime::HostRegistry& HostFunctions() {
  static const auto* const functions = [] {
    auto* registry = new runtime::HostRegistry;
    ops::RegisterHostFunctions(registry);
    return registry;
  }();
  return *functions;
}

}  // namespace

Outcome Interpret(mlir::ModuleOp module, const RunInput& input) {
  Outcome outcome;
  outcome.variables = input.variables;
  std::vector<compiler::reference::Value> arguments(input.feeds.begin(), input.feeds.end());
  auto results = compiler::reference::Run(module.lookupSymbol("main"), std::move(arguments),
                                          outcome.variables);
  outcome.status = results.status();
  if (!results.ok()) return outcome;
  for (compiler::reference::Value& value : *results) {
    outcome.fetches.push_back(std::get<Tensor>(std::move(value)));
  }
  return outcome;
}

absl::Status Differentiate(mlir::ModuleOp module) {
  bool has_gradients = false;
  module.walk([&](core::GradientsOp) { has_gradients = true; });
  if (!has_gradients) return absl::OkStatus();
  for (const compiler::Stage& stage : compiler::CoreStages({})) {
    STATOR_RETURN_IF_ERROR(stage.run(module));
    if (stage.name == "differentiate") break;
  }
  return absl::OkStatus();
}

absl::StatusOr<ExecutablePtr> Compile(mlir::ModuleOp module, const PipelineOptions& options,
                                      const std::function<void(mlir::ModuleOp)>& after_stages) {
  STATOR_RETURN_IF_ERROR(compiler::RunCoreStages(module, options));
  if (after_stages) after_stages(module);
  STATOR_ASSIGN_OR_RETURN(const executable::ImageModel model,
                          compiler::GenerateImage(module, options));
  const std::vector<uint8_t> bytes = executable::Serialize(model);
  runtime::LoadOptions load;
  load.check_plans = true;
  load.host_functions = &HostFunctions();
  auto executable = runtime::Executable::Load(bytes.data(), bytes.size(), load);
  if (!executable.ok()) return ToAbsl(executable.status());
  return std::move(executable).value();
}

Outcome Execute(const ExecutablePtr& executable, const RunInput& input, runtime::ThreadPool* pool) {
  Outcome outcome;
  runtime::VariableStore store;
  for (const auto& [name, value] : input.variables) {
    outcome.status = ToAbsl(store.Write(name, ToRuntime(value)));
    if (!outcome.status.ok()) return outcome;
  }
  auto runner = runtime::Runner::Create(executable, 0, &store, pool);
  if (!runner.ok()) {
    outcome.status = ToAbsl(runner.status());
    return outcome;
  }
  std::vector<runtime::Tensor> feeds, fetches;
  for (const Tensor& feed : input.feeds) feeds.push_back(ToRuntime(feed));
  runtime::RunOptions options;
  options.poison = true;
  outcome.status = ToAbsl((*runner)->Run(feeds, options, &fetches));
  outcome.steps = (*runner)->stats().steps;
  if (outcome.status.ok()) {
    for (const runtime::Tensor& fetch : fetches) outcome.fetches.push_back(FromRuntime(fetch));
  }
  for (const executable::VariableSpec& variable : store.Specs()) {
    outcome.variables[variable.name] = FromRuntime(*store.Read(variable.name));
  }
  return outcome;
}

Outcome CompileAndExecute(mlir::ModuleOp module, const RunInput& input) {
  const auto executable = Compile(module, {.num_threads = 1});
  if (executable.ok()) return Execute(*executable, input);
  Outcome refused;
  refused.status = executable.status();
  return refused;
}

std::string Difference(const Outcome& expected, const Outcome& actual) {
  if (expected.status.code() != actual.status.code()) {
    return absl::StrCat("expected ", expected.status.ToString(), ", found ",
                        actual.status.ToString());
  }
  if (expected.fetches.size() != actual.fetches.size()) return "number of fetches";
  for (size_t i = 0; i < expected.fetches.size(); ++i) {
    const std::string text = Difference(expected.fetches[i], actual.fetches[i]);
    if (!text.empty()) return absl::StrCat("fetch ", i, ": ", text);
  }
  for (const auto& [name, value] : expected.variables) {
    auto found = actual.variables.find(name);
    if (found == actual.variables.end()) {
      return absl::StrCat("variable ", name, " is not initialized");
    }
    const std::string text = Difference(value, found->second);
    if (!text.empty()) return absl::StrCat("variable ", name, ": ", text);
  }
  if (expected.variables.size() != actual.variables.size()) return "too many variables";
  return "";
}

}  // namespace stator::tests
