#include "compiler/plan/source_nodes.h"

#include "absl/strings/str_cat.h"
#include "compiler/dialect/node_location.h"

namespace stator::compiler {

std::vector<int32_t> SourceNodes::All(mlir::Location loc) {
  std::vector<int32_t> nodes;
  for (core::LocatedNode& located : core::NodesAt(loc)) {
    auto [it, is_new] = index_.try_emplace(absl::StrCat(located.name, ":", located.op),
                                           static_cast<int32_t>(model_->nodes.size()));
    if (is_new) {
      executable::Node node;
      node.name = std::move(located.name);
      node.op = std::move(located.op);
      node.file = std::move(located.file);
      node.line = located.line;
      model_->nodes.push_back(std::move(node));
    }
    nodes.push_back(it->second);
  }
  return nodes;
}

int32_t SourceNodes::First(mlir::Location loc) {
  std::vector<int32_t> nodes = All(loc);
  return nodes.empty() ? executable::kNone : nodes[0];
}

void SourceNodes::Refuse(const std::string& what, mlir::Location loc) {
  const int32_t node = First(loc);
  refused_.push_back(
      {node == executable::kNone ? "" : model_->nodes[node].name,
       core::AnnotateWithNode(
           absl::UnimplementedError(absl::StrCat("cannot be compiled yet: ", what)), loc)});
}

}  // namespace stator::compiler
