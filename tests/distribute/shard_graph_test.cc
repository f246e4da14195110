// What the rewrite for virtual replicas keeps, adds and refuses.
#include "distribute/strategy/shard_graph.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "graph/node_builder.h"
#include "ops/gradients.h"
#include "ops/wrappers.h"
#include "stator.h"

namespace stator::distribute {
namespace {

using graph::NodeBuilder;
using graph::Operation;
using graph::Output;
using graph::Scope;

// y = mean(x w), w -= gradient; more is added by each test.
struct Program {
  Program() {
    x = ops::Placeholder(scope.WithOpName("x"), DT_FLOAT, {.shape = graph::PartialShape{-1, 4}});
    w = ops::VarHandleOp(scope.WithOpName("w"), DT_FLOAT, graph::PartialShape{4, 2});
    value = ops::ReadVariableOp(scope.WithOpName("value"), w, DT_FLOAT);
    y = ops::MatMul(scope.WithOpName("y"), x, value);
    loss = ops::Mean(scope.WithOpName("loss"), y, {0, 1});
  }
  // The update by a gradient.
  Operation Descend(const Output& gradient) {
    return ops::ResourceApplyGradientDescent(scope.WithOpName("descend"), w, 0.1f, gradient);
  }
  Output Gradient() { return ops::AddGradients(scope.WithOpName("g"), {loss}, {value})[0]; }

  absl::StatusOr<ShardedStep> Rewrite(const std::vector<Operation>& updates,
                                      std::vector<Metric> metrics = {}) {
    ops::NoOp(scope.WithOpName("step").WithControlDependencies(updates));
    auto def = scope.ToGraphDef();
    if (!def.ok()) return def.status();
    auto graph = graph::Graph::FromGraphDef(*std::move(def), &Ops());
    if (!graph.ok()) return graph.status();
    TrainingStep step;
    step.inputs = {"x:0"};
    step.metrics = std::move(metrics);
    step.target = "step";
    return ShardGraph(*graph, step);
  }

  Scope scope = NewProgram();
  Output x, w, value, y, loss;
};

const NodeDef* Find(const GraphDef& graph, const std::string& name) {
  for (const NodeDef& node : graph.node()) {
    if (node.name() == name) return &node;
  }
  return nullptr;
}

void ExpectError(const absl::StatusOr<ShardedStep>& result, absl::StatusCode code,
                 const std::vector<std::string>& parts) {
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.status().code(), code) << result.status();
  for (const std::string& part : parts) {
    EXPECT_NE(std::string(result.status().message()).find(part), std::string::npos)
        << "'" << part << "' is not in: " << result.status();
  }
}

TEST(ShardGraphTest, UpdatesReadSums) {
  Program p;
  const auto result = p.Rewrite({p.Descend(p.Gradient())}, {{"loss", "loss:0"}});
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->shard_feeds, (std::vector<std::string>{"x:0", "stator/shard:0"}));
  ASSERT_EQ(result->update_feeds, (std::vector<std::string>{"stator/reduced_0:0"}));
  EXPECT_EQ(Find(result->graph, "descend")->input(2), "stator/reduced_0");
  // The loss is a float and a mean as the gradient is, so they travel together.
  EXPECT_EQ(result->Sequence(), (std::vector<std::string>{"mean float: g (32 bytes) loss"}));
  EXPECT_EQ(Find(result->graph, "stator/reduced_0")->attr().at("shape").shape().dim(0).size(), 4);
}

TEST(ShardGraphTest, MetricsOfTheUpdateAreFetchedThere) {
  Program p;
  const Output gradient = p.Gradient();
  const Output norm = ops::Sqrt(
      p.scope.WithOpName("norm"),
      ops::Sum(p.scope, ops::Square(p.scope, gradient), {0, 1}));
  const auto result =
      p.Rewrite({p.Descend(gradient)}, {{"norm", "norm:0"}, {"loss", "loss:0"}});
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->metrics[0].fetch, "norm:0");
  EXPECT_EQ(result->metrics[1].bucket, 0);
}

TEST(ShardGraphTest, ValueOfOneShardMustNotReachAVariable) {
  Program p;
  const Output kept = ops::VarHandleOp(p.scope.WithOpName("kept"), DT_FLOAT,
                                       graph::PartialShape::Scalar());
  const Operation assign =
      ops::AssignVariableOp(p.scope.WithOpName("keep"), kept, p.loss);
  ExpectError(p.Rewrite({p.Descend(p.Gradient()), assign}), absl::StatusCode::kInvalidArgument,
              {"node 'keep'", "AssignVariableOp", "'loss'", "_aggregation"});
}

TEST(ShardGraphTest, DeclaredAggregationMayReachAVariable) {
  Program p;
  const Output kept = ops::VarHandleOp(p.scope.WithOpName("kept"), DT_FLOAT,
                                       graph::PartialShape::Scalar());
  const Output sum = NodeBuilder(p.scope.WithOpName("total"), "Identity")
                         .Input(p.loss)
                         .Attr("_aggregation", std::string("sum"))
                         .Finalize()
                         .output(0);
  const Operation assign = ops::AssignVariableOp(p.scope.WithOpName("keep"), kept, sum);
  const auto result = p.Rewrite({p.Descend(p.Gradient()), assign});
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(Find(result->graph, "keep")->input(1), "stator/reduced_1");
  EXPECT_EQ(result->buckets[1].aggregation, Aggregation::kSum);
}

TEST(ShardGraphTest, UnknownAggregationIsRefused) {
  Program p;
  NodeBuilder(p.scope.WithOpName("odd"), "Identity")
      .Input(p.loss)
      .Attr("_aggregation", std::string("median"))
      .Finalize();
  ExpectError(p.Rewrite({p.Descend(p.Gradient())}, {{"odd", "odd:0"}}),
              absl::StatusCode::kInvalidArgument, {"node 'odd'", "\"median\"", "\"mean\""});
}

TEST(ShardGraphTest, ShardAndSumDoNotMix) {
  Program p;
  const Output gradient = p.Gradient();
  const Output both = ops::AddV2(p.scope.WithOpName("both"),
                                 ops::Sum(p.scope, gradient, {0, 1}), p.loss);
  ExpectError(p.Rewrite({p.Descend(gradient)}, {{"both", "both:0"}}),
              absl::StatusCode::kInvalidArgument, {"node 'both'", "found both", "'Sum'"});
}

TEST(ShardGraphTest, RandomOpsWithStateAreRefused) {
  Program p;
  const Output noise =
      ops::RandomUniform(p.scope.WithOpName("noise"), ops::Shape(p.scope, p.y), DT_FLOAT);
  const Output loss =
      ops::Mean(p.scope.WithOpName("noisy"), ops::Mul(p.scope, p.y, noise), {0, 1});
  const Output gradient = ops::AddGradients(p.scope.WithOpName("h"), {loss}, {p.value})[0];
  ExpectError(p.Rewrite({p.Descend(gradient)}), absl::StatusCode::kUnimplemented,
              {"node 'noise'", "stateless"});
}

TEST(ShardGraphTest, MeansOfIntegersAreRefused) {
  Program p;
  const Output count = ops::Size(p.scope.WithOpName("count"), p.y);
  ExpectError(p.Rewrite({p.Descend(p.Gradient())}, {{"count", "count:0"}}),
              absl::StatusCode::kInvalidArgument, {"node 'count'", "mean", "int32"});
}

TEST(ShardGraphTest, NamesOfAnEarlierRewriteAreRefused) {
  Program p;
  ops::NoOp(p.scope.WithOpName("stator/shard"));
  ExpectError(p.Rewrite({p.Descend(p.Gradient())}), absl::StatusCode::kInvalidArgument,
              {"stator/shard", "rewritten before"});
}

}  // namespace
}  // namespace stator::distribute
