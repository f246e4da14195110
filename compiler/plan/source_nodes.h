#ifndef STATOR_COMPILER_PLAN_SOURCE_NODES_H_
#define STATOR_COMPILER_PLAN_SOURCE_NODES_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "executable/image_model.h"
#include "mlir/IR/Location.h"

namespace stator::compiler {

// The user's nodes behind a location: the importer gives each op NameLoc("node:op", FileLineCol).
class SourceNodes {
 public:
  explicit SourceNodes(executable::ImageModel* model) : model_(model) {}
  // Indices into the image's nodes, in order, each once.
  std::vector<int32_t> All(mlir::Location loc);
  // The first of them, kNone if there is none.
  int32_t First(mlir::Location loc);
  // " (node 'x', op MatMul, model.cc:7)" for messages, or "" if there is no node.
  std::string Where(mlir::Location loc);
  // Unimplemented: "not lowered yet: `what`", with the node.
  absl::Status NotLowered(const std::string& what, mlir::Location loc);

 private:
  void Collect(mlir::Location loc, std::vector<int32_t>& nodes);

  executable::ImageModel* model_;
  std::map<std::string, int32_t> index_;
};

}  // namespace stator::compiler

#endif  // STATOR_COMPILER_PLAN_SOURCE_NODES_H_
