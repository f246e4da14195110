#include "compiler/plan/source_nodes.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "mlir/IR/BuiltinAttributes.h"

namespace stator::compiler {

void SourceNodes::Collect(mlir::Location loc, std::vector<int32_t>& nodes) {
  if (auto fused = mlir::dyn_cast<mlir::FusedLoc>(loc)) {
    for (mlir::Location part : fused.getLocations()) Collect(part, nodes);
  } else if (auto call = mlir::dyn_cast<mlir::CallSiteLoc>(loc)) {
    Collect(call.getCallee(), nodes);
  } else if (auto name = mlir::dyn_cast<mlir::NameLoc>(loc)) {
    auto [it, is_new] =
        index_.try_emplace(name.getName().str(), static_cast<int32_t>(model_->nodes.size()));
    if (is_new) {
      // "node:op"; node names hold no colon.
      auto [node_name, op] = name.getName().getValue().split(':');
      executable::Node node;
      node.name = node_name.str();
      node.op = op.str();
      if (auto file = mlir::dyn_cast<mlir::FileLineColLoc>(name.getChildLoc())) {
        node.file = file.getFilename().str();
        node.line = static_cast<int32_t>(file.getLine());
      }
      model_->nodes.push_back(std::move(node));
    }
    if (std::find(nodes.begin(), nodes.end(), it->second) == nodes.end())
      nodes.push_back(it->second);
  }
}

std::vector<int32_t> SourceNodes::All(mlir::Location loc) {
  std::vector<int32_t> nodes;
  Collect(loc, nodes);
  return nodes;
}

int32_t SourceNodes::First(mlir::Location loc) {
  std::vector<int32_t> nodes = All(loc);
  return nodes.empty() ? executable::kNone : nodes[0];
}

std::string SourceNodes::Where(mlir::Location loc) {
  const int32_t node = First(loc);
  if (node == executable::kNone) return "";
  const executable::Node& n = model_->nodes[node];
  std::string text = absl::StrCat(" (node '", n.name, "', op ", n.op);
  if (!n.file.empty()) absl::StrAppend(&text, ", ", n.file, ":", n.line);
  return text + ")";
}

absl::Status SourceNodes::NotLowered(const std::string& what, mlir::Location loc) {
  return absl::UnimplementedError(absl::StrCat("not lowered yet: ", what, Where(loc)));
}

}  // namespace stator::compiler
