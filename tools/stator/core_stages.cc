#include "tools/stator/core_stages.h"

#include <algorithm>
#include <functional>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "compiler/dialect/core_dialect.h"
#include "compiler/import/importer.h"
#include "compiler/import/op_set.h"
#include "compiler/pipeline.h"
#include "compiler/reference/interpreter.h"
#include "graph/status_macros.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "ops/register_all.h"
#include "runtime/session/status.h"
#include "tools/stator/usage.h"

namespace stator::tools {
namespace {

using compiler::Stage;
using Module = mlir::OwningOpRef<mlir::ModuleOp>;

constexpr uint64_t kSeed = 1;  // reading a graph twice gives the same text

std::string Print(mlir::ModuleOp module, bool locations) {
  std::string text;
  llvm::raw_string_ostream out(text);
  mlir::OpPrintingFlags flags;
  if (locations) flags.enableDebugInfo(true, /*prettyForm=*/false);
  module.print(out, flags);
  return text;
}

absl::StatusOr<std::vector<Stage>> Select(const StageSelection& selection) {
  const std::vector<Stage> all = compiler::CoreStages({});
  const auto find = [&](const std::string& name) -> absl::StatusOr<size_t> {
    for (size_t i = 0; i < all.size(); ++i) {
      if (all[i].name == name) return i;
    }
    return UsageError(absl::StrCat("there is no stage '", name, "'; there are ",
                                   absl::StrJoin(StageNames(), ", ")));
  };
  std::vector<Stage> out;
  for (const std::string& name : selection.stages) {
    STATOR_ASSIGN_OR_RETURN(const size_t i, find(name));
    out.push_back(all[i]);
  }
  if (!selection.stages.empty() || selection.until == "import") return out;
  size_t end = all.size();
  if (!selection.until.empty()) {
    STATOR_ASSIGN_OR_RETURN(const size_t last, find(selection.until));
    end = last + 1;
  }
  out.assign(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(end));
  return out;
}

absl::Status RunOne(const Stage& stage, mlir::ModuleOp module) {
  const compiler::DiagnosticCollector diagnostics(module.getContext());
  STATOR_RETURN_IF_ERROR(stage.run(module));
  if (mlir::succeeded(mlir::verify(module))) return absl::OkStatus();
  return diagnostics.Error(absl::StrCat("after stage ", stage.name));
}

absl::StatusOr<std::string> RunOn(mlir::ModuleOp module, const StageSelection& selection) {
  STATOR_ASSIGN_OR_RETURN(const std::vector<Stage> stages, Select(selection));
  std::string text;
  if (selection.print_each) {
    text += absl::StrCat("// ----- before\n", Print(module, selection.locations));
  }
  for (const Stage& stage : stages) {
    STATOR_RETURN_IF_ERROR(RunOne(stage, module));
    if (!selection.print_each) continue;
    text += absl::StrCat("// ----- after ", stage.name, "\n", Print(module, selection.locations));
  }
  return selection.print_each ? text : Print(module, selection.locations);
}

absl::StatusOr<runtime::Tensor> ToRuntime(const compiler::reference::Value& value,
                                          const std::string& name) {
  const auto* tensor = std::get_if<compiler::reference::Tensor>(&value);
  if (tensor == nullptr) return absl::UnimplementedError(absl::StrCat(name, " is not a tensor"));
  return runtime::ToAbsl(runtime::Tensor::FromBytes(tensor->dtype(), tensor->dims(), tensor->data(),
                                                    tensor->num_bytes()));
}

}  // namespace

std::vector<std::string> StageNames() {
  std::vector<std::string> names;
  for (const Stage& stage : compiler::CoreStages({})) names.push_back(stage.name);
  return names;
}

absl::StatusOr<std::string> RunStages(const std::string& text, const StageSelection& selection) {
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  context.loadDialect<core::CoreDialect, mlir::func::FuncDialect>();
  const compiler::DiagnosticCollector diagnostics(&context);
  Module module = mlir::parseSourceString<mlir::ModuleOp>(text, &context);
  if (!module) {
    return absl::InvalidArgumentError(diagnostics.Error("this is not the core dialect").message());
  }
  return RunOn(*module, selection);
}

absl::StatusOr<std::string> RunStages(const graph::Graph& graph,
                                      const executable::CompileRequest& request,
                                      const StageSelection& selection) {
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  STATOR_ASSIGN_OR_RETURN(Module module,
                          compiler::ImportGraph(graph, ops::AllOps(), request, kSeed, &context));
  return RunOn(*module, selection);
}

absl::StatusOr<std::vector<uint8_t>> CompileImage(const graph::Graph& graph,
                                                  const executable::CompileRequest& request) {
  compiler::GraphCompiler compiler(&graph, &ops::AllOps(), kSeed);
  STATOR_ASSIGN_OR_RETURN(executable::CompiledImage image,
                          runtime::ToAbsl(compiler.Compile(request)));
  return std::move(image.bytes);
}

absl::StatusOr<std::vector<runtime::Tensor>> RunReference(
    const graph::Graph& graph, const executable::CompileRequest& request,
    const std::vector<runtime::Tensor>& feeds) {
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  STATOR_ASSIGN_OR_RETURN(Module module,
                          compiler::ImportGraph(graph, ops::AllOps(), request, kSeed, &context));
  const std::set<std::string> meaning = {"promote-variables", "differentiate", "inline-composites",
                                         "make-padding-explicit", "fix-sum-order"};
  for (const Stage& stage : compiler::CoreStages({})) {
    if (meaning.count(stage.name) > 0) STATOR_RETURN_IF_ERROR(RunOne(stage, *module));
  }
  std::vector<compiler::reference::Value> arguments;
  for (const runtime::Tensor& feed : feeds) {
    arguments.push_back(compiler::reference::MakeTensor(feed.dtype(), feed.dims(), feed.raw()));
  }
  compiler::reference::Variables variables;
  STATOR_ASSIGN_OR_RETURN(
      const std::vector<compiler::reference::Value> results,
      compiler::reference::Run(module->lookupSymbol("main"), std::move(arguments), variables));
  if (results.size() != request.fetches.size()) {
    return absl::InternalError("the module's results are not the fetches");
  }
  std::vector<runtime::Tensor> out;
  for (size_t i = 0; i < results.size(); ++i) {
    STATOR_ASSIGN_OR_RETURN(runtime::Tensor tensor, ToRuntime(results[i], request.fetches[i]));
    out.push_back(std::move(tensor));
  }
  return out;
}

}  // namespace stator::tools
