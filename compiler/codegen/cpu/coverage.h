// Which primitives of the core dialect become CPU code, for which element types.
#ifndef STATOR_COMPILER_CODEGEN_CPU_COVERAGE_H_
#define STATOR_COMPILER_CODEGEN_CPU_COVERAGE_H_

#include <string>
#include <string_view>
#include <vector>

namespace stator::compiler {

// All element types that kernels have, spelled as in the core dialect: "i1", "f32", "ui8", …
const std::vector<std::string_view>& KernelElements();

// Every primitive that code generation is for, in the order of the documentation.
std::vector<std::string_view> KernelPrimitives();

// Whether "add", … of this element type is lowered. The type is that of the first operand; of
// `select`, the second; of an op without operands and of rng_bits, the result.
bool IsLowered(std::string_view primitive, std::string_view element);

// Markdown: docs/coverage.md.
std::string CoverageTable();

}  // namespace stator::compiler

#endif  // STATOR_COMPILER_CODEGEN_CPU_COVERAGE_H_
