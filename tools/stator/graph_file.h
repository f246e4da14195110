// Graphs in files, and the names that a run takes from them.
#ifndef STATOR_TOOLS_STATOR_GRAPH_FILE_H_
#define STATOR_TOOLS_STATOR_GRAPH_FILE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "executable/compile.h"
#include "graph/graph.h"

namespace stator::tools {

// A GraphDef in binary (.pb) or text (.pbtxt). With `allow_unknown_ops`, nodes of ops that do not
// exist are kept, to look at.
absl::StatusOr<graph::Graph> LoadGraph(const std::string& path, bool allow_unknown_ops = false);

// What to compile for these names, feeds of unknown size. Errors as graph::Prune gives them.
absl::StatusOr<executable::CompileRequest> MakeRequest(const graph::Graph& graph,
                                                       const std::vector<std::string>& feeds,
                                                       const std::vector<std::string>& fetches,
                                                       const std::vector<std::string>& targets);

}  // namespace stator::tools

#endif  // STATOR_TOOLS_STATOR_GRAPH_FILE_H_
