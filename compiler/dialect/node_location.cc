#include "compiler/dialect/node_location.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "mlir/IR/BuiltinAttributes.h"

namespace stator::core {
namespace {

void Collect(mlir::Location loc, std::vector<LocatedNode>* nodes) {
  if (auto fused = mlir::dyn_cast<mlir::FusedLoc>(loc)) {
    for (mlir::Location part : fused.getLocations()) Collect(part, nodes);
  } else if (auto call = mlir::dyn_cast<mlir::CallSiteLoc>(loc)) {
    Collect(call.getCallee(), nodes);
  } else if (auto name = mlir::dyn_cast<mlir::NameLoc>(loc)) {
    // Node names hold no colon.
    auto [node_name, op] = name.getName().getValue().split(':');
    LocatedNode node{node_name.str(), op.str(), "", 0};
    if (std::any_of(nodes->begin(), nodes->end(),
                    [&](const LocatedNode& n) { return n.name == node.name && n.op == node.op; })) {
      return;
    }
    if (auto file = mlir::dyn_cast<mlir::FileLineColLoc>(name.getChildLoc())) {
      node.file = file.getFilename().str();
      node.line = static_cast<int>(file.getLine());
    }
    nodes->push_back(std::move(node));
  }
}

}  // namespace

std::vector<LocatedNode> NodesAt(mlir::Location loc) {
  std::vector<LocatedNode> nodes;
  Collect(loc, &nodes);
  return nodes;
}

absl::Status AnnotateWithNode(const absl::Status& status, mlir::Location loc) {
  const std::vector<LocatedNode> nodes = NodesAt(loc);
  if (status.ok() || nodes.empty()) return status;
  const LocatedNode& node = nodes[0];
  const std::string at = node.file.empty() ? "" : absl::StrCat(", at ", node.file, ":", node.line);
  return absl::Status(status.code(), absl::StrCat("node '", node.name, "' (op ", node.op, at,
                                                  "): ", status.message()));
}

}  // namespace stator::core
