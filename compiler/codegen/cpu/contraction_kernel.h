// Emits the phases of an affine contraction (see contraction_spec.h) into a kernel module.
#ifndef STATOR_COMPILER_CODEGEN_CPU_CONTRACTION_KERNEL_H_
#define STATOR_COMPILER_CODEGEN_CPU_CONTRACTION_KERNEL_H_

#include <functional>
#include <vector>

#include "absl/status/status.h"
#include "compiler/codegen/cpu/contraction_spec.h"
#include "compiler/codegen/cpu/kernel_module.h"

namespace stator::compiler {

// Where a vector of results belongs.
struct OutputPosition {
  // i64, of the first lane: one per dimension of the spec's batch, m and n lists as the caller gave
  // them (unit dims and all). Empty unless the spec says needs_indices.
  std::vector<mlir::Value> indices;
  // The one that grows by 1 from lane to lane.
  int vector_dim = 0;
  // 1 (then values are scalars) or plan.store_lanes. There are no masks.
  int lanes = 1;
  // i64 element offset by the spec's out strides and out_offset; lanes are contiguous.
  mlir::Value out_offset;
};

// Called while the builder stands where the code belongs; usually twice per kernel (vectors, and
// scalars for what is left of a row). Values are of the accumulator's type.
struct ContractionCallbacks {
  // Optional: what is computed from the sums, elementwise. May return another element type if
  // `store` handles it.
  std::function<mlir::Value(PhaseBuilder&, mlir::Value, const OutputPosition&)> epilogue;
  // Optional: instead of converting to the spec's out_type and storing at out_offset.
  std::function<void(PhaseBuilder&, mlir::Value, const OutputPosition&)> store;
  // Optional: makes the builder of phase 0, 1, …, which must live until EmitContraction returns.
  std::function<PhaseBuilder*(int phase)> add_phase;
};

// Workspace buffers' numbers in the frame; -1 where the plan does not need one.
struct ContractionWorkspace {
  int packed_buffer = -1;
  int partial_buffer = -1;
};

// Adds plan.grids.size() phases to `kernel`, whose signature must have the spec's buffers, the
// workspace buffers and the scalars. Phases run in order with a barrier between; in each, tiles may
// be split in any way among workers with plan.scratch_bytes of scratch each.
absl::Status EmitContraction(const ContractionPlan& plan, const ContractionSpec& spec,
                             const ContractionWorkspace& workspace,
                             const ContractionCallbacks& callbacks, KernelModule* kernel);

}  // namespace stator::compiler

#endif  // STATOR_COMPILER_CODEGEN_CPU_CONTRACTION_KERNEL_H_
