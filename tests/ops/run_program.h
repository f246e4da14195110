#ifndef STATOR_TESTS_OPS_RUN_PROGRAM_H_
#define STATOR_TESTS_OPS_RUN_PROGRAM_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "compiler/import/op_set.h"
#include "executable/compile.h"
#include "graph/graph.h"
#include "mlir/IR/BuiltinOps.h"
#include "runtime/core/tensor.h"
#include "tests/ops/program.h"

// Programs run two ways.

namespace stator::ops {

inline constexpr uint64_t kProgramSeed = 1;

executable::CompileRequest RequestFor(const Program& program);

// By the reference interpreter; `module` is the program's import.
absl::StatusOr<std::vector<runtime::Tensor>> Interpret(mlir::ModuleOp module,
                                                       const Program& program);

// By generated code; memory plans are checked. `graph` is the program's.
absl::StatusOr<std::vector<runtime::Tensor>> CompileAndRun(const graph::Graph& graph,
                                                           const compiler::OpSet& ops,
                                                           const Program& program);

}  // namespace stator::ops

#endif  // STATOR_TESTS_OPS_RUN_PROGRAM_H_
