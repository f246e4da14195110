#ifndef STATOR_TESTS_PROGRAM_RUN_H_
#define STATOR_TESTS_PROGRAM_RUN_H_

// The two ways to run a module: by the reference interpreter and by generated code. Compiled runs
// have their plans checked, their arenas poisoned, and the host functions of the library.

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "compiler/pipeline.h"
#include "mlir/IR/BuiltinOps.h"
#include "runtime/core/executable.h"
#include "runtime/core/thread_pool.h"
#include "tests/program/run_input.h"

namespace stator::tests {

using compiler::PipelineOptions;
using ExecutablePtr = std::shared_ptr<runtime::Executable>;

struct Outcome {
  absl::Status status;
  std::vector<Tensor> fetches;
  std::map<std::string, Tensor> variables;                 // after the run
  std::array<int64_t, executable::kNumStepKinds> steps{};  // of a compiled run, by kind

  int64_t Steps(executable::StepKind kind) const { return steps[static_cast<size_t>(kind)]; }
};

// The module's function main. Gradients are not interpreted: see Differentiate.
Outcome Interpret(mlir::ModuleOp module, const RunInput& input);

// Runs the compiler's stages up to the one that derives gradients, if the module asks for any.
absl::Status Differentiate(mlir::ModuleOp module);

// Consumes the module; `after_stages` sees it before code is made of it.
absl::StatusOr<ExecutablePtr> Compile(
    mlir::ModuleOp module, const PipelineOptions& options = {},
    const std::function<void(mlir::ModuleOp)>& after_stages = nullptr);

// One run with variables of its own, on one thread unless there is a pool.
Outcome Execute(const ExecutablePtr& executable, const RunInput& input,
                runtime::ThreadPool* pool = nullptr);

// Both; what the compiler refuses is the outcome's status.
Outcome CompileAndExecute(mlir::ModuleOp module, const RunInput& input);

// Where two outcomes differ: code of the status, fetches or variables. Empty if they do not.
std::string Difference(const Outcome& expected, const Outcome& actual);

}  // namespace stator::tests

#endif  // STATOR_TESTS_PROGRAM_RUN_H_
