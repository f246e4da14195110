// Images with real kernels, for tests.
#ifndef STATOR_RUNTIME_CORE_TEST_PROGRAM_H_
#define STATOR_RUNTIME_CORE_TEST_PROGRAM_H_

#include <memory>
#include <string>
#include <vector>

#include "executable/test_image.h"
#include "runtime/core/executable.h"

namespace stator::runtime {

// A TestImage whose kernels are those of test_kernels.c. Elements per tile: 16.
class TestProgram : public executable::TestImage {
 public:
  // Adds the kernel, or several as its phases, with a grid of ceil(scalar 0 / 16), or 1 for each
  // name in `single`.
  int32_t AddKernel(const std::vector<std::string>& names,
                    std::vector<executable::KernelArgument> arguments, int num_scalars,
                    bool single_tile = false);

  // A tensor of `n` (expression) floats.
  int32_t Vector(const std::string& name, executable::BufferKind kind, int32_t n, int32_t first,
                 int32_t last);

  // Symbol `name`, as an expression.
  int32_t AddSymbol(const std::string& name, executable::SymbolLife life);

  void AddFeed(const std::string& name, int32_t buffer);
  void AddFetch(const std::string& name, int32_t buffer);

  // Serializes, verifies and loads with plan checks on.
  Result<std::shared_ptr<Executable>> Load(const HostRegistry* host = nullptr);
};

}  // namespace stator::runtime

#endif  // STATOR_RUNTIME_CORE_TEST_PROGRAM_H_
