#ifndef STATOR_GRAPH_SOURCE_LOCATION_H_
#define STATOR_GRAPH_SOURCE_LOCATION_H_

#include <map>
#include <string>

#include "absl/strings/string_view.h"
#include "proto/graph_debug_info.pb.h"

namespace stator::graph {

// The line of the user's program that made a node.
struct SourceLocation {
  std::string file;
  int line = 0;  // counts from 1; 0 when the location is not known
  std::string function;

  bool known() const { return line > 0; }
  // "train.cc:42"; "" when not known.
  std::string Text() const;

  friend bool operator==(const SourceLocation&, const SourceLocation&) = default;
};

// The location of a node of the main graph (`function` empty) or of a function, as far as `info`
// knows it. Of a stack of frames it is the innermost one outside TensorFlow's own files.
SourceLocation FindSource(const GraphDebugInfo& info, absl::string_view node,
                          absl::string_view function);

// Adds locations of nodes to a GraphDebugInfo; `function` is empty for the main graph.
class SourceRecorder {
 public:
  // `info` must outlive the recorder; entries that it holds already are left as they are.
  explicit SourceRecorder(GraphDebugInfo* info);
  void Add(absl::string_view node, absl::string_view function, const SourceLocation& source);

 private:
  GraphDebugInfo* info_;
  std::map<std::string, int> files_;
};

}  // namespace stator::graph

#endif  // STATOR_GRAPH_SOURCE_LOCATION_H_
