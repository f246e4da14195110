#include "nn/losses.h"

#include "ops/wrappers.h"

namespace stator::nn {

using graph::Output;
using graph::Scope;

Output SparseSoftmaxCrossEntropy(const Scope& scope, const Output& logits, const Output& labels) {
  const Output losses = ops::SparseSoftmaxCrossEntropyWithLogits(scope, logits, labels).loss;
  return ops::Mean(scope, losses, {0});
}

Output MeanSquaredError(const Scope& scope, const Output& prediction, const Output& target) {
  const Output squares = ops::SquaredDifference(scope, prediction, target);
  const absl::StatusOr<int> rank = prediction.Rank();
  if (!rank.ok()) {
    scope.UpdateStatus(rank.status());
    return {};
  }
  std::vector<int> axes;
  for (int axis = 0; axis < *rank; ++axis) axes.push_back(axis);
  return ops::Mean(scope, squares, axes);
}

Output CountCorrect(const Scope& scope, const Output& logits, const Output& labels) {
  const Output guess = ops::ArgMax(scope, logits, -1, {.output_type = labels.dtype()});
  const Output hit = ops::Cast(scope, ops::Equal(scope, guess, labels), DT_FLOAT);
  return ops::Sum(scope, hit, {0});
}

}  // namespace stator::nn
