// What code generation makes of one fusion: machine code, and what the plan needs to launch it.
#ifndef STATOR_COMPILER_CODEGEN_KERNEL_H_
#define STATOR_COMPILER_CODEGEN_KERNEL_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "compiler/dialect/dim_expr.h"

namespace stator::compiler {

// One entry point. All tiles of a phase finish before the next phase begins.
struct KernelPhase {
  uint64_t entry_offset = 0;  // bytes from the start of the code
  core::DimExpr grid;         // number of tiles
};

// The frame's buffer list is: the fusion's operands, its results, then the workspaces.
struct CompiledKernel {
  std::vector<uint8_t> code;
  uint64_t alignment = 64;
  std::vector<KernelPhase> phases;
  std::vector<core::DimExpr> scalars;     // the frame's scalars, in this order
  std::vector<core::DimExpr> workspaces;  // bytes; contents live from the first to the last phase
  int64_t scratch_bytes_per_worker = 0;
  // (operand, result) pairs that may be the same memory; all other buffers must be disjoint.
  std::vector<std::pair<int, int>> in_place;
  std::string ir;  // the kernel before lowering, if asked for
};

struct CodegenOptions {
  bool keep_ir = false;
  std::string llvm_passes;  // empty: the usual ones
};

}  // namespace stator::compiler

#endif  // STATOR_COMPILER_CODEGEN_KERNEL_H_
