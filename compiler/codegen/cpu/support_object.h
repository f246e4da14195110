// The functions that LLVM's code generation calls by itself, as an object to link into a blob.
#ifndef STATOR_COMPILER_CODEGEN_CPU_SUPPORT_OBJECT_H_
#define STATOR_COMPILER_CODEGEN_CPU_SUPPORT_OBJECT_H_

#include <string>

#include "absl/status/statusor.h"
#include "compiler/codegen/cpu/target.h"

namespace stator::compiler {

// Is `symbol` one that the support object defines (memcpy, memmove, memset)?
bool IsSupportSymbol(const std::string& symbol);

// The object for `target`; compiled once per process and target. Thread-safe. The reference stays
// valid until the process ends.
absl::StatusOr<const std::string*> SupportObject(const CpuTarget& target);

}  // namespace stator::compiler

#endif  // STATOR_COMPILER_CODEGEN_CPU_SUPPORT_OBJECT_H_
