#include "nn/optimizers.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "nn/layers.h"
#include "nn/losses.h"
#include "nn/test_program.h"

namespace stator::nn {
namespace {

using graph::Output;

// How many nodes of each op the program has.
std::map<std::string, int> CountOps(const graph::Graph& graph) {
  std::map<std::string, int> counts;
  for (int id = 0; id < graph.num_nodes(); ++id) ++counts[graph.node(id).op()];
  return counts;
}

Output Loss(TestProgram& program, const Context& context) {
  const Output x = program.Placeholder("x", {-1, 4});
  const Output labels = program.Placeholder("labels", {-1}, DT_INT32);
  return SparseSoftmaxCrossEntropy(context.scope(), Dense(3)->Build(context, x), labels);
}

TEST(Minimize, UpdatesEveryWeightOnceAndCountsTheStep) {
  TestProgram program;
  const Context context = program.Training();
  const Output loss = Loss(program, context);
  const graph::Operation step =
      Minimize(context, loss, *Adam(Schedule::ExponentialDecay(1e-3f, 0.5f, 10)), {.clip_norm = 1});
  ASSERT_TRUE(program.scope().ok()) << program.scope().status();
  EXPECT_EQ(step.node().op(), "NoOp");
  const auto counts = CountOps(program.scope().graph());
  EXPECT_EQ(counts.at("Gradients"), 1);
  EXPECT_EQ(counts.at("ResourceApplyAdam"), 2);
  EXPECT_EQ(counts.at("AssignAddVariableOp"), 1);
  // Both updates, both powers of Adam, the step.
  EXPECT_EQ(step.node().control_inputs().size(), 5u);
  // kernel, bias and their two slots each; the powers and the step.
  EXPECT_EQ(program.variables().all().size(), 2u + 4 + 2 + 1);
}

TEST(Minimize, EveryOptimizerFits) {
  for (const OptimizerPtr& optimizer : {Sgd(0.1f), Momentum(0.1f), Momentum(0.1f, 0.9f, true)}) {
    TestProgram program;
    const Context context = program.Training();
    const Output loss = Loss(program, context);
    EXPECT_TRUE(Minimize(context, loss, *optimizer).valid()) << program.scope().status();
  }
}

TEST(Minimize, TakesRateStepAndSeedFromTensors) {
  TestProgram program;
  const Context context = program.Training();
  const Output rate = program.Placeholder("rate", {}),
               step = program.Placeholder("step", {}, DT_INT64);
  context.SetStep(step);
  context.SetSeed(program.Placeholder("seed", {}, DT_INT64));
  const Output x = program.Placeholder("x", {-1, 4});
  const Output labels = program.Placeholder("labels", {-1}, DT_INT32);
  const Output logits = Dense(3)->Build(context, Dropout(0.5f)->Build(context, x));
  const Output loss = SparseSoftmaxCrossEntropy(context.scope(), logits, labels);
  EXPECT_TRUE(Minimize(context, loss, *Adam(rate)).valid()) << program.scope().status();
  EXPECT_EQ(context.Step().name(), step.name());

  // Only the dropout uses step and seed, only the updates the rate.
  std::map<std::string, int> uses;
  const graph::Graph& graph = program.scope().graph();
  for (int id = 0; id < graph.num_nodes(); ++id) {
    for (const graph::Endpoint& input : graph.node(id).inputs()) {
      ++uses[graph.node(input.node).name() + " in " + graph.node(id).op()];
    }
  }
  EXPECT_EQ(uses["step in Cast"], 1);
  EXPECT_EQ(uses["seed in Cast"], 1);
  EXPECT_EQ(uses["rate in ResourceApplyAdam"], 2);
  EXPECT_EQ(CountOps(graph).at("BitwiseXor"), 1);
}

TEST(Minimize, WithoutWeightsIsAnError) {
  TestProgram program;
  const Context context = program.Training();
  const Output x = program.Placeholder("x", {4});
  EXPECT_FALSE(Minimize(context, x, *Sgd(0.1f)).valid());
  EXPECT_EQ(program.scope().status().code(), absl::StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace stator::nn
