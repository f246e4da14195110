// What `stator inspect` says of a graph.
#ifndef STATOR_TOOLS_STATOR_GRAPH_SUMMARY_H_
#define STATOR_TOOLS_STATOR_GRAPH_SUMMARY_H_

#include <string>

#include "graph/graph.h"

namespace stator::tools {

// For people: counts, inputs, outputs, functions, and the nodes if `nodes`.
std::string GraphText(const graph::Graph& graph, bool nodes);

// The same as one JSON object. Dims of -1 are unknown; a missing "dims" is an unknown rank.
std::string GraphJson(const graph::Graph& graph, bool nodes);

}  // namespace stator::tools

#endif  // STATOR_TOOLS_STATOR_GRAPH_SUMMARY_H_
