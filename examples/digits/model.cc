#include "examples/digits/model.h"

#include <vector>

#include "graph/node_builder.h"
#include "nn/layers.h"
#include "nn/losses.h"
#include "nn/optimizers.h"
#include "ops/wrappers.h"

namespace stator::examples {

using graph::NodeBuilder;
using graph::Output;
using graph::Scope;

namespace {

Output Placeholder(const Scope& scope, DataType dtype, const graph::PartialShape& shape) {
  return NodeBuilder(scope, "Placeholder")
      .Attr("dtype", dtype)
      .Attr("shape", shape)
      .Finalize()
      .output(0);
}

// As data::FromImages scales them.
Output Scaled(const Scope& scope, const Output& bytes) {
  const Output scale = graph::Constant(scope, 1.0f / 255.0f);
  const Output numbers = ops::Mul(scope, ops::Cast(scope, bytes, DT_FLOAT), scale);
  return ops::ExpandDims(scope, numbers, graph::Constant(scope, -1));
}

}  // namespace

DigitsModel::DigitsModel(const Scope& scope, uint64_t seed, int64_t height, int64_t width,
                         int64_t steps_per_epoch, DigitsInput input)
    : variables_(scope, seed) {
  const nn::LayerPtr net = nn::Sequential({
      nn::Conv2D(16, 5, {.activation = nn::Relu}),
      nn::MaxPool2D(2),
      nn::Conv2D(32, 5, {.activation = nn::Relu}),
      nn::MaxPool2D(2),
      nn::Flatten(),
      nn::Dense(128, {.activation = nn::Relu}),
      nn::Dropout(0.4f),
      nn::Dense(10),
  });

  // The batch size is left open: one executable serves them all.
  const Scope at = scope.WithOpName("images");
  const Output fed = input == DigitsInput::kNumbers
                         ? Placeholder(at, DT_FLOAT, {-1, height, width, 1})
                         : Placeholder(at, DT_UINT8, {-1, height, width});
  const Output images =
      input == DigitsInput::kNumbers ? fed : Scaled(scope.SubScope("scaled"), fed);
  const Output labels = Placeholder(scope.WithOpName("labels"), DT_INT32, {-1});

  const nn::Context training(scope.SubScope("training"), &variables_, /*training=*/true);
  const Output global_step = training.Read(variables_.GlobalStep());
  const graph::PartialShape scalar = graph::PartialShape::Scalar();
  training.SetStep(ops::PlaceholderWithDefault(scope.WithOpName("step"), global_step, scalar));
  const Output zero = graph::Constant(training.scope(), 0, DT_INT64);
  training.SetSeed(ops::PlaceholderWithDefault(scope.WithOpName("seed"), zero, scalar));
  const Output logits = net->Build(training, images);
  train_.inputs = {fed, labels};
  train_.loss = ops::Identity(scope.WithOpName("loss"),
                              nn::SparseSoftmaxCrossEntropy(training.scope(), logits, labels));
  train_.correct = ops::Identity(scope.WithOpName("correct"),
                                 nn::CountCorrect(training.scope(), logits, labels));
  const Output rate = nn::Schedule::ExponentialDecay(2e-3f, 0.5f, steps_per_epoch).Build(training);
  const nn::OptimizerPtr adam =
      nn::Adam(ops::PlaceholderWithDefault(scope.WithOpName("learning_rate"), rate, scalar));
  const graph::Operation update = nn::Minimize(training, train_.loss, *adam);
  train_.step = ops::NoOp(scope.WithOpName("train").WithControlDependencies({update}));

  const nn::Context inference(scope.SubScope("inference"), &variables_, /*training=*/false);
  const Output scores = net->Build(inference, images);
  evaluate_.inputs = {fed, labels};
  evaluate_.loss = nn::SparseSoftmaxCrossEntropy(inference.scope(), scores, labels);
  evaluate_.correct = nn::CountCorrect(inference.scope(), scores, labels);
  nn::Softmax(scope.WithOpName("probabilities"), scores);
  NodeBuilder(scope.WithOpName("digit"), "ArgMax").Input(scores).Input(-1).Finalize();

  std::vector<graph::Operation> initializers;
  for (const nn::Variable& variable : variables_.all()) initializers.push_back(variable.initialize);
  ops::NoOp(scope.WithOpName("init").WithControlDependencies(initializers));
}

}  // namespace stator::examples
