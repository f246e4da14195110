// A convolutional network trains through the real pipeline: the same bits for any number of threads, and nothing but
// generated code at work.

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "examples/digits/model.h"
#include "executable/image_model.h"
#include "stator.h"

namespace stator {
namespace {

using executable::StepKind;
using runtime::Tensor;

constexpr int64_t kBatch = 48;

// One program and a session that trains it.
class Training {
 public:
  explicit Training(int threads) : scope_(NewProgram()), model_(scope_, /*seed=*/7, 28, 28, /*steps_per_epoch=*/10) {
    runtime::SessionOptions options;
    options.num_threads = threads;
    options.check_plans = true;
    options.poison = true;
    auto session = NewSession(scope_, std::move(options));
    EXPECT_TRUE(session.ok()) << session.status();
    if (!session.ok()) return;
    session_ = *std::move(session);
    std::vector<std::string> initializers;
    for (const nn::Variable& variable : model_.variables().all()) {
      initializers.push_back(variable.initialize.node().name());
    }
    absl::Status status = session_->Run({}, {}, initializers).status();
    EXPECT_TRUE(status.ok()) << status;
  }

  // The loss before each of `steps` steps, on batches that depend on the step alone.
  std::vector<float> Run(int steps) {
    const auto& pass = model_.train_pass();
    std::vector<float> losses;
    for (int step = 0; step < steps; ++step) {
      auto fetched = session_->Run({{pass.inputs[0].name(), Images(step)}, {pass.inputs[1].name(), Labels(step)}},
                                   {pass.loss.name()}, {pass.step.node().name()});
      EXPECT_TRUE(fetched.ok()) << fetched.status();
      if (!fetched.ok()) break;
      losses.push_back(*(*fetched)[0].data<float>());
    }
    return losses;
  }

  runtime::Session* session() { return session_.get(); }

 private:
  // A bright square whose place tells the label.
  static Tensor Images(int step) {
    Tensor images = *Tensor::Create(executable::DType::kFloat32, {kBatch, 28, 28, 1});
    for (int64_t i = 0; i < images.num_elements(); ++i) {
      const int64_t x = i % 28, y = i / 28 % 28, label = Label(i / 784, step);
      const bool inside = x / 6 == label % 4 && y / 8 == label / 4;
      images.data<float>()[i] = (inside ? 0.9f : 0.0f) + static_cast<float>((i * 7919 + step * 31) % 97) / 970.0f;
    }
    return images;
  }
  static Tensor Labels(int step) {
    Tensor labels = *Tensor::Create(executable::DType::kInt32, {kBatch});
    for (int64_t i = 0; i < kBatch; ++i) labels.data<int32_t>()[i] = static_cast<int32_t>(Label(i, step));
    return labels;
  }
  static int64_t Label(int64_t image, int step) { return (image * 7 + step * 3) % 10; }

  graph::Scope scope_;
  examples::DigitsModel model_;
  std::unique_ptr<runtime::Session> session_;
};

TEST(TrainingTest, TheLossFalls) {
  Training training(2);
  const std::vector<float> losses = training.Run(25);
  ASSERT_EQ(losses.size(), 25u);
  EXPECT_GT(losses.front(), 1.5f);
  EXPECT_LT(losses.back(), 0.5f * losses.front());
}

TEST(TrainingTest, OneThreadAndTwoGiveTheSameBits) {
  Training one(1), two(2);
  EXPECT_EQ(one.Run(6), two.Run(6));
  for (const std::string& name : one.session()->variables()->Names()) {
    const Tensor a = *one.session()->variables()->Read(name), b = *two.session()->variables()->Read(name);
    ASSERT_EQ(a.bytes(), b.bytes()) << name;
    EXPECT_EQ(std::memcmp(a.raw(), b.raw(), static_cast<size_t>(a.bytes())), 0) << name;
  }
}

TEST(TrainingTest, GeneratedCodeDoesAllTheWork) {
  Training training(1);
  const std::vector<int64_t> before = training.session()->StepCounts();
  training.Run(3);
  const std::vector<int64_t> after = training.session()->StepCounts();
  auto steps = [&](StepKind kind) { return after[static_cast<size_t>(kind)] - before[static_cast<size_t>(kind)]; };
  EXPECT_GT(steps(StepKind::kLaunchKernel), 0);
  EXPECT_EQ(steps(StepKind::kHostCall), 0);
  int64_t others = 0;
  for (size_t kind = 0; kind < after.size(); ++kind) others += after[kind] - before[kind];
  others -= steps(StepKind::kLaunchKernel) + steps(StepKind::kCheck) + steps(StepKind::kCopy);
  EXPECT_EQ(others, 0);
}

}  // namespace
}  // namespace stator
