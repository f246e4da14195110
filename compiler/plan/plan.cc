#include "compiler/plan/plan.h"

#include "compiler/plan/block_emitter.h"
#include "compiler/plan/entry_ports.h"
#include "compiler/plan/in_place.h"
#include "compiler/plan/init_section.h"
#include "compiler/plan/launches.h"
#include "compiler/plan/lifetimes.h"
#include "compiler/plan/plan_draft.h"
#include "graph/status_macros.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace stator::compiler {

namespace {

absl::Status EmitProgram(mlir::ModuleOp module, const KernelTable& kernels,
                         const PlanOptions& options, PlanDraft* draft) {
  auto main = module.lookupSymbol<mlir::func::FuncOp>("main");
  if (!main) return absl::InternalError("the module has no function @main");
  mlir::Block& body = main.front();
  draft->entry.name = "main";

  Launches launches(kernels, draft);
  launches.AddKernels();
  EntryPorts ports(draft);
  STATOR_RETURN_IF_ERROR(ports.AddFeeds(main));
  ports.AddVariables(module);
  STATOR_RETURN_IF_ERROR(ports.AddVariableWrites(body));
  STATOR_RETURN_IF_ERROR(ports.AddFetches(main));

  llvm::DenseSet<mlir::Operation*> in_init;
  if (options.init_section) {
    STATOR_ASSIGN_OR_RETURN(in_init, EmitInitSection(body, &ports, &launches, draft));
  }
  BlockEmitter emitter(draft, &ports, &launches);
  executable::Block block;
  block.name = "main";
  STATOR_RETURN_IF_ERROR(emitter.Emit(body, block, in_init));
  // What was refused has left the program with holes.
  if (!draft->nodes.refused().empty()) return draft->nodes.refused().front().status;
  ports.FinishFetches(body.getTerminator(), block);
  draft->entry.main_block = draft->waves.AddBlock(std::move(block));
  draft->model.entry_points.push_back(std::move(draft->entry));

  ExtendLifetimes(emitter.loops(), &draft->model);
  if (options.in_place) ShareDyingInputs(&draft->model);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<executable::ImageModel> BuildPlan(mlir::ModuleOp module, const KernelTable& kernels,
                                                 const PlanOptions& options,
                                                 std::vector<NodeProblem>* refused) {
  PlanDraft draft;
  const absl::Status status = EmitProgram(module, kernels, options, &draft);
  if (status.ok()) return std::move(draft.model);
  const std::vector<NodeProblem>& problems = draft.nodes.refused();
  if (refused != nullptr) {
    *refused = problems;
    // What nothing could go on behind.
    if (problems.empty() || problems.front().status != status) refused->push_back({"", status});
  }
  return problems.empty() ? status : problems.front().status;
}

}  // namespace stator::compiler
