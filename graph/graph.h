#ifndef STATOR_GRAPH_GRAPH_H_
#define STATOR_GRAPH_GRAPH_H_

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "graph/node.h"
#include "graph/op_schema.h"
#include "graph/source_location.h"
#include "proto/function.pb.h"
#include "proto/graph.pb.h"
#include "proto/versions.pb.h"

namespace stator::graph {

// What a graph may ask for. A few bytes can stand for a lot, so bounds are checked before anything
// is allocated.
struct GraphLimits {
  int max_nodes = 10'000'000;
  int max_args = 65'536;  // inputs, and outputs, of one node
  // Decoded size of one tensor attribute, in bytes.
  int64_t max_tensor_bytes = int64_t{1} << 31;
  int max_call_depth = 64;  // functions that call functions
};

struct ImportOptions {
  // Accept nodes whose op has no schema. They keep what they say and have no types; whoever needs
  // one to run reports it. Otherwise an unknown op is an error.
  bool allow_unknown_ops = false;
};

struct ExportOptions {
  // Write the source locations of nodes into debug_info.
  bool source_locations = true;
};

// A program: nodes that are only ever added, a library of functions, versions. A graph that was
// made by one import gives back the same GraphDef, to the last unknown field. Not safe to change
// and read at once.
class Graph {
 public:
  // `schemas` must outlive the graph.
  explicit Graph(const OpSchemas* schemas, const GraphLimits& limits = {});
  Graph(Graph&&) = default;
  Graph& operator=(Graph&&) = default;

  static absl::StatusOr<Graph> FromGraphDef(GraphDef def, const OpSchemas* schemas,
                                            const ImportOptions& options = {},
                                            const GraphLimits& limits = {});

  // Adds everything in `def`, whose nodes may use each other in any order (loops of TensorFlow 1
  // included) and nodes that are here already. All or nothing: after an error the graph is as
  // before. Functions that are here already must be the same. Versions and debug information are
  // those of the first import; those of later ones are used for their own nodes only.
  absl::Status Import(GraphDef def, const ImportOptions& options = {});

  // Adds one node; its inputs must be here. The result is valid for the life of the graph (moves
  // included).
  absl::StatusOr<const Node*> AddNode(NodeDef def, SourceLocation source = {});

  // kAlreadyExists if a different function has the name. With a `body`, the locations of its nodes
  // become those of the function's nodes of the same names.
  absl::Status AddFunction(FunctionDef function, const Graph* body = nullptr);

  // The program as a message; Import of it gives the same graph.
  GraphDef ToGraphDef(const ExportOptions& options = {}) const;

  int num_nodes() const { return static_cast<int>(nodes_.size()); }
  const Node& node(int id) const { return *nodes_[id]; }
  const Node* FindNode(absl::string_view name) const;  // null when there is none

  // The signature of a function of the library, else the schema of an op; null when there is
  // neither.
  const OpDef* FindOp(absl::string_view name) const;
  const FunctionDef* FindFunction(absl::string_view name) const;
  const FunctionDefLibrary& functions() const { return rest_.library(); }
  const VersionDef& versions() const { return rest_.versions(); }
  const GraphDebugInfo& debug_info() const { return rest_.debug_info(); }
  const OpSchemas& schemas() const { return *schemas_; }
  const GraphLimits& limits() const { return limits_; }

 private:
  struct Mark;

  Mark Position() const;
  void Rollback(const Mark& mark);
  absl::Status ImportParts(GraphDef* def, const ImportOptions& options);
  absl::StatusOr<std::unique_ptr<Node>> NewNode(NodeDef def, SourceLocation source, int producer,
                                                const ImportOptions& options) const;
  absl::Status CheckAgainstSchema(Node* node, int producer, const ImportOptions& options) const;
  absl::Status Connect(Node* node) const;
  absl::Status ConnectInput(const std::string& text, Node* node) const;
  absl::Status CheckInputTypes(const Node& node) const;
  void Append(std::unique_ptr<Node> node);
  absl::Status InsertFunction(FunctionDef function);
  absl::Status IndexFunction(int position);

  const OpSchemas* schemas_;
  GraphLimits limits_;
  std::vector<std::unique_ptr<Node>> nodes_;
  std::unordered_map<std::string, int> node_ids_;
  // The GraphDef without its nodes: that of the first import, to which later ones add functions.
  GraphDef rest_;
  std::unordered_map<std::string, int> functions_;  // positions in rest_.library().function()
};

}  // namespace stator::graph

#endif  // STATOR_GRAPH_GRAPH_H_
