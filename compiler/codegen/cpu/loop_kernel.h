// Phases that compute tensors element by element.
#ifndef STATOR_COMPILER_CODEGEN_CPU_LOOP_KERNEL_H_
#define STATOR_COMPILER_CODEGEN_CPU_LOOP_KERNEL_H_

#include <functional>
#include <vector>

#include "absl/status/status.h"
#include "compiler/codegen/cpu/element_emitter.h"
#include "compiler/codegen/cpu/fusion_kernel.h"

namespace stator::compiler {

// A value of the body and where its elements go.
struct LoopOutput {
  mlir::Value value;
  KernelBuffer buffer;
};

// Adds one phase that computes `outputs`, which have equal dimensions.
absl::Status EmitLoopPhase(FusionKernel* kernel, const std::vector<LoopOutput>& outputs);

// What a phase does at all positions of `dims`, in vectors and in any order.
struct LoopWork {
  core::Dims dims;
  std::vector<bool> joinable;         // as JoinableDims gives it
  std::vector<mlir::Value> elements;  // what the body emits: these choose the vector length
  std::function<void(ElementEmitter*, IndexSet)> body;
};
absl::Status EmitLoopPhase(FusionKernel* kernel, const LoopWork& work);

// for the positions [from, to) of a contiguous run, in vectors of `lanes`: body(index, lanes), where
// the last call may be under a mask. from < to wherever this is reached.
void VectorLoop(ElementEmitter* emitter, Int from, Int to, int lanes,
                const std::function<void(LaneIndex)>& body);

// Computes and stores elements at `set`: all loads come before all stores, as in-place updates need.
void EmitOutputs(ElementEmitter* emitter, const std::vector<LoopOutput>& outputs, IndexSet set);

}  // namespace stator::compiler

#endif  // STATOR_COMPILER_CODEGEN_CPU_LOOP_KERNEL_H_
