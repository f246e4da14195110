#include "compiler/import/unsupported_ops.h"

#include <set>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "graph/function_calls.h"

namespace stator::compiler {

std::vector<NodeProblem> UnsupportedInFunctions(const graph::Graph& graph, const OpSet& ops, const NodeDef& node) {
  std::vector<NodeProblem> problems;
  std::vector<std::string> waiting = graph::MentionedFunctions(node);
  std::set<std::string> seen;
  while (!waiting.empty()) {
    const std::string name = std::move(waiting.back());
    waiting.pop_back();
    const FunctionDef* function = graph.FindFunction(name);
    if (function == nullptr || !seen.insert(name).second) continue;
    for (const NodeDef& inner : function->node_def()) {
      for (std::string& mentioned : graph::MentionedFunctions(inner)) waiting.push_back(std::move(mentioned));
      if (ops.FindOp(inner.op()) != nullptr || graph.FindFunction(inner.op()) != nullptr) continue;
      problems.push_back({absl::StrCat(name, "/", inner.name()),
                          absl::UnimplementedError(absl::StrCat("function '", name, "', node '", inner.name(), "' (op ",
                                                                inner.op(), "): the op is not supported"))});
    }
  }
  return problems;
}

}  // namespace stator::compiler
