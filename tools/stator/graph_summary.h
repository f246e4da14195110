// What `stator inspect` says of a graph.
#ifndef STATOR_TOOLS_STATOR_GRAPH_SUMMARY_H_
#define STATOR_TOOLS_STATOR_GRAPH_SUMMARY_H_

#include <string>

#include "graph/graph.h"
#include "tools/stator/graph_file.h"

namespace stator::tools {

// For people: counts, signatures, inputs, outputs, functions, and the nodes if `nodes`.
std::string GraphText(const GraphFile& file, bool nodes);

// The same as one JSON object. Dims of -1 are unknown; a missing "dims" is an unknown rank.
std::string GraphJson(const GraphFile& file, bool nodes);

}  // namespace stator::tools

#endif  // STATOR_TOOLS_STATOR_GRAPH_SUMMARY_H_
