// For tests and benchmarks: compiles a contraction, runs it with any split of its grids.
#ifndef STATOR_COMPILER_CODEGEN_CPU_CONTRACTION_TEST_SUPPORT_H_
#define STATOR_COMPILER_CODEGEN_CPU_CONTRACTION_TEST_SUPPORT_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "compiler/codegen/cpu/blob_runner.h"
#include "compiler/codegen/cpu/contraction_kernel.h"
#include "compiler/codegen/cpu/lower_to_object.h"
#include "executable/kernel_frame.h"

namespace stator::compiler {

struct CompiledContraction {
  ContractionPlan plan;
  std::unique_ptr<MappedBlob> blob;
  ContractionWorkspace workspace;
  int buffers = 0;
  int scalars = 0;
  LowerTimings timings;
  double emit_ms = 0;
  double link_ms = 0;
  std::string object;

  executable::KernelFn Phase(int phase) const {
    return blob->Entry<int32_t(const executable::Frame*, int64_t, int64_t, int32_t)>(
        "contraction_" + std::to_string(phase));
  }
};

// `extra_buffers` beyond those of the spec are for the callbacks.
absl::StatusOr<CompiledContraction> CompileContraction(const ContractionSpec& spec, int scalars,
                                                       const ContractionCallbacks& callbacks,
                                                       const CpuTarget& target,
                                                       int extra_buffers = 0);

// Splits [0, grid) into ranges with a worker each.
struct GridRange {
  int64_t begin, end;
  int worker;
};
using GridSplit = std::function<std::vector<GridRange>(int64_t grid)>;

// Runs all phases; buffers are those of the spec and the callbacks, workspace is allocated here.
void RunContraction(const CompiledContraction& compiled, std::vector<void*> buffers,
                    const std::vector<int64_t>& scalars, int workers, const GridSplit& split);

}  // namespace stator::compiler

#endif  // STATOR_COMPILER_CODEGEN_CPU_CONTRACTION_TEST_SUPPORT_H_
