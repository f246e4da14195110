#ifndef STATOR_TESTS_PROGRAM_COMPARE_H_
#define STATOR_TESTS_PROGRAM_COMPARE_H_

// Runs one program in every way that must give the same bits (CONTRACTS §2): interpreted before and
// after the compiler's stages; compiled with symbolic and with concrete sizes, fused and unfused,
// for AVX2 and for this machine, on one thread and on two.

#include <functional>
#include <vector>

#include "absl/status/statusor.h"
#include "gtest/gtest.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "tests/program/run.h"

namespace stator::tests {

struct Program {
  // The module before any stage. Called once per compile, as compiling consumes a module. With
  // `concrete`, the sizes are those of its tensors; without, they are as symbolic as the program
  // wants.
  std::function<absl::StatusOr<mlir::OwningOpRef<mlir::ModuleOp>>(mlir::MLIRContext& context,
                                                                  const RunInput* concrete)>
      make;
  std::vector<RunInput> runs;
};

struct CompareOptions {
  bool unfused = true;
  bool avx2 = true;
  bool may_fail = false;  // false: the interpreter must accept every run
  int concrete_runs = 2;  // how many of the runs are compiled for their sizes as well
};

// Fails with the way, the run and the first difference. Runs that fail must fail with the same code
// everywhere.
testing::AssertionResult SameInEveryWay(const Program& program, const CompareOptions& options = {});

// The program with symbolic sizes, for this machine.
absl::StatusOr<ExecutablePtr> Compile(const Program& program, const PipelineOptions& options = {});

}  // namespace stator::tests

#endif  // STATOR_TESTS_PROGRAM_COMPARE_H_
