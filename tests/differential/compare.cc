#include "tests/differential/compare.h"

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "compiler/pipeline.h"
#include "compiler/reference/interpreter.h"
#include "executable/image_builder.h"
#include "graph/status_macros.h"
#include "mlir/IR/MLIRContext.h"
#include "runtime/core/executable.h"
#include "runtime/core/runner.h"

namespace stator::tests {
namespace {

using compiler::PipelineOptions;

struct Outcome {
  absl::Status status;
  std::vector<Tensor> fetches;
  std::map<std::string, Tensor> variables;
};

// One compiled form of the program.
struct Way {
  std::string name;
  PipelineOptions pipeline;
  const RunInput* concrete = nullptr;
};

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

Outcome Execute(const std::shared_ptr<runtime::Executable>& executable, const RunInput& input,
                runtime::ThreadPool* pool) {
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
  if (outcome.status.ok()) {
    for (const runtime::Tensor& fetch : fetches) outcome.fetches.push_back(FromRuntime(fetch));
  }
  for (const executable::VariableSpec& variable : store.Specs()) {
    outcome.variables[variable.name] = FromRuntime(*store.Read(variable.name));
  }
  return outcome;
}

// The interpreter has no gradients: it takes a program that asks for them once they are derived.
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

std::string Difference(const Outcome& expected, const Outcome& actual) {
  if (expected.status.code() != actual.status.code()) {
    return absl::StrCat("expected ", expected.status.ToString(), ", found ",
                        actual.status.ToString());
  }
  if (expected.fetches.size() != actual.fetches.size()) return "number of fetches";
  for (size_t i = 0; i < expected.fetches.size(); ++i) {
    std::string text = tests::Difference(expected.fetches[i], actual.fetches[i]);
    if (!text.empty()) return absl::StrCat("fetch ", i, ": ", text);
  }
  for (const auto& [name, value] : expected.variables) {
    auto found = actual.variables.find(name);
    if (found == actual.variables.end())
      return absl::StrCat("variable ", name, " is not initialized");
    std::string text = tests::Difference(value, found->second);
    if (!text.empty()) return absl::StrCat("variable ", name, ": ", text);
  }
  if (expected.variables.size() != actual.variables.size()) return "too many variables";
  return "";
}

// Compiles one way and interprets the module that the stages left.
absl::StatusOr<std::shared_ptr<runtime::Executable>> Compile(
    const Program& program, const Way& way, const std::vector<const RunInput*>& runs,
    std::vector<Outcome>* after_stages) {
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  STATOR_ASSIGN_OR_RETURN(auto module, program.make(context, way.concrete));
  STATOR_RETURN_IF_ERROR(compiler::RunCoreStages(*module, way.pipeline));
  for (const RunInput* run : runs) after_stages->push_back(Interpret(*module, *run));
  STATOR_ASSIGN_OR_RETURN(executable::ImageModel model,
                          compiler::GenerateImage(*module, way.pipeline));
  const std::vector<uint8_t> bytes = executable::Serialize(model);
  runtime::LoadOptions load;
  load.check_plans = true;
  auto executable = runtime::Executable::Load(bytes.data(), bytes.size(), load);
  if (!executable.ok()) return ToAbsl(executable.status());
  return std::move(executable).value();
}

std::string CompareWay(const Program& program, const Way& way,
                       const std::vector<const RunInput*>& runs,
                       const std::vector<const Outcome*>& expected) {
  static auto* const one = new runtime::ThreadPool(1);
  static auto* const two = new runtime::ThreadPool(2);
  std::vector<Outcome> after_stages;
  auto executable = Compile(program, way, runs, &after_stages);
  for (size_t i = 0; i < after_stages.size(); ++i) {
    std::string text = Difference(*expected[i], after_stages[i]);
    if (!text.empty()) return absl::StrCat(runs[i]->name, ", stages change the result: ", text);
  }
  if (!executable.ok()) return executable.status().ToString();
  for (size_t i = 0; i < runs.size(); ++i) {
    for (runtime::ThreadPool* pool : {one, two}) {
      std::string text = Difference(*expected[i], Execute(*executable, *runs[i], pool));
      if (!text.empty()) return absl::StrCat(runs[i]->name, ", ", pool->size(), " threads: ", text);
    }
  }
  return "";
}

}  // namespace

testing::AssertionResult SameInEveryWay(const Program& program, const CompareOptions& options) {
  std::vector<Outcome> expected;
  {
    mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
    auto module = program.make(context, nullptr);
    if (!module.ok()) return testing::AssertionFailure() << module.status().ToString();
    if (absl::Status status = Differentiate(**module); !status.ok()) {
      return testing::AssertionFailure() << status.ToString();
    }
    for (const RunInput& run : program.runs) {
      expected.push_back(Interpret(**module, run));
      if (!options.may_fail && !expected.back().status.ok()) {
        return testing::AssertionFailure() << run.name << ": " << expected.back().status.ToString();
      }
    }
  }
  PipelineOptions fused, unfused, avx2;
  unfused.fuse = false;
  unfused.in_place = false;
  avx2.cpu = "x86-64-v3";
  std::vector<Way> ways{{"fused", fused}};
  if (options.unfused) ways.push_back({"unfused", unfused});
  if (options.avx2) ways.push_back({"AVX2", avx2});
  for (Way& way : ways) way.pipeline.num_threads = 1;
  for (const Way& way : ways) {
    std::vector<const RunInput*> runs;
    std::vector<const Outcome*> outcomes;
    for (size_t i = 0; i < program.runs.size(); ++i) {
      runs.push_back(&program.runs[i]);
      outcomes.push_back(&expected[i]);
    }
    std::string text = CompareWay(program, way, runs, outcomes);
    if (!text.empty()) return testing::AssertionFailure() << way.name << ": " << text;
  }
  for (size_t i = 0; i < program.runs.size() && static_cast<int>(i) < options.concrete_runs; ++i) {
    Way way{"concrete sizes", fused, &program.runs[i]};
    std::string text = CompareWay(program, way, {&program.runs[i]}, {&expected[i]});
    if (!text.empty()) return testing::AssertionFailure() << way.name << ": " << text;
  }
  return testing::AssertionSuccess();
}

}  // namespace stator::tests
