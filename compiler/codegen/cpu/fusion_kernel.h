// The state of compiling one fusion: its kernel module, buffers, scalars and phases.
#ifndef STATOR_COMPILER_CODEGEN_CPU_FUSION_KERNEL_H_
#define STATOR_COMPILER_CODEGEN_CPU_FUSION_KERNEL_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "compiler/codegen/cpu/int_math.h"
#include "compiler/codegen/cpu/kernel_module.h"
#include "compiler/codegen/cpu/target.h"
#include "compiler/codegen/kernel.h"
#include "compiler/dialect/core_dialect.h"
#include "llvm/ADT/DenseMap.h"

namespace stator::compiler {

// A tensor in memory: dense, row-major.
struct KernelBuffer {
  int number = 0;  // in the frame's list, or KernelModule::kScratch
  core::Dims dims;
  mlir::Type element;  // of the core dialect
};

class FusionKernel {
 public:
  static constexpr int kMaxWorkspaces = 16;

  FusionKernel(core::FusionOp fusion, const CpuTarget& target, const CodegenOptions& options,
               mlir::MLIRContext* kernel_context, std::vector<std::pair<int, int>> in_place);

  core::FusionOp fusion() { return fusion_; }
  mlir::Block& body() { return fusion_.getBody().front(); }
  // What the body returns, by result.
  mlir::Value Returned(int result) { return body().getTerminator()->getOperand(result); }
  const CpuTarget& target() const { return target_; }
  mlir::MLIRContext* context() { return context_; }
  core::DimContext& dims() { return core::DimContextOf(fusion_.getContext()); }
  ScalarTable& scalars() { return scalars_; }
  KernelModule& module() { return module_; }

  // Where a value of the body is in memory: the block arguments, and what earlier phases stored.
  const KernelBuffer* BufferOf(mlir::Value value) const;
  void SetBuffer(mlir::Value value, KernelBuffer buffer) { buffers_[value] = std::move(buffer); }
  KernelBuffer Result(int result);
  KernelBuffer AddWorkspace(llvm::ArrayRef<core::DimExpr> dims, mlir::Type element);
  // Memory for all of a value that the body computes: the first result that returns it, else a
  // workspace. SetBuffer it once it is filled.
  KernelBuffer Materialize(mlir::Value value);
  // Whether a phase may write the buffer: then loads keep their places.
  bool IsConstantMemory(int buffer) const;

  // Bytes at this offset of every worker's scratch.
  int64_t ReserveScratch(int64_t bytes);

  // The next phase to be built has this grid.
  void AddGrid(core::DimExpr grid) { grids_.push_back(grid); }

  // Lowers, links. Call once, after all phases are built.
  absl::StatusOr<CompiledKernel> Finish();

 private:
  core::FusionOp fusion_;
  int operand_count_;
  CpuTarget target_;
  CodegenOptions options_;
  mlir::MLIRContext* context_;
  std::vector<std::pair<int, int>> in_place_;
  KernelModule module_;
  ScalarTable scalars_;
  llvm::DenseMap<mlir::Value, KernelBuffer> buffers_;
  std::vector<core::DimExpr> workspaces_;
  std::vector<core::DimExpr> grids_;
  int64_t scratch_bytes_ = 0;
};

}  // namespace stator::compiler

#endif  // STATOR_COMPILER_CODEGEN_CPU_FUSION_KERNEL_H_
