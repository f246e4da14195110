#ifndef STATOR_NN_LOSSES_H_
#define STATOR_NN_LOSSES_H_

#include "graph/scope.h"

namespace stator::nn {

// Mean over the batch of -log(softmax(logits)[label]). logits [batch, classes], labels [batch] of
// int32 or int64.
graph::Output SparseSoftmaxCrossEntropy(const graph::Scope& scope, const graph::Output& logits,
                                        const graph::Output& labels);

// Mean over all elements of (prediction - target)².
graph::Output MeanSquaredError(const graph::Scope& scope, const graph::Output& prediction,
                               const graph::Output& target);

// How many of the batch's examples have their largest logit at the label: a float scalar. A count
// rather than a share, so that batches of different sizes add up.
graph::Output CountCorrect(const graph::Scope& scope, const graph::Output& logits,
                           const graph::Output& labels);

}  // namespace stator::nn

#endif  // STATOR_NN_LOSSES_H_
