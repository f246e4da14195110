#ifndef STATOR_GRAPH_FUNCTION_BODY_H_
#define STATOR_GRAPH_FUNCTION_BODY_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "graph/graph.h"
#include "graph/op_schema.h"
#include "proto/attr_value.pb.h"
#include "proto/function.pb.h"

namespace stator::graph {

// The op of the nodes that stand for a function's arguments: one output, attributes T and index.
inline constexpr char kArgOp[] = "_Arg";

// The ops of a function's body: kArgOp, and what `parent`, which must outlive this, finds.
class BodySchemas : public OpSchemas {
 public:
  explicit BodySchemas(const Graph* parent) : parent_(parent) {}

  const OpDef* Find(absl::string_view op) const override;
  std::vector<const OpDef*> List() const override;

 private:
  const Graph* parent_;
};

// A function as a graph of its own.
struct FunctionBody {
  std::unique_ptr<const BodySchemas> schemas;
  std::unique_ptr<Graph> graph;
  std::vector<int> args;             // node ids, one for each argument (list arguments unfolded)
  std::vector<Endpoint> results;     // one for each result
  std::vector<int> control_results;  // nodes that must run whether or not a result needs them
};

// Builds the body of `function`, which `parent` holds, for the given values of its attributes
// (absent ones take their defaults). `parent` must outlive the body and stay where it is. Errors
// name function and node.
absl::StatusOr<FunctionBody> InstantiateFunction(const Graph& parent, const FunctionDef& function,
                                                 const std::map<std::string, AttrValue>& attrs);

// The same for a function attribute of a node (then_branch, body, f); kNotFound if the library
// lacks it.
absl::StatusOr<FunctionBody> InstantiateFunction(const Graph& parent, const NameAttrList& function);

}  // namespace stator::graph

#endif  // STATOR_GRAPH_FUNCTION_BODY_H_
