#ifndef STATOR_EXAMPLES_BERT_WEIGHTS_H_
#define STATOR_EXAMPLES_BERT_WEIGHTS_H_

#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "graph/tensor_proto.h"
#include "nn/variables.h"
#include "runtime/session/session.h"

namespace stator::examples {

using Weights = std::map<std::string, graph::DenseTensor>;  // by variable

// The files w000.npy, w001.npy, … of a folder: one for each of the variables, in order of creation.
// A file of another type or shape is an error that names file and variable.
absl::StatusOr<Weights> ReadWeights(const std::string& folder, const nn::Variables& variables);

// Makes them the values of the session's variables.
absl::Status SetWeights(const Weights& weights, runtime::Session* session);

}  // namespace stator::examples

#endif  // STATOR_EXAMPLES_BERT_WEIGHTS_H_
