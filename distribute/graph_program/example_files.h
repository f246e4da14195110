#ifndef STATOR_DISTRIBUTE_GRAPH_PROGRAM_EXAMPLE_FILES_H_
#define STATOR_DISTRIBUTE_GRAPH_PROGRAM_EXAMPLE_FILES_H_

#include <google/protobuf/map.h>

#include <string>

#include "absl/status/statusor.h"
#include "data/dataset.h"
#include "distribute/graph_program/step_signature.h"

namespace stator::distribute {

// The examples of one signature: element i has a component for each input, in their order, with its
// dtype and its shape but for the first dimension. `files` says for each input, by key, which array
// holds its examples; a relative path is in `directory`. An array may have a type whose values the
// input's holds, and other dimensions of size 1.
//
// Errors begin with `field`, the job's: an input without a file, a file without an input, a file
// that does not fit.
absl::StatusOr<data::DatasetRef> ReadExamples(
    const std::string& field, const google::protobuf::Map<std::string, std::string>& files,
    const std::string& directory, const StepSignature& signature);

}  // namespace stator::distribute

#endif  // STATOR_DISTRIBUTE_GRAPH_PROGRAM_EXAMPLE_FILES_H_
