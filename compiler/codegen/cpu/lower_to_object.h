// Kernel module (func, scf, arith, cf, math, vector, LLVM pointers) → object code.
#ifndef STATOR_COMPILER_CODEGEN_CPU_LOWER_TO_OBJECT_H_
#define STATOR_COMPILER_CODEGEN_CPU_LOWER_TO_OBJECT_H_

#include <string>

#include "absl/status/statusor.h"
#include "compiler/codegen/cpu/target.h"
#include "mlir/IR/BuiltinOps.h"

namespace stator::compiler {

// CPU time of the calling thread.
struct LowerTimings {
  double convert_ms = 0;    // to the LLVM dialect
  double translate_ms = 0;  // to LLVM IR
  double optimize_ms = 0;
  double codegen_ms = 0;
};

struct LowerOptions {
  std::string llvm_passes;          // empty: the usual four
  LowerTimings* timings = nullptr;  // filled when given
  std::string* llvm_ir = nullptr;   // the unoptimized IR as text, for debugging
};

// Consumes the module's contents (it is in the LLVM dialect afterwards). Exact about numbers:
//  - no fast-math, mul and add are never contracted to fma;
//  - conversions to bf16 (from f32, f64) and f64 → f16 are expanded to integer arithmetic that
//    rounds once, to nearest even, and keeps subnormals; NaNs stay NaNs;
// Internal with the diagnostics when an op cannot be lowered. Runs in the calling thread; modules
// in different contexts may be lowered in parallel.
absl::StatusOr<std::string> LowerToObject(mlir::ModuleOp module, const CpuTarget& target,
                                          const LowerOptions& options = {});

}  // namespace stator::compiler

#endif  // STATOR_COMPILER_CODEGEN_CPU_LOWER_TO_OBJECT_H_
