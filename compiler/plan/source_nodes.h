#ifndef STATOR_COMPILER_PLAN_SOURCE_NODES_H_
#define STATOR_COMPILER_PLAN_SOURCE_NODES_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "compiler/node_problem.h"
#include "executable/image_model.h"
#include "mlir/IR/Location.h"

namespace stator::compiler {

// The user's nodes behind a location, and what the planner refuses of them.
class SourceNodes {
 public:
  explicit SourceNodes(executable::ImageModel* model) : model_(model) {}
  // Indices into the image's nodes, in order, each once.
  std::vector<int32_t> All(mlir::Location loc);
  // The first of them, kNone if there is none.
  int32_t First(mlir::Location loc);

  // Notes that there is no plan for `what`. The caller goes on with anything, so that all that is
  // refused is found at once; the plan comes to nothing.
  void Refuse(const std::string& what, mlir::Location loc);
  const std::vector<NodeProblem>& refused() const { return refused_; }

 private:
  executable::ImageModel* model_;
  std::map<std::string, int32_t> index_;
  std::vector<NodeProblem> refused_;
};

}  // namespace stator::compiler

#endif  // STATOR_COMPILER_PLAN_SOURCE_NODES_H_
