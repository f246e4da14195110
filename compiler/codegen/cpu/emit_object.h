// LLVM module → object bytes with the settings that every kernel shares.
#ifndef STATOR_COMPILER_CODEGEN_CPU_EMIT_OBJECT_H_
#define STATOR_COMPILER_CODEGEN_CPU_EMIT_OBJECT_H_

#include <string>

#include "absl/status/statusor.h"
#include "compiler/codegen/cpu/target.h"

namespace llvm {
class Module;
}  // namespace llvm

namespace stator::compiler {

// CPU time of this thread: other processes do not disturb it.
double ThreadMilliseconds();

struct EmitTimings {
  double optimize_ms = 0;
  double codegen_ms = 0;
};

// Sets triple, data layout and the attributes of every function (target, nounwind, dso_local), runs
// the short pass pipeline and generates code. `passes` empty means the usual four passes.
absl::StatusOr<std::string> EmitObject(llvm::Module& module, const CpuTarget& target,
                                       const std::string& passes = "",
                                       EmitTimings* timings = nullptr);

}  // namespace stator::compiler

#endif  // STATOR_COMPILER_CODEGEN_CPU_EMIT_OBJECT_H_
