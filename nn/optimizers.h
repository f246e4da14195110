#ifndef STATOR_NN_OPTIMIZERS_H_
#define STATOR_NN_OPTIMIZERS_H_

#include <memory>
#include <utility>

#include "graph/scope.h"
#include "nn/context.h"

namespace stator::nn {

// The learning rate as a function of the number of completed steps.
class Schedule {
 public:
  Schedule(float rate) : rate_(rate) {}  // NOLINT: a plain number is a constant rate
  // A float scalar of the program.
  Schedule(const graph::Output& rate) : tensor_(rate) {}  // NOLINT: as above
  // rate · factor^(step / steps), smoothly.
  static Schedule ExponentialDecay(float rate, float factor, int64_t steps);

  // A float scalar for the step that this pass makes.
  graph::Output Build(const Context& context) const;

 private:
  graph::Output tensor_;  // if valid, the rate
  float rate_ = 0;
  float factor_ = 1;
  int64_t steps_ = 1;
};

// How a gradient changes a weight. Slots are variables beside the weight, so checkpoints hold them.
class Optimizer {
 public:
  virtual ~Optimizer() = default;
  // Once before the weights: what all of them share.
  virtual void Begin(const Context& context) = 0;
  // Updates one weight.
  virtual graph::Operation Apply(const Context& context, const Variable& weight,
                                 const graph::Output& gradient) = 0;
  // After all weights have been updated; adds its operations with Context::AddUpdate.
  virtual void End(const Context& context) {}
};
using OptimizerPtr = std::shared_ptr<Optimizer>;

OptimizerPtr Sgd(Schedule rate);
OptimizerPtr Momentum(Schedule rate, float momentum = 0.9f, bool nesterov = false);
OptimizerPtr Adam(Schedule rate, float beta1 = 0.9f, float beta2 = 0.999f, float epsilon = 1e-7f);

struct MinimizeOptions {
  // Scales all gradients down together if their common norm is larger; 0: never.
  float clip_norm = 0;
};

// The operation of one training step: differentiates `loss` by every weight that the pass has read,
// updates them, runs the pass's other updates and counts the step. Invalid after an error.
graph::Operation Minimize(const Context& context, const graph::Output& loss, Optimizer& optimizer,
                          const MinimizeOptions& options = {});

}  // namespace stator::nn

#endif  // STATOR_NN_OPTIMIZERS_H_
