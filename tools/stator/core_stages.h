// The compiler's stages, one by one, and the reference interpreter.
#ifndef STATOR_TOOLS_STATOR_CORE_STAGES_H_
#define STATOR_TOOLS_STATOR_CORE_STAGES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "executable/compile.h"
#include "graph/graph.h"
#include "runtime/core/tensor.h"

namespace stator::tools {

// In the order in which a compile runs them.
std::vector<std::string> StageNames();

struct StageSelection {
  std::vector<std::string> stages;  // these, in this order; empty: all
  std::string until;                // of all: stop after this one; "import": run none
  bool print_each = false;          // the module after each stage, not only the last
  bool locations = false;           // print the node and source line of each op
};

// The core dialect's text, after the stages.
absl::StatusOr<std::string> RunStages(const std::string& text, const StageSelection& selection);
absl::StatusOr<std::string> RunStages(const graph::Graph& graph,
                                      const executable::CompileRequest& request,
                                      const StageSelection& selection);

// What a session would run, as the bytes of an image.
absl::StatusOr<std::vector<uint8_t>> CompileImage(const graph::Graph& graph,
                                                  const executable::CompileRequest& request);

// Runs the graph op by op as the core dialect defines it, without code generation. Stages that give
// ops their meaning (gradients, the order of sums) run; those that only make it fast do not.
absl::StatusOr<std::vector<runtime::Tensor>> RunReference(
    const graph::Graph& graph, const executable::CompileRequest& request,
    const std::vector<runtime::Tensor>& feeds);

}  // namespace stator::tools

#endif  // STATOR_TOOLS_STATOR_CORE_STAGES_H_
