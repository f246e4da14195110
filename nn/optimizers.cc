#include "nn/optimizers.h"

#include "nn/initializers.h"
#include "ops/gradients.h"
#include "ops/wrappers.h"

namespace stator::nn {
namespace {

using graph::Operation;
using graph::Output;
using graph::Scope;

class SgdOptimizer : public Optimizer {
 public:
  explicit SgdOptimizer(Schedule schedule) : schedule_(schedule) {}
  void Begin(const Context& context) override { rate_ = schedule_.Build(context); }
  Operation Apply(const Context& context, const Variable& weight, const Output& gradient) override {
    return ops::ResourceApplyGradientDescent(context.scope(), weight.handle, rate_, gradient);
  }

 private:
  Schedule schedule_;
  Output rate_;
};

class MomentumOptimizer : public Optimizer {
 public:
  MomentumOptimizer(Schedule schedule, float momentum, bool nesterov)
      : schedule_(schedule), momentum_(momentum), nesterov_(nesterov) {}
  void Begin(const Context& context) override { rate_ = schedule_.Build(context); }
  Operation Apply(const Context& context, const Variable& weight, const Output& gradient) override {
    const Variable& speed =
        context.State(weight.name + "/Momentum", weight.dtype, weight.dims, Zeros());
    return ops::ResourceApplyMomentum(context.scope(), weight.handle, speed.handle, rate_,
                                      gradient, momentum_, {.use_nesterov = nesterov_});
  }

 private:
  Schedule schedule_;
  float momentum_;
  bool nesterov_;
  Output rate_;
};

// Slots are named as TensorFlow names them.
class AdamOptimizer : public Optimizer {
 public:
  AdamOptimizer(Schedule schedule, float beta1, float beta2, float epsilon)
      : schedule_(schedule), beta1_(beta1), beta2_(beta2), epsilon_(epsilon) {}

  void Begin(const Context& context) override {
    rate_ = schedule_.Build(context);
    power1_ = &context.State("beta1_power", DT_FLOAT, {}, ConstantValue(beta1_));
    power2_ = &context.State("beta2_power", DT_FLOAT, {}, ConstantValue(beta2_));
    context.Read(*power1_);
    context.Read(*power2_);
  }

  Operation Apply(const Context& context, const Variable& weight, const Output& gradient) override {
    const Variable& m = context.State(weight.name + "/Adam", weight.dtype, weight.dims, Zeros());
    const Variable& v = context.State(weight.name + "/Adam_1", weight.dtype, weight.dims, Zeros());
    return ops::ResourceApplyAdam(context.scope(), weight.handle, m.handle, v.handle,
                                  context.Read(*power1_), context.Read(*power2_), rate_, beta1_,
                                  beta2_, epsilon_, gradient);
  }

  void End(const Context& context) override {
    for (const auto& [power, beta] : {std::pair(power1_, beta1_), std::pair(power2_, beta2_)}) {
      const Output next = ops::Mul(context.scope(), context.Read(*power), beta);
      context.AddUpdate(ops::AssignVariableOp(context.scope(), power->handle, next));
    }
  }

 private:
  Schedule schedule_;
  float beta1_, beta2_, epsilon_;
  Output rate_;
  const Variable* power1_ = nullptr;
  const Variable* power2_ = nullptr;
};

// The gradients, each scaled by clip / max(clip, norm of them all).
std::vector<Output> ClipByGlobalNorm(const Scope& scope, const std::vector<Output>& gradients,
                                     float clip) {
  std::vector<Output> squares;
  for (const Output& gradient : gradients) {
    const Output flat = ops::Reshape(scope, ops::Square(scope, gradient), {-1});
    squares.push_back(ops::Sum(scope, flat, {0}));
  }
  const Output norm = ops::Sqrt(scope, ops::AddN(scope, squares));
  const Output scale = ops::RealDiv(scope, clip, ops::Maximum(scope, norm, clip));
  std::vector<Output> clipped;
  for (const Output& gradient : gradients) clipped.push_back(ops::Mul(scope, gradient, scale));
  return clipped;
}

}  // namespace

Schedule Schedule::ExponentialDecay(float rate, float factor, int64_t steps) {
  Schedule schedule(rate);
  schedule.factor_ = factor;
  schedule.steps_ = steps;
  return schedule;
}

Output Schedule::Build(const Context& context) const {
  if (tensor_.valid()) return tensor_;
  const Scope& scope = context.scope();
  const Output rate = graph::Constant(scope, rate_);
  if (factor_ == 1) return rate;
  const Output step = ops::Cast(scope, context.Step(), DT_FLOAT);
  const Output periods = ops::Mul(scope, step, 1.0f / static_cast<float>(steps_));
  return ops::Mul(scope, ops::Pow(scope, factor_, periods), rate_);
}

OptimizerPtr Sgd(Schedule rate) { return std::make_shared<SgdOptimizer>(rate); }

OptimizerPtr Momentum(Schedule rate, float momentum, bool nesterov) {
  return std::make_shared<MomentumOptimizer>(rate, momentum, nesterov);
}

OptimizerPtr Adam(Schedule rate, float beta1, float beta2, float epsilon) {
  return std::make_shared<AdamOptimizer>(rate, beta1, beta2, epsilon);
}

Operation Minimize(const Context& pass, const Output& loss, Optimizer& optimizer,
                   const MinimizeOptions& options) {
  const Context context = pass.Under("train");
  const Scope& scope = context.scope();
  const auto trained = context.Trained();
  if (scope.ok() && trained.empty()) {
    scope.UpdateStatus(absl::FailedPreconditionError("nothing to train: the pass reads no weight"));
  }
  if (!scope.ok()) return {};
  // Read before it is counted, here and wherever the pass uses it.
  const Variable& step = context.variables().GlobalStep();
  context.Read(step);
  optimizer.Begin(context);

  std::vector<Output> weights;
  for (const auto& [variable, value] : trained) weights.push_back(value);
  std::vector<Output> gradients = ops::AddGradients(scope, {loss}, weights);
  if (options.clip_norm > 0) gradients = ClipByGlobalNorm(scope, gradients, options.clip_norm);
  if (!scope.ok()) return {};

  std::vector<Operation> updates;
  for (size_t i = 0; i < trained.size(); ++i) {
    updates.push_back(optimizer.Apply(context, *trained[i].first, gradients[i]));
  }
  optimizer.End(context);
  const Output one = graph::Constant(scope, 1, DT_INT64);
  context.AddUpdate(ops::AssignAddVariableOp(scope, step.handle, one));
  for (const Operation& update : context.updates()) updates.push_back(update);
  return ops::NoOp(scope.WithOpName("step").WithControlDependencies(updates));
}

}  // namespace stator::nn
