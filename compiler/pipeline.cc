#include "compiler/pipeline.h"

#include <chrono>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "compiler/autodiff/differentiate.h"
#include "compiler/codegen/compile_module.h"
#include "compiler/import/importer.h"
#include "compiler/passes/early_host_calls/early_host_calls.h"
#include "compiler/passes/fix_sum_order/fix_sum_order.h"
#include "compiler/passes/fuse/fuse.h"
#include "compiler/passes/loop_invariants/loop_invariants.h"
#include "compiler/passes/pack_weights/pack_weights.h"
#include "compiler/passes/promote_variables/promote_variables.h"
#include "compiler/passes/simplify/simplify.h"
#include "compiler/passes/symbol_lives/symbol_lives.h"
#include "compiler/plan/plan.h"
#include "executable/image_builder.h"
#include "executable/verifier.h"
#include "graph/status_macros.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Verifier.h"

namespace stator::compiler {
namespace {

absl::Status RunSimplify(mlir::ModuleOp module) {
  return mlir::succeeded(Simplify(module)) ? absl::OkStatus() : absl::InternalError("simplify failed");
}

// A stage that cannot fail.
Stage Sure(std::string name, std::function<void(mlir::ModuleOp)> pass) {
  return {std::move(name), [pass = std::move(pass)](mlir::ModuleOp module) {
            pass(module);
            return absl::OkStatus();
          }};
}

}  // namespace

std::vector<Stage> ProgramStages() {
  return {
      // For modules that come from text.
      Sure("settle-symbol-lives", SettleSymbolLives),
      // Variables become values, so that everything below sees pure data flow.
      {"promote-variables", PromoteVariables},
      // What loops carry unchanged needs no copy per iteration.
      Sure("capture-loop-invariants", CaptureLoopInvariants),
      // Gradients while composites still stand: they override what would be derived.
      {"differentiate", Differentiate},
      Sure("inline-composites", InlineComposites),
      {"simplify", RunSimplify},
      // Adds pads, whose constants the next stage shares.
      Sure("make-padding-explicit", MakePaddingExplicit),
      {"simplify-padding", RunSimplify},
      // The program's sums are final: from here on nothing may change a bit.
      Sure("fix-sum-order", FixSumOrder),
  };
}

std::vector<Stage> KernelStages(const PipelineOptions& options) {
  const FuseOptions fuse{options.fuse};
  const PackOptions pack = options.pack;
  return {
      // Fusion and code generation know the form; to all others it is a constant and two ops.
      Sure("pack-weights", [pack](mlir::ModuleOp module) { PackWeights(module, pack); }),
      Sure("fuse", [fuse](mlir::ModuleOp module) { Fuse(module, fuse); }),
      // What goes on beside the run starts as soon as its kernels are done.
      Sure("move-host-calls-early", MoveHostCallsEarly),
  };
}

std::vector<Stage> CoreStages(const PipelineOptions& options) {
  std::vector<Stage> stages = ProgramStages();
  for (Stage& stage : KernelStages(options)) stages.push_back(std::move(stage));
  return stages;
}

absl::Status RunStages(mlir::ModuleOp module, const std::vector<Stage>& stages,
                       const std::function<void(const Stage&, mlir::ModuleOp)>& after) {
  DiagnosticCollector diagnostics(module.getContext());
  for (const Stage& stage : stages) {
    STATOR_RETURN_IF_ERROR(stage.run(module));
    if (mlir::failed(mlir::verify(module))) return diagnostics.Error(absl::StrCat("after stage ", stage.name));
    if (after) after(stage, module);
  }
  return absl::OkStatus();
}

absl::Status RunCoreStages(mlir::ModuleOp module, const PipelineOptions& options) {
  return RunStages(module, CoreStages(options));
}

absl::StatusOr<executable::ImageModel> GenerateImage(mlir::ModuleOp module, const PipelineOptions& options,
                                                     std::vector<NodeProblem>* refused) {
  STATOR_ASSIGN_OR_RETURN(CpuTarget target, CpuTarget::FromName(options.cpu));
  int threads = options.num_threads;
  if (threads <= 0) threads = static_cast<int>(std::thread::hardware_concurrency());
  STATOR_ASSIGN_OR_RETURN(KernelTable kernels, CompileModule(module, target, threads));
  if (refused == nullptr && !kernels.refused.empty()) return kernels.refused.front().status;
  absl::StatusOr<executable::ImageModel> plan =
      BuildPlan(module, kernels, PlanOptions{options.in_place}, refused);
  if (!kernels.refused.empty()) {
    refused->insert(refused->begin(), kernels.refused.begin(), kernels.refused.end());
    return kernels.refused.front().status;
  }
  STATOR_ASSIGN_OR_RETURN(executable::ImageModel model, std::move(plan));
  model.producer = "stator 0.1";
  model.target.name = options.cpu;
  model.target.vector_bytes = target.vector_bits() / 8;
  model.target.arch = target.arch();
  model.target.features = target.required_features();
  return model;
}

GraphCompiler::GraphCompiler(const graph::Graph* graph, const OpSet* ops, uint64_t seed, PipelineOptions options)
    : graph_(graph), ops_(ops), seed_(seed), options_(std::move(options)) {}

executable::Result<executable::CompiledImage> GraphCompiler::Compile(const executable::CompileRequest& request) {
  executable::CompiledImage compiled;
  auto last = std::chrono::steady_clock::now();
  auto stamp = [&](const std::string& stage) {
    auto now = std::chrono::steady_clock::now();
    compiled.stage_ns.push_back({stage, std::chrono::duration_cast<std::chrono::nanoseconds>(now - last).count()});
    last = now;
  };
  PipelineOptions options = options_;
  if (!request.options.cpu.empty()) options.cpu = request.options.cpu;
  if (request.options.num_threads > 0) options.num_threads = request.options.num_threads;
  auto compile = [&]() -> absl::Status {
    // One context per compile: constants and types die with it.
    mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
    STATOR_ASSIGN_OR_RETURN(mlir::OwningOpRef<mlir::ModuleOp> module,
                            ImportGraph(*graph_, *ops_, request, seed_, &context));
    stamp("import");
    STATOR_RETURN_IF_ERROR(
        RunStages(*module, CoreStages(options), [&](const Stage& stage, mlir::ModuleOp) { stamp(stage.name); }));
    STATOR_ASSIGN_OR_RETURN(executable::ImageModel model, GenerateImage(*module, options));
    for (const std::string& target : request.targets) model.entry_points[0].targets.push_back(target);
    for (const executable::SymbolFact& fact : request.facts) model.entry_points[0].facts.push_back(fact.ToString());
    stamp("code");
    compiled.bytes = executable::Serialize(model);
    stamp("serialize");
    return absl::OkStatus();
  };
  if (absl::Status status = compile(); !status.ok()) {
    // The canonical codes have the same numbers on both sides.
    return executable::Status(static_cast<executable::Code>(status.code()), std::string(status.message()));
  }
  return compiled;
}

DiagnosticCollector::DiagnosticCollector(mlir::MLIRContext* context) : context_(context) {
  handler_ = context->getDiagEngine().registerHandler([this](mlir::Diagnostic& diagnostic) {
    if (diagnostic.getSeverity() != mlir::DiagnosticSeverity::Error || !first_error_.empty()) return;
    llvm::raw_string_ostream(first_error_) << diagnostic.getLocation() << ": " << diagnostic;
  });
}
DiagnosticCollector::~DiagnosticCollector() { context_->getDiagEngine().eraseHandler(handler_); }

absl::Status DiagnosticCollector::Error(absl::string_view what) const {
  return absl::InternalError(absl::StrCat(what, ": ", first_error_.empty() ? "no diagnostic" : first_error_));
}

}  // namespace stator::compiler
