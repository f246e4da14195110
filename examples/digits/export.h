#ifndef STATOR_EXAMPLES_DIGITS_EXPORT_H_
#define STATOR_EXAMPLES_DIGITS_EXPORT_H_

#include <map>
#include <string>

#include "absl/status/status.h"
#include "data/pipeline.h"
#include "graph/graph.h"
#include "graph/tensor_proto.h"

namespace stator::examples {

// Writes to `folder` what `stator run` needs to read a digit: digits.pb, the trained graph with its
// weights as constants; image.npy, the first test image; label.txt, the digit that it shows.
absl::Status ExportTrained(const graph::Graph& graph,
                           const std::map<std::string, graph::DenseTensor>& values,
                           const data::LabeledImages& test, const std::string& folder);

}  // namespace stator::examples

#endif  // STATOR_EXAMPLES_DIGITS_EXPORT_H_
