// For tests: one run of a kernel, here or in a program for another architecture.
#ifndef STATOR_COMPILER_CODEGEN_CPU_KERNEL_RUN_H_
#define STATOR_COMPILER_CODEGEN_CPU_KERNEL_RUN_H_

#include <cstdint>
#include <string>
#include <vector>

#include "compiler/codegen/cpu/message.h"

namespace stator::compiler {

// How the tiles of a grid are handed out.
enum class TileOrder { kWhole, kSingleTilesBackwards, kUneven };

struct KernelRun {
  struct Phase {
    int64_t entry_offset = 0;
    int64_t grid = 0;
  };
  struct Buffer {
    std::string contents;  // before the run
    int64_t same_as = -1;  // the buffer whose memory this one shares, in place of its own
    bool is_result = false;
  };
  std::string code;
  std::vector<Phase> phases;
  std::vector<Buffer> buffers;
  std::vector<int64_t> scalars;
  int64_t scratch_bytes_per_worker = 0;
  TileOrder order = TileOrder::kWhole;
};

// Runs all phases on this thread; what the results hold then. Memory that faults follows every
// buffer.
std::vector<std::string> RunHere(const KernelRun& run);

void Put(const KernelRun& run, Message* message);
KernelRun GetKernelRun(Message* message);

}  // namespace stator::compiler

#endif  // STATOR_COMPILER_CODEGEN_CPU_KERNEL_RUN_H_
