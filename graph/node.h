#ifndef STATOR_GRAPH_NODE_H_
#define STATOR_GRAPH_NODE_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "graph/source_location.h"
#include "proto/node_def.pb.h"
#include "proto/op_def.pb.h"

namespace stator::graph {

// Output `index` of the node with id `node`.
struct Endpoint {
  int node = -1;
  int index = 0;

  friend bool operator==(const Endpoint&, const Endpoint&) = default;
  friend auto operator<=>(const Endpoint&, const Endpoint&) = default;
};

// The element types of all arguments of one side of a node, and where each declared argument
// begins.
struct ArgTypes {
  std::vector<DataType> types;
  std::vector<int> begins;  // one entry for each ArgDef, and the end
};

// One operation. A graph owns its nodes and makes them; they do not change afterwards.
class Node {
 public:
  int id() const { return id_; }  // position in the graph, in order of creation
  const std::string& name() const { return def_.name(); }
  const std::string& op() const { return def_.op(); }
  const std::string& device() const { return def_.device(); }
  const SourceLocation& source() const { return source_; }

  // What the node was made from, unchanged: attributes that were left to their defaults are absent.
  const NodeDef& def() const { return def_; }

  // The op's schema or the function's signature. Null for an op that is not known, which only a
  // graph imported with allow_unknown_ops holds; such a node has no types and no number of outputs.
  const OpDef* schema() const { return schema_; }

  absl::Span<const Endpoint> inputs() const { return inputs_; }
  absl::Span<const int> control_inputs() const { return control_inputs_; }
  absl::Span<const DataType> input_types() const { return input_args_.types; }
  absl::Span<const DataType> output_types() const { return output_args_.types; }
  int num_outputs() const { return static_cast<int>(output_args_.types.size()); }

  // The inputs or outputs [first, second) that a declared argument stands for. kNotFound for an
  // unknown name.
  absl::StatusOr<std::pair<int, int>> InputRange(absl::string_view arg) const;
  absl::StatusOr<std::pair<int, int>> OutputRange(absl::string_view arg) const;

  // The attribute's value, or its default from the schema; null when there is neither.
  const AttrValue* FindAttr(absl::string_view name) const;

  // The attribute as a value of one type; an error that names the node when there is no such
  // attribute or it has another type. Messages are borrowed from the node.
  absl::StatusOr<int64_t> IntAttr(absl::string_view name) const;
  absl::StatusOr<float> FloatAttr(absl::string_view name) const;
  absl::StatusOr<bool> BoolAttr(absl::string_view name) const;
  absl::StatusOr<std::string> StringAttr(absl::string_view name) const;
  absl::StatusOr<DataType> TypeAttr(absl::string_view name) const;
  absl::StatusOr<const TensorShapeProto*> ShapeAttr(absl::string_view name) const;
  absl::StatusOr<const TensorProto*> TensorAttr(absl::string_view name) const;
  absl::StatusOr<const NameAttrList*> FuncAttr(absl::string_view name) const;
  absl::StatusOr<std::vector<int64_t>> IntListAttr(absl::string_view name) const;
  absl::StatusOr<std::vector<float>> FloatListAttr(absl::string_view name) const;
  absl::StatusOr<std::vector<bool>> BoolListAttr(absl::string_view name) const;
  absl::StatusOr<std::vector<std::string>> StringListAttr(absl::string_view name) const;
  absl::StatusOr<std::vector<DataType>> TypeListAttr(absl::string_view name) const;
  absl::StatusOr<std::vector<TensorShapeProto>> ShapeListAttr(absl::string_view name) const;
  absl::StatusOr<std::vector<NameAttrList>> FuncListAttr(absl::string_view name) const;

  // "node 'c' (op MatMul, at train.cc:42)": how messages name the node.
  std::string Title() const;

  // `status` with the title in front; the same code.
  absl::Status Annotate(const absl::Status& status) const;

 private:
  friend class Graph;
  Node() = default;

  absl::StatusOr<const AttrValue*> AttrOfType(absl::string_view name, absl::string_view type) const;

  int id_ = -1;
  NodeDef def_;
  const OpDef* schema_ = nullptr;
  SourceLocation source_;
  std::vector<Endpoint> inputs_;
  std::vector<int> control_inputs_;
  ArgTypes input_args_;
  ArgTypes output_args_;
};

// The pieces of Node for a NodeDef that is not in a graph yet.
std::string NodeTitle(const NodeDef& def, const SourceLocation& source);
const AttrValue* FindAttr(const NodeDef& def, const OpDef& schema, absl::string_view name);

// Counts and element types of the arguments under the attributes of `def`. Errors say which
// argument and attribute; `max_args` bounds what a hostile length attribute can ask for.
absl::StatusOr<ArgTypes> InputArgs(const NodeDef& def, const OpDef& schema, int max_args);
absl::StatusOr<ArgTypes> OutputArgs(const NodeDef& def, const OpDef& schema, int max_args);

// Each attribute of the schema is there or has a default, and obeys its rules; there are no others,
// except names with a leading underscore and, where `producer` is newer than kGraphVersion, values
// that are zero: the defaults of a later release.
absl::Status CheckAttrs(const NodeDef& def, const OpDef& schema, int producer);

}  // namespace stator::graph

#endif  // STATOR_GRAPH_NODE_H_
