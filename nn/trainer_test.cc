// Trains small programs through the compiler and checks the numbers: exact resume, equal bits for
// every number of threads, optimizers against their formulas, initializers against their
// distributions.

#include "nn/trainer.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "data/dataset.h"
#include "data/philox.h"
#include "nn/layers.h"
#include "nn/losses.h"
#include "nn/optimizers.h"
#include "ops/wrappers.h"
#include "stator.h"

namespace stator::nn {
namespace {

using graph::Output;
using graph::Scope;
using runtime::Tensor;

// Points in a square; the label says whether both coordinates have one sign.
class Quadrants : public data::Dataset {
 public:
  explicit Quadrants(uint64_t seed) : seed_(seed) {}
  int64_t size() const override { return 10; }
  absl::StatusOr<data::Element> Get(int64_t epoch, int64_t step) const override {
    constexpr int kBatch = 32;
    data::RandomStream random(seed_, static_cast<uint64_t>(epoch * size() + step));
    std::vector<float> points;
    std::vector<int32_t> labels;
    for (int i = 0; i < kBatch; ++i) {
      const float x = random.NextUniform(-1, 1), y = random.NextUniform(-1, 1);
      points.insert(points.end(), {x, y});
      labels.push_back(x * y > 0);
    }
    return data::Element{Tensor::Of<float>({kBatch, 2}, points),
                               Tensor::Of<int32_t>({kBatch}, labels)};
  }

 private:
  uint64_t seed_;
};

// A program that learns it, with everything that a checkpoint must hold: slots, powers, random
// numbers, moving averages, a schedule.
struct Program {
  explicit Program(TrainerOptions options, int threads = 1)
      : scope(NewProgram()), variables(scope, 3) {
    const Output points =
        ops::Placeholder(scope.WithOpName("points"), DT_FLOAT, {.shape = {-1, 2}});
    const Output labels = ops::Placeholder(scope.WithOpName("labels"), DT_INT32, {.shape = {-1}});
    const LayerPtr net = Sequential({Dense(16, {.activation = Tanh}), BatchNorm({.momentum = 0.9f}),
                                     Dropout(0.1f), Dense(16, {.activation = Relu}), Dense(2)});
    TrainingPass train =
        Pass(Context(scope.SubScope("train"), &variables, true), net, points, labels);
    TrainingPass evaluate =
        Pass(Context(scope.SubScope("test"), &variables, false), net, points, labels);
    options.quiet = true;
    absl::StatusOr<std::unique_ptr<Trainer>> made =
        Trainer::Create(&variables, train, evaluate, std::move(options));
    EXPECT_TRUE(made.ok()) << made.status();
    if (!made.ok()) return;
    trainer = *std::move(made);
    runtime::SessionOptions session_options;
    session_options.num_threads = threads;
    session_options.seed = 1;
    session_options.check_plans = true;
    auto opened = NewSession(scope, std::move(session_options));
    EXPECT_TRUE(opened.ok()) << opened.status();
    if (!opened.ok()) return;
    session = *std::move(opened);
  }

  static TrainingPass Pass(const Context& context, const LayerPtr& net, const Output& points,
                           const Output& labels) {
    TrainingPass pass;
    const Output logits = net->Build(context, points);
    pass.inputs = {points, labels};
    pass.loss = SparseSoftmaxCrossEntropy(context.scope(), logits, labels);
    pass.correct = CountCorrect(context.scope(), logits, labels);
    if (context.training()) {
      pass.step = Minimize(context, pass.loss, *Adam(Schedule::ExponentialDecay(0.02f, 0.5f, 40)),
                           {.clip_norm = 1});
    }
    return pass;
  }

  Scope scope;
  Variables variables;
  std::unique_ptr<Trainer> trainer;
  std::unique_ptr<runtime::Session> session;
};

// The loss of each step from where the run starts to the end of `epochs`.
std::map<int64_t, float> Losses(int64_t epochs, TrainerOptions options, int threads = 1) {
  std::map<int64_t, float> losses;
  options.on_step = [&](int64_t step, float loss) { losses[step] = loss; };
  Program program(std::move(options), threads);
  if (program.session == nullptr) return losses;
  const absl::Status started = program.trainer->Start(program.session.get());
  EXPECT_TRUE(started.ok()) << started;
  const absl::Status trained = program.trainer->Fit(std::make_shared<Quadrants>(5), epochs);
  EXPECT_TRUE(trained.ok()) << trained;
  return losses;
}

std::string TemporaryFolder() {
  std::string folder = ::testing::TempDir() + "trainer-XXXXXX";
  EXPECT_NE(mkdtemp(folder.data()), nullptr);
  return folder;
}

TEST(Trainer, Learns) {
  Program program({});
  ASSERT_NE(program.session, nullptr);
  ASSERT_TRUE(program.trainer->Start(program.session.get()).ok());
  const absl::Status trained = program.trainer->Fit(std::make_shared<Quadrants>(5), 30);
  ASSERT_TRUE(trained.ok()) << trained;
  EXPECT_EQ(program.trainer->step(), 300);
  const absl::StatusOr<Metrics> metrics = program.trainer->Evaluate(std::make_shared<Quadrants>(6));
  ASSERT_TRUE(metrics.ok()) << metrics.status();
  EXPECT_EQ(metrics->examples, 320);
  EXPECT_GT(metrics->accuracy, 0.9);
}

TEST(Trainer, BitsDoNotDependOnThreads) {
  const std::map<int64_t, float> one = Losses(3, {}, 1);
  EXPECT_EQ(one.size(), 30u);
  EXPECT_EQ(Losses(3, {}, 2), one);
}

TEST(Trainer, ResumesToTheBit) {
  const std::map<int64_t, float> whole = Losses(3, {});
  const std::string folder = TemporaryFolder();
  TrainerOptions options;
  options.checkpoint = folder;
  options.save_every_steps = 7;
  Losses(1, options);  // leaves checkpoints of steps 7 and 10
  options.resume = true;
  const std::map<int64_t, float> rest = Losses(3, options);
  EXPECT_EQ(rest.size(), 20u);
  for (const auto& [step, loss] : rest) EXPECT_EQ(loss, whole.at(step)) << "step " << step;
  std::filesystem::remove_all(folder);
}

TEST(Trainer, ResumingWithoutAFolderIsAnError) {
  TrainerOptions options;
  options.resume = true;
  Program program(options);
  ASSERT_NE(program.session, nullptr);
  EXPECT_EQ(program.trainer->Start(program.session.get()).code(),
            absl::StatusCode::kInvalidArgument);
}

// One weight w = 1, loss = mean((w * x - 3)^2) at x = 2: gradient 4 * (2 * w - 3).
std::vector<float> Weights(const OptimizerPtr& optimizer, int steps) {
  const Scope scope = NewProgram();
  Variables variables(scope, 1);
  const Context context(scope, &variables, true);
  const Output w = context.Weight("w", DT_FLOAT, {1}, Ones());
  const Output loss = MeanSquaredError(scope, w * 2.0f, ops::Const(scope, {3.0f}));
  const graph::Operation step = Minimize(context, loss, *optimizer);
  EXPECT_TRUE(scope.ok()) << scope.status();
  std::vector<std::string> initializers;
  for (const Variable& v : variables.all()) initializers.push_back(v.initialize.node().name());
  const Output read = ops::ReadVariableOp(scope, variables.all()[0].handle, DT_FLOAT);
  auto session = NewSession(scope);
  EXPECT_TRUE(session.ok()) << session.status();
  std::vector<float> weights;
  absl::Status status = (*session)->Run({}, {}, initializers).status();
  for (int i = 0; i < steps && status.ok(); ++i) {
    status = (*session)->Run({}, {}, {step.node().name()}).status();
    if (!status.ok()) break;
    auto value = (*session)->Run({}, {read.name()});
    status = value.status();
    if (status.ok()) weights.push_back(*(*value)[0].data<float>());
  }
  EXPECT_TRUE(status.ok()) << status;
  return weights;
}

void ExpectNear(const std::vector<float>& values, const std::vector<double>& expected) {
  ASSERT_EQ(values.size(), expected.size());
  for (size_t i = 0; i < values.size(); ++i) EXPECT_NEAR(values[i], expected[i], 1e-5) << i;
}

TEST(Optimizers, FollowTheirFormulas) {
  constexpr int kSteps = 3;
  constexpr double kRate = 0.05, kBeta1 = 0.9, kBeta2 = 0.999, kEpsilon = 1e-7;
  const auto gradient = [](double w) { return 4 * (2 * w - 3); };
  std::vector<double> sgd, momentum, nesterov, adam;
  double w_sgd = 1, w_momentum = 1, w_nesterov = 1, w_adam = 1;
  double speed = 0, speed_nesterov = 0, m = 0, v = 0;
  for (int t = 1; t <= kSteps; ++t) {
    sgd.push_back(w_sgd -= kRate * gradient(w_sgd));
    speed = 0.9 * speed + gradient(w_momentum);
    momentum.push_back(w_momentum -= kRate * speed);
    const double g = gradient(w_nesterov);
    speed_nesterov = 0.9 * speed_nesterov + g;
    nesterov.push_back(w_nesterov -= kRate * (g + 0.9 * speed_nesterov));
    const double a = gradient(w_adam);
    m = kBeta1 * m + (1 - kBeta1) * a;
    v = kBeta2 * v + (1 - kBeta2) * a * a;
    const double rate = kRate * std::sqrt(1 - std::pow(kBeta2, t)) / (1 - std::pow(kBeta1, t));
    adam.push_back(w_adam -= rate * m / (std::sqrt(v) + kEpsilon));
  }
  ExpectNear(Weights(Sgd(kRate), kSteps), sgd);
  ExpectNear(Weights(Momentum(kRate), kSteps), momentum);
  ExpectNear(Weights(Momentum(kRate, 0.9f, true), kSteps), nesterov);
  ExpectNear(Weights(Adam(kRate), kSteps), adam);
}

// Values of a new weight.
std::vector<float> First(const Initializer& initializer, uint64_t seed, const std::string& name,
                         const std::vector<int64_t>& dims) {
  const Scope scope = NewProgram();
  Variables variables(scope, seed);
  const Variable& variable = variables.Get(name, DT_FLOAT, dims, initializer, true);
  auto session = NewSession(scope);
  EXPECT_TRUE(session.ok()) << session.status();
  auto value = (*session)->Run({}, {variable.initial.name()});
  EXPECT_TRUE(value.ok()) << value.status();
  if (!value.ok()) return {};
  const float* data = (*value)[0].data<float>();
  return std::vector<float>(data, data + (*value)[0].num_elements());
}

struct Moments {
  double mean = 0, deviation = 0, largest = 0;
};

Moments MomentsOf(const std::vector<float>& values) {
  Moments moments;
  for (float x : values) {
    moments.mean += x;
    moments.deviation += double{x} * x;
    moments.largest = std::max(moments.largest, std::abs(double{x}));
  }
  moments.mean /= static_cast<double>(values.size());
  moments.deviation = std::sqrt(moments.deviation / static_cast<double>(values.size()));
  return moments;
}

TEST(Initializers, HaveTheirDistributions) {
  const double limit = std::sqrt(6.0 / (200 + 300));
  const Moments glorot = MomentsOf(First(GlorotUniform(), 1, "w", {200, 300}));
  EXPECT_NEAR(glorot.mean, 0, limit * 0.02);
  EXPECT_NEAR(glorot.deviation, limit / std::sqrt(3.0), limit * 0.02);
  EXPECT_LE(glorot.largest, limit);
  EXPECT_GT(glorot.largest, 0.99 * limit);
  const double deviation = std::sqrt(2.0 / (5 * 5 * 16));
  const Moments he = MomentsOf(First(HeNormal(), 1, "w", {5, 5, 16, 32}));
  EXPECT_NEAR(he.mean, 0, deviation * 0.05);
  EXPECT_NEAR(he.deviation, deviation, deviation * 0.05);
  EXPECT_GT(he.largest, 3 * deviation);
}

TEST(Initializers, DependOnSeedAndNameOnly) {
  const std::vector<float> values = First(HeNormal(), 1, "a", {8, 8});
  EXPECT_EQ(First(HeNormal(), 1, "a", {8, 8}), values);
  EXPECT_NE(First(HeNormal(), 2, "a", {8, 8}), values);
  EXPECT_NE(First(HeNormal(), 1, "b", {8, 8}), values);
}

}  // namespace
}  // namespace stator::nn
