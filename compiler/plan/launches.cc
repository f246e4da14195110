#include "compiler/plan/launches.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"

namespace stator::compiler {
namespace {

using core::DimExpr;
using executable::kNone;
using mlir::Value;

DimExpr BytesMoved(core::FusionOp fusion) {
  DimExpr total = core::DimContextOf(fusion.getContext()).Constant(0);
  for (Value v : fusion.getOperands()) total = total + BytesOf(v);
  for (Value v : fusion.getResults()) total = total + BytesOf(v);
  return total;
}

}  // namespace

void Launches::AddKernels() {
  executable::ImageModel* model = &draft_.model;
  executable::ExprBuilder& exprs = draft_.exprs.builder();
  for (const CompiledKernel& compiled : kernels_.kernels) {
    executable::Kernel kernel;
    kernel.code_size = static_cast<int64_t>(compiled.code.size());
    kernel.code_offset = executable::AddCode(model, compiled.code.data(), kernel.code_size);
    kernel.num_scalars = static_cast<int32_t>(compiled.scalars.size() + compiled.phases.size());
    // Grids are passed as further scalars: the same code serves fusions that differ in their
    // symbols.
    for (size_t i = 0; i < compiled.phases.size(); ++i) {
      executable::KernelPhase phase;
      phase.entry_offset = static_cast<int64_t>(compiled.phases[i].entry_offset);
      phase.grid = exprs.Scalar(static_cast<int32_t>(compiled.scalars.size() + i));
      kernel.phases.push_back(phase);
    }
    if (compiled.scratch_bytes_per_worker > 0) {
      kernel.scratch_bytes = exprs.Const(compiled.scratch_bytes_per_worker);
    }
    model->kernels.push_back(std::move(kernel));
  }
}

absl::Status Launches::Emit(core::FusionOp fusion, executable::Block& block,
                            executable::BufferKind kind) {
  auto it = kernels_.uses.find(fusion);
  if (it == kernels_.uses.end()) {
    if (kernels_.refused.empty()) return absl::InternalError("a fusion without a kernel");
    return DefineResults(fusion, block, kind).status();
  }
  const KernelTable::Use& use = it->second;
  executable::LaunchKernel launch;
  launch.kernel = use.kernel;
  STATOR_ASSIGN_OR_RETURN(const std::vector<int32_t> results, DefineResults(fusion, block, kind));
  for (Value operand : fusion.getOperands()) launch.buffers.push_back(draft_.buffers.Use(operand));
  launch.buffers.insert(launch.buffers.end(), results.begin(), results.end());
  for (DimExpr bytes : use.workspaces) {
    launch.buffers.push_back(AddWorkspace(bytes, block, fusion.getLoc()));
  }
  // After all that was allocated: an Alloc moves the launch to a later wave.
  for (int32_t buffer : launch.buffers) draft_.buffers.Touch(buffer);
  for (Value operand : fusion.getOperands()) draft_.buffers.Use(operand);
  launch.scalars = draft_.exprs.Exprs(use.scalars);
  for (DimExpr grid : use.grids) launch.scalars.push_back(draft_.exprs.Expr(grid));
  launch.report.source_nodes = draft_.nodes.All(fusion.getLoc());
  launch.report.why = fusion.getReason().str();
  launch.report.bytes = draft_.exprs.Expr(BytesMoved(fusion));
  DescribeKernel(fusion, launch);
  const std::vector<int32_t> arguments = launch.buffers;
  draft_.waves.Add(block, std::move(launch), fusion.getLoc());
  for (size_t i = arguments.size() - use.workspaces.size(); i < arguments.size(); ++i) {
    draft_.waves.FreeIfDynamic(block, arguments[i], fusion.getLoc());
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<int32_t>> Launches::DefineResults(core::FusionOp fusion,
                                                             executable::Block& block,
                                                             executable::BufferKind kind) {
  std::vector<int32_t> results;
  for (Value result : fusion.getResults()) {
    STATOR_ASSIGN_OR_RETURN(const int32_t buffer, draft_.buffers.Define(result, kind));
    draft_.waves.AllocIfDynamic(block, buffer, fusion.getLoc(), result);
    results.push_back(buffer);
  }
  return results;
}

int32_t Launches::AddWorkspace(DimExpr bytes, executable::Block& block, mlir::Location loc) {
  const int32_t workspace = draft_.buffers.NewWorkspace(bytes);
  draft_.waves.AllocIfDynamic(block, workspace, loc);
  return workspace;
}

// The first launch of a kernel tells what the kernel is.
void Launches::DescribeKernel(core::FusionOp fusion, const executable::LaunchKernel& launch) {
  executable::Kernel& kernel = draft_.model.kernels[launch.kernel];
  if (!kernel.arguments.empty()) return;
  kernel.kind = fusion.getKind().str();
  kernel.name = absl::StrCat(kernel.kind, "_", launch.kernel);
  const size_t operands = fusion.getNumOperands();
  for (size_t i = 0; i < launch.buffers.size(); ++i) {
    executable::KernelArgument argument;
    // A workspace holds nothing when the kernel begins.
    argument.access = i < operands ? executable::Access::kRead : executable::Access::kWrite;
    for (auto [operand, result] : kernels_.kernels[launch.kernel].in_place) {
      if (i == operands + static_cast<size_t>(result) && argument.may_share == kNone) {
        argument.may_share = operand;
      }
    }
    kernel.arguments.push_back(argument);
  }
}

bool Launches::HasSymbolicScalars(core::FusionOp fusion) const {
  const auto use = kernels_.uses.find(fusion);
  if (use == kernels_.uses.end()) return true;  // its kernel was refused
  const std::vector<DimExpr>& scalars = use->second.scalars;
  return std::any_of(scalars.begin(), scalars.end(), [](DimExpr s) { return !s.IsConstant(); });
}

}  // namespace stator::compiler
