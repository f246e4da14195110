// Graphs in files, and the names that a run takes from them.
#ifndef STATOR_TOOLS_STATOR_GRAPH_FILE_H_
#define STATOR_TOOLS_STATOR_GRAPH_FILE_H_

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "executable/compile.h"
#include "graph/graph.h"
#include "proto/meta_graph.pb.h"

namespace stator::tools {

// A GraphDef in binary (.pb) or text (.pbtxt). With `allow_unknown_ops`, nodes of ops that do not
// exist are kept, to look at.
absl::StatusOr<graph::Graph> LoadGraph(const std::string& path, bool allow_unknown_ops = false);

// A graph with what a SavedModel says about its use.
struct GraphFile {
  graph::Graph graph;
  std::map<std::string, SignatureDef> signatures;
  std::string checkpoint;  // prefix of the variables' values; empty: none
  // Names of variables to the checkpoint's keys, where these differ.
  std::map<std::string, std::string> checkpoint_keys;
};

bool IsFolder(const std::string& path);

// A GraphDef, or the folder of a SavedModel: its graph for serving, or the only one.
absl::StatusOr<GraphFile> LoadGraphFile(const std::string& path, bool allow_unknown_ops = false);

// Keys and tensors, in the order of the keys.
struct NamedSignature {
  std::vector<std::pair<std::string, std::string>> inputs;
  std::vector<std::pair<std::string, std::string>> outputs;
};
// "a, b", or "none".
std::string SignatureNames(const GraphFile& file);
// NotFound with the names that there are.
absl::StatusOr<NamedSignature> FindSignature(const GraphFile& file, const std::string& name);

// What to compile for these names, feeds of unknown size. Errors as graph::Prune gives them.
absl::StatusOr<executable::CompileRequest> MakeRequest(const graph::Graph& graph,
                                                       const std::vector<std::string>& feeds,
                                                       const std::vector<std::string>& fetches,
                                                       const std::vector<std::string>& targets);

}  // namespace stator::tools

#endif  // STATOR_TOOLS_STATOR_GRAPH_FILE_H_
