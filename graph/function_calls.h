#ifndef STATOR_GRAPH_FUNCTION_CALLS_H_
#define STATOR_GRAPH_FUNCTION_CALLS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "proto/function.pb.h"
#include "proto/node_def.pb.h"

namespace stator::graph {

// The functions that a node mentions: its op and the func attributes, whether or not they exist.
std::vector<std::string> MentionedFunctions(const NodeDef& node);

// No function may reach itself, nor may calls nest deeper than `max_depth`. Errors show the chain.
absl::Status CheckCalls(const FunctionDefLibrary& library, int max_depth);

}  // namespace stator::graph

#endif  // STATOR_GRAPH_FUNCTION_CALLS_H_
