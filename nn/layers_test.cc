// What layers add to a program: sizes of results and weights, names, and errors. Numbers are tested
// where programs run.

#include "nn/layers.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "graph/node_builder.h"
#include "nn/test_program.h"

namespace stator::nn {
namespace {

using graph::Output;

TEST(Layers, AConvolutionalNetworkInfersItsSizes) {
  TestProgram program;
  const Output images = program.Placeholder("images", {-1, 28, 28, 1});
  const Context context = program.Training();
  const Output logits = Sequential({
                                       Conv2D(16, 5, {.activation = Relu}),
                                       MaxPool2D(2),
                                       Conv2D(32, 3, {.stride = 2, .padding = "VALID"}),
                                       AvgPool2D(2),
                                       Flatten(),
                                       Dense(128, {.activation = Tanh}),
                                       Dropout(0.4f),
                                       Dense(10),
                                   })
                            ->Build(context, images);
  ASSERT_TRUE(program.scope().ok()) << program.scope().status();
  EXPECT_EQ(*logits.Rank(), 2);
  EXPECT_EQ(*logits.DimSize(1), 10);
  EXPECT_EQ((*logits.shape())[0].text, (*images.shape())[0].text);
  std::vector<std::string> names;
  for (const Variable& variable : program.variables().all()) names.push_back(variable.name);
  EXPECT_EQ(names, (std::vector<std::string>{"conv2d/kernel", "conv2d/bias", "conv2d_1/kernel",
                                             "conv2d_1/bias", "dense/kernel", "dense/bias",
                                             "global_step", "dense_1/kernel", "dense_1/bias"}));
  // 28 -> pool 14 -> valid 3 by 2: 6 -> pool 3, 32 channels.
  EXPECT_EQ(program.variables().all()[4].dims, (std::vector<int64_t>{3 * 3 * 32, 128}));
}

TEST(Layers, PassesShareWeights) {
  TestProgram program;
  const Output x = program.Placeholder("x", {-1, 4});
  const LayerPtr net = Sequential({Dense(3), BatchNorm(), LayerNorm(), Dropout(0.5f)});
  const Context training = program.Training(), inference = program.Inference();
  net->Build(training, x);
  const size_t count = program.variables().all().size();
  const Output y = net->Build(inference, x);
  ASSERT_TRUE(program.scope().ok()) << program.scope().status();
  EXPECT_EQ(program.variables().all().size(), count);
  EXPECT_EQ(*y.DimSize(1), 3);
  // Dense and the two normalizations have two weights each; moving averages are not trained.
  EXPECT_EQ(training.Trained().size(), 6u);
  EXPECT_EQ(training.updates().size(), 2u);
  EXPECT_EQ(inference.updates().size(), 0u);
}

TEST(Layers, DenseTakesSequences) {
  TestProgram program;
  const Output x = program.Placeholder("x", {-1, -1, 4});
  const Output y = Dense(3, {.activation = Gelu})->Build(program.Training(), x);
  ASSERT_TRUE(program.scope().ok()) << program.scope().status();
  EXPECT_EQ(*y.Rank(), 3);
  EXPECT_EQ((*y.shape())[1].text, (*x.shape())[1].text);
  EXPECT_EQ(*y.DimSize(2), 3);
}

TEST(Layers, BatchNormTakesImages) {
  TestProgram program;
  const Output x = program.Placeholder("x", {-1, 8, 8, 3});
  const Output y = BatchNorm()->Build(program.Training(), x);
  ASSERT_TRUE(program.scope().ok()) << program.scope().status();
  EXPECT_EQ(*y.Rank(), 4);
  EXPECT_EQ(*y.DimSize(3), 3);
}

TEST(Layers, MistakesNameTheLayer) {
  const struct {
    LayerPtr layer;
    std::vector<int64_t> dims;
    const char* expected;
  } cases[] = {
      {Dense(0), {-1, 4}, "layer 'dense'"},
      {Dense(3), {-1, -1}, "x"},
      {Conv2D(8, 0), {-1, 8, 8, 1}, "layer 'conv2d'"},
      {Dropout(1), {-1, 4}, "layer 'dropout'"},
      {BatchNorm(), {-1, 4, 4}, "layer 'batch_norm'"},
      {Dense(3), {4}, "MatMul"},
  };
  for (const auto& test : cases) {
    TestProgram program;
    const Output x = program.Placeholder("x", test.dims);
    EXPECT_FALSE(test.layer->Build(program.Training(), x).valid());
    const std::string message(program.scope().status().message());
    EXPECT_EQ(program.scope().status().code(), absl::StatusCode::kInvalidArgument) << message;
    EXPECT_NE(message.find(test.expected), std::string::npos) << message;
  }
}

TEST(Layers, ALayerBelongsToOneProgram) {
  TestProgram one, two;
  const LayerPtr dense = Dense(3);
  dense->Build(one.Training(), one.Placeholder("x", {-1, 4}));
  dense->Build(two.Training(), two.Placeholder("x", {-1, 4}));
  EXPECT_TRUE(one.scope().ok());
  EXPECT_EQ(two.scope().status().code(), absl::StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace stator::nn
