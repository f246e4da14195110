#include "compiler/codegen/compile_module.h"

#include <atomic>
#include <map>
#include <memory>
#include <thread>

#include "compiler/codegen/cpu/compile_fusion.h"
#include "compiler/codegen/cpu/kernel_module.h"
#include "compiler/dialect/node_location.h"
#include "graph/status_macros.h"
#include "mlir/IR/AttrTypeSubElements.h"

namespace stator::compiler {
namespace {

using core::DimExpr;

// The symbols of a fusion in the order of their first appearance, as FusionKey numbers them.
std::vector<const core::DimSymbol*> SymbolsOf(core::FusionOp fusion) {
  std::vector<const core::DimSymbol*> symbols;
  auto visit = [&](DimExpr expr) {
    expr.ForEachSymbol([&](const core::DimSymbol& s) {
      if (std::find(symbols.begin(), symbols.end(), &s) == symbols.end()) symbols.push_back(&s);
    });
  };
  mlir::AttrTypeWalker walker;
  walker.addWalk([&](core::DimsAttr dims) {
    for (DimExpr dim : dims.getDims()) visit(dim);
  });
  auto walk_op = [&](mlir::Operation* op) {
    for (mlir::Value operand : op->getOperands()) walker.walk(operand.getType());
    walker.walk(op->getAttrDictionary());
    for (mlir::Type type : op->getResultTypes()) walker.walk(type);
  };
  walk_op(fusion);
  for (mlir::Operation& op : fusion.getBody().front()) walk_op(&op);
  return symbols;
}

// Why there is no kernel for `fusion`; `status` says it of `compiled`, which has the same code.
NodeProblem Refusal(core::FusionOp fusion, core::FusionOp compiled, const absl::Status& status,
                    const CpuTarget& target) {
  const std::vector<core::LocatedNode> nodes = core::NodesAt(fusion.getLoc());
  NodeProblem problem{nodes.empty() ? "" : nodes[0].name, status};
  if (fusion != compiled) {
    // The message names nodes.
    problem.status = CompileFusion(fusion, target, CreateKernelContext().get()).status();
  }
  return problem;
}

}  // namespace

absl::StatusOr<KernelTable> CompileModule(mlir::ModuleOp module, const CpuTarget& target, int num_threads) {
  struct Job {
    core::FusionOp fusion;
    absl::StatusOr<CompiledKernel> result = absl::UnknownError("not compiled");
  };
  std::vector<Job> jobs;
  std::vector<core::FusionOp> fusions;
  std::vector<int32_t> kernel_of;
  std::map<std::string, int32_t> index;
  module.walk<mlir::WalkOrder::PreOrder>([&](core::FusionOp fusion) {
    auto [it, is_new] = index.try_emplace(FusionKey(fusion), static_cast<int32_t>(jobs.size()));
    if (is_new) jobs.push_back({fusion});
    fusions.push_back(fusion);
    kernel_of.push_back(it->second);
  });

  std::atomic<size_t> next{0};
  auto work = [&] {
    // Making one takes a millisecond, as much as a tenth of a kernel.
    const std::unique_ptr<mlir::MLIRContext> kernel_context = CreateKernelContext();
    for (size_t i = next++; i < jobs.size(); i = next++) {
      jobs[i].result = CompileFusion(jobs[i].fusion, target, kernel_context.get());
    }
  };
  std::vector<std::thread> threads;
  for (int t = 1; t < num_threads && t < static_cast<int>(jobs.size()); ++t) threads.emplace_back(work);
  work();
  for (std::thread& thread : threads) thread.join();

  KernelTable table;
  std::vector<int32_t> number;  // of each job's kernel
  for (Job& job : jobs) {
    number.push_back(static_cast<int32_t>(table.kernels.size()));
    if (job.result.ok()) table.kernels.push_back(*std::move(job.result));
  }
  for (size_t i = 0; i < fusions.size(); ++i) {
    const Job& job = jobs[kernel_of[i]];
    if (!job.result.ok()) {
      table.refused.push_back(Refusal(fusions[i], job.fusion, job.result.status(), target));
      continue;
    }
    const CompiledKernel& kernel = table.kernels[number[kernel_of[i]]];
    std::vector<const core::DimSymbol*> from = SymbolsOf(job.fusion), to = SymbolsOf(fusions[i]);
    if (from.size() != to.size()) return absl::InternalError("fusions with equal keys differ in their symbols");
    llvm::DenseMap<const core::DimSymbol*, DimExpr> rename;
    core::DimContext& dims = core::DimContextOf(module.getContext());
    for (size_t s = 0; s < from.size(); ++s) rename[from[s]] = dims.Expr(to[s]);
    KernelTable::Use use;
    use.kernel = number[kernel_of[i]];
    for (DimExpr scalar : kernel.scalars) use.scalars.push_back(scalar.Substitute(rename));
    for (DimExpr bytes : kernel.workspaces) use.workspaces.push_back(bytes.Substitute(rename));
    for (const KernelPhase& phase : kernel.phases) use.grids.push_back(phase.grid.Substitute(rename));
    table.uses[fusions[i]] = std::move(use);
  }
  return table;
}

}  // namespace stator::compiler
