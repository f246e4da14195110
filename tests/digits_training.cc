#include "tests/digits_training.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace stator::tests {
namespace {

using runtime::Tensor;

constexpr int64_t kBatch = 48, kSide = 28;

int64_t Label(int64_t image, int step) { return (image * 7 + step * 3) % 10; }

// A bright square whose place tells the label.
Tensor Images(int step) {
  Tensor images = *Tensor::Create(executable::DType::kFloat32, {kBatch, kSide, kSide, 1});
  for (int64_t i = 0; i < images.num_elements(); ++i) {
    const int64_t x = i % kSide, y = i / kSide % kSide, label = Label(i / (kSide * kSide), step);
    const bool inside = x / 6 == label % 4 && y / 8 == label / 4;
    const float noise = static_cast<float>((i * 7919 + step * 31) % 97) / 970.0f;
    images.data<float>()[i] = (inside ? 0.9f : 0.0f) + noise;
  }
  return images;
}

Tensor Labels(int step) {
  Tensor labels = *Tensor::Create(executable::DType::kInt32, {kBatch});
  for (int64_t i = 0; i < kBatch; ++i) {
    labels.data<int32_t>()[i] = static_cast<int32_t>(Label(i, step));
  }
  return labels;
}

}  // namespace

DigitsTraining::DigitsTraining(int threads, uint64_t seed)
    : program_(NewProgram()), model_(program_, seed, kSide, kSide, /*steps_per_epoch=*/10) {
  runtime::SessionOptions options;
  options.num_threads = threads;
  options.check_plans = true;
  options.poison = true;
  auto session = NewSession(program_, std::move(options));
  EXPECT_TRUE(session.ok()) << session.status();
  if (!session.ok()) return;
  std::vector<std::string> initializers;
  for (const nn::Variable& variable : model_.variables().all()) {
    initializers.push_back(variable.initialize.node().name());
  }
  const absl::Status status = (*session)->Run({}, {}, initializers).status();
  EXPECT_TRUE(status.ok()) << status;
  if (status.ok()) session_ = *std::move(session);
}

std::vector<float> DigitsTraining::Run(int steps) {
  std::vector<float> losses;
  if (session_ == nullptr) return losses;
  const nn::TrainingPass& pass = model_.train_pass();
  for (int step = 0; step < steps; ++step) {
    const std::vector<runtime::NamedTensor> feeds = {{pass.inputs[0].name(), Images(step)},
                                                     {pass.inputs[1].name(), Labels(step)}};
    auto fetched = session_->Run(feeds, {pass.loss.name()}, {pass.step.node().name()});
    EXPECT_TRUE(fetched.ok()) << fetched.status();
    if (!fetched.ok()) break;
    losses.push_back(*(*fetched)[0].data<float>());
  }
  return losses;
}

}  // namespace stator::tests
