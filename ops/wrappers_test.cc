// A training step written with the generated wrappers, as a user's program would be.

#include "ops/wrappers.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "ops/register_all.h"

namespace stator::ops {
namespace {

Scope NewScope() {
  static const auto* schemas = [] {
    auto* ops = new compiler::OpSet;
    RegisterAll(*ops);
    return ops;
  }();
  return Scope::NewRoot(schemas);
}

TEST(WrappersTest, ATrainingStep) {
  const Scope scope = NewScope();
  const Output images = Placeholder(scope, DT_FLOAT, {.shape = {"batch", 28, 28, 1}});
  const Output labels = Placeholder(scope, DT_INT64, {.shape = {"batch"}});
  const Output filter = VarHandleOp(scope, DT_FLOAT, {3, 3, 1, 8}, {.shared_name = "filter"});
  const Output weights = VarHandleOp(scope, DT_FLOAT, {1568, 10}, {.shared_name = "weights"});
  const Output filter_value = ReadVariableOp(scope, filter, DT_FLOAT);
  const Output weights_value = ReadVariableOp(scope, weights, DT_FLOAT);

  const Output convolved = Conv2D(scope, images, filter_value, {1, 1, 1, 1}, "SAME");
  const Output pooled = MaxPool(scope, Relu(scope, convolved), {1, 2, 2, 1}, {1, 2, 2, 1}, "SAME");
  const Output logits = MatMul(scope, Reshape(scope, pooled, {-1, 1568}), weights_value);
  const auto [losses, unused] = SparseSoftmaxCrossEntropyWithLogits(scope, logits, labels);
  const Output loss = Mean(scope, losses, 0);
  const Output hits = Equal(scope, ArgMax(scope, logits, 1), labels);
  const Output accuracy = Mean(scope, Cast(scope, hits, DT_FLOAT), 0);

  const OutputList gradients =
      Gradients(scope, {loss}, std::vector<Output>{}, {filter_value, weights_value});
  const Operation train = NoOp(scope.WithControlDependencies(
      {ResourceApplyGradientDescent(scope, filter, 0.1, gradients[0]),
       ResourceApplyGradientDescent(scope, weights, 0.1, gradients[1])}));
  ASSERT_TRUE(scope.ok()) << scope.status();

  EXPECT_EQ(loss.dtype(), DT_FLOAT);
  EXPECT_EQ(accuracy.dtype(), DT_FLOAT);
  EXPECT_EQ(gradients.size(), 2u);
  EXPECT_EQ(train.node().control_inputs().size(), 2u);
  std::multiset<std::string> ops;
  const GraphDef program = scope.graph().ToGraphDef();
  for (const NodeDef& node : program.node()) ops.insert(node.op());
  EXPECT_EQ(ops.count("Gradients"), 1u);
  EXPECT_EQ(ops.count("ResourceApplyGradientDescent"), 2u);
}

TEST(WrappersTest, AMistakeNamesItsLine) {
  const Scope scope = NewScope();
  const Output x = Placeholder(scope, DT_FLOAT);
  const Output y = MatMul(scope, x, Placeholder(scope, DT_DOUBLE));
  const int line = __LINE__ - 1;
  EXPECT_FALSE(y.valid());
  const std::string message(scope.status().message());
  EXPECT_NE(message.find("wrappers_test.cc:" + std::to_string(line)), std::string::npos) << message;
}

}  // namespace
}  // namespace stator::ops
