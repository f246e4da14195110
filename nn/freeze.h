#ifndef STATOR_NN_FREEZE_H_
#define STATOR_NN_FREEZE_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "graph/graph.h"
#include "graph/tensor_proto.h"
#include "proto/graph.pb.h"

namespace stator::nn {

// The part of `graph` that computes the tensors `fetches` from the tensors `feeds`, with every
// variable that it reads replaced by a constant: a graph that runs without a checkpoint. `values`
// holds the variables by name (VarHandleOp's shared_name, else the node's name). kNotFound names a
// variable that has no value; kFailedPrecondition a node that writes one.
absl::StatusOr<GraphDef> Freeze(const graph::Graph& graph, const std::vector<std::string>& feeds,
                                const std::vector<std::string>& fetches,
                                const std::map<std::string, graph::DenseTensor>& values);

}  // namespace stator::nn

#endif  // STATOR_NN_FREEZE_H_
