#ifndef STATOR_EXAMPLES_DIGITS_EXPORT_H_
#define STATOR_EXAMPLES_DIGITS_EXPORT_H_

#include <cstdint>
#include <map>
#include <string>

#include "absl/status/status.h"
#include "examples/digits/digit_sets.h"
#include "examples/digits/model.h"
#include "graph/graph.h"
#include "graph/tensor_proto.h"

namespace stator::examples {

// Writes to `folder` what `stator run` needs to read a digit: digits.pb, the trained graph with its
// weights as constants; image.npy, the first test image; label.txt, the digit that it shows.
absl::Status ExportTrained(const graph::Graph& graph,
                           const std::map<std::string, graph::DenseTensor>& values,
                           const DigitSets& sets, const std::string& folder);

// Writes to `folder` what a bundle that trains is made from and fed with: training.pb, the program;
// train.bin, for each step of `epochs` epochs the examples that a session takes; test.bin, those
// that it is tested with. An example is its label and its pixels, one byte each.
absl::Status ExportTraining(const graph::Graph& graph, const DigitSets& sets, uint64_t seed,
                            int64_t batch, int epochs, const std::string& folder);

// Writes saved_model.pb to `folder`: `program`, a model that is fed bytes, with the signatures that
// a job names (examples/jobs/digits_graph.yaml): train, evaluate, initialize.
absl::Status ExportJob(const graph::Graph& graph, const DigitsModel& program,
                       const data::LabeledImages& images, const std::string& folder);

}  // namespace stator::examples

#endif  // STATOR_EXAMPLES_DIGITS_EXPORT_H_
