#ifndef STATOR_COMPILER_CODEGEN_CPU_BFLOAT_AS_INTEGER_H_
#define STATOR_COMPILER_CODEGEN_CPU_BFLOAT_AS_INTEGER_H_

#include "absl/status/status.h"

namespace llvm {
class Module;
}  // namespace llvm

namespace stator::compiler {

// Lets every bf16 value of the module be an i16. Kernels only move bf16 (their arithmetic is in
// f32), but LLVM 19 for x86 carries a bf16 from one basic block to another as an f32: it converts
// with a library call, or with an instruction that flushes subnormals. Internal if a bf16 is used
// for more than movement.
absl::Status ReplaceBfloatByInteger(llvm::Module& module);

}  // namespace stator::compiler

#endif  // STATOR_COMPILER_CODEGEN_CPU_BFLOAT_AS_INTEGER_H_
