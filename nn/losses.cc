#include "nn/losses.h"

#include "nn/nodes.h"

namespace stator::nn {

using graph::Output;
using graph::Scope;

Output SparseSoftmaxCrossEntropy(const Scope& scope, const Output& logits, const Output& labels) {
  const Output losses = nodes::SparseSoftmaxCrossEntropyWithLogits(scope, logits, labels);
  return nodes::Mean(scope, losses, {0}, /*keep_dims=*/false);
}

Output MeanSquaredError(const Scope& scope, const Output& prediction, const Output& target) {
  const Output squares = nodes::SquaredDifference(scope, prediction, target);
  const absl::StatusOr<int> rank = prediction.Rank();
  if (!rank.ok()) {
    scope.UpdateStatus(rank.status());
    return {};
  }
  std::vector<int> axes;
  for (int axis = 0; axis < *rank; ++axis) axes.push_back(axis);
  return nodes::Mean(scope, squares, axes, /*keep_dims=*/false);
}

Output CountCorrect(const Scope& scope, const Output& logits, const Output& labels) {
  const Output guess = nodes::ArgMax(scope, logits, -1, labels.dtype());
  const Output hit = nodes::Cast(scope, nodes::Equal(scope, guess, labels), DT_FLOAT);
  return nodes::Sum(scope, hit, {0}, /*keep_dims=*/false);
}

}  // namespace stator::nn
