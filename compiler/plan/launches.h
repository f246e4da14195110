#ifndef STATOR_COMPILER_PLAN_LAUNCHES_H_
#define STATOR_COMPILER_PLAN_LAUNCHES_H_

#include <vector>

#include "compiler/plan/kernel_table.h"
#include "compiler/plan/plan_draft.h"

namespace stator::compiler {

// Puts kernels into the image, and fusions into blocks as their launches.
class Launches {
 public:
  // Both outlive it.
  Launches(const KernelTable& kernels, PlanDraft* draft) : kernels_(kernels), draft_(*draft) {}

  void AddKernels();
  // Results go into buffers of `kind`, unless they are reserved.
  absl::Status Emit(core::FusionOp fusion, executable::Block& block, executable::BufferKind kind);
  // Whether its kernel is told sizes that only a run knows.
  bool HasSymbolicScalars(core::FusionOp fusion) const;

 private:
  absl::StatusOr<std::vector<int32_t>> DefineResults(core::FusionOp fusion,
                                                     executable::Block& block,
                                                     executable::BufferKind kind);
  int32_t AddWorkspace(core::DimExpr bytes, executable::Block& block, mlir::Location loc);
  void DescribeKernel(core::FusionOp fusion, const executable::LaunchKernel& launch);

  const KernelTable& kernels_;
  PlanDraft& draft_;
};

}  // namespace stator::compiler

#endif  // STATOR_COMPILER_PLAN_LAUNCHES_H_
