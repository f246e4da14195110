// The user's nodes behind the locations of ops.
#ifndef STATOR_COMPILER_DIALECT_NODE_LOCATION_H_
#define STATOR_COMPILER_DIALECT_NODE_LOCATION_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "mlir/IR/Location.h"

namespace stator::core {

// The importer gives each op NameLoc("node:op", FileLineCol).
struct LocatedNode {
  std::string name;
  std::string op;
  std::string file;  // empty: the source line is not known
  int line = 0;
};

// In order, each once. A fused op has several nodes, an op that the compiler made itself may have none.
std::vector<LocatedNode> NodesAt(mlir::Location loc);

// `status`, which is said of the first of the nodes: "node 'x' (op MatMul, at model.cc:7): …", as
// graph::Node::Annotate puts it. Unchanged if there is no node.
absl::Status AnnotateWithNode(const absl::Status& status, mlir::Location loc);

}  // namespace stator::core

#endif  // STATOR_COMPILER_DIALECT_NODE_LOCATION_H_
