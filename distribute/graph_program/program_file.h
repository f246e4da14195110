#ifndef STATOR_DISTRIBUTE_GRAPH_PROGRAM_PROGRAM_FILE_H_
#define STATOR_DISTRIBUTE_GRAPH_PROGRAM_PROGRAM_FILE_H_

#include <string>

#include "absl/status/statusor.h"
#include "proto/meta_graph.pb.h"

namespace stator::distribute {

// A graph with its signatures: of a SavedModel (its folder, or its saved_model.pb or .pbtxt) the
// graph tagged `train`, or the only one; else a file that holds a MetaGraphDef, binary or text.
// Errors name the file.
absl::StatusOr<MetaGraphDef> ReadProgramFile(const std::string& path);

}  // namespace stator::distribute

#endif  // STATOR_DISTRIBUTE_GRAPH_PROGRAM_PROGRAM_FILE_H_
