#ifndef STATOR_COMPILER_PIPELINE_H_
#define STATOR_COMPILER_PIPELINE_H_

// The compiler from graph to image. Its stages stand in one list (pipeline.cc) that reads top to bottom.

#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "compiler/dialect/core_dialect.h"
#include "compiler/import/op_set.h"
#include "compiler/node_problem.h"
#include "compiler/passes/pack_weights/pack_weights.h"
#include "executable/compile.h"
#include "executable/image_model.h"
#include "graph/graph.h"

namespace stator::compiler {

struct PipelineOptions {
  bool fuse = true;        // false: one kernel per op (tests compare)
  bool in_place = true;    // false: every result has memory of its own
  PackOptions pack{};
  std::string cpu = "native";
  int num_threads = 0;     // of the compiler; 0: as many as the machine gives
};

// A rewrite of the core dialect.
struct Stage {
  std::string name;  // as `stator opt --stage=NAME` knows it
  std::function<absl::Status(mlir::ModuleOp)> run;
};
// What decides the program's results, then how kernels compute them: weights are packed there first.
std::vector<Stage> ProgramStages();
std::vector<Stage> KernelStages(const PipelineOptions& options);
// All of them.
std::vector<Stage> CoreStages(const PipelineOptions& options);

// Runs stages; `after` (may be null) sees the module after each. The module is verified between stages.
absl::Status RunStages(mlir::ModuleOp module, const std::vector<Stage>& stages,
                       const std::function<void(const Stage&, mlir::ModuleOp)>& after = nullptr);
// The same for CoreStages(options).
absl::Status RunCoreStages(mlir::ModuleOp module, const PipelineOptions& options);

// Code and plan for a module that has been through the core stages. The first thing that code generation or planning
// refuses is the error; all of them go to `refused`, if it is not null, but those that a fused kernel hides behind
// another: for all, do not fuse.
absl::StatusOr<executable::ImageModel> GenerateImage(mlir::ModuleOp module, const PipelineOptions& options,
                                                     std::vector<NodeProblem>* refused = nullptr);

// A session's compiler, bound to one graph. Graph and op set must outlive it.
class GraphCompiler : public executable::Compiler {
 public:
  GraphCompiler(const graph::Graph* graph, const OpSet* ops, uint64_t seed, PipelineOptions options = {});
  executable::Result<executable::CompiledImage> Compile(const executable::CompileRequest& request) override;

 private:
  const graph::Graph* graph_;
  const OpSet* ops_;
  uint64_t seed_;
  PipelineOptions options_;
};

// The library's only adapter from MLIR's diagnostics: collects what is reported on the context while it lives.
class DiagnosticCollector {
 public:
  explicit DiagnosticCollector(mlir::MLIRContext* context);
  ~DiagnosticCollector();
  // `what`, followed by the first error reported.
  absl::Status Error(absl::string_view what) const;

 private:
  mlir::MLIRContext* context_;
  uint64_t handler_;
  std::string first_error_;
};

}  // namespace stator::compiler

#endif  // STATOR_COMPILER_PIPELINE_H_
