// Fusions with dot_general and convolution.
#ifndef STATOR_COMPILER_CODEGEN_CPU_CONTRACTION_FUSION_H_
#define STATOR_COMPILER_CODEGEN_CPU_CONTRACTION_FUSION_H_

#include "absl/status/statusor.h"
#include "compiler/codegen/cpu/fusion_kernel.h"

namespace stator::compiler {

// Adds the phases that compute the body's contractions. The last one's elementwise consumers are
// computed while its sums are at hand; then this writes all results of the fusion and returns true.
// Otherwise the contractions are in workspaces (BufferOf), and the results are the caller's work:
// so it is when there is no contraction at all, and when a consumer reads it at other positions.
// Contractions that are computed element by element (see element_emitter_contraction.cc) are left
// to the caller, too.
absl::StatusOr<bool> EmitContractions(FusionKernel* kernel);

}  // namespace stator::compiler

#endif  // STATOR_COMPILER_CODEGEN_CPU_CONTRACTION_FUSION_H_
