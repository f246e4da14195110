// The generated wrappers as a user's program sees them.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "graph/function_builder.h"
#include "graph/op_schema.h"
#include "tools/op_wrapper_gen/test_ops.h"
#include "tools/op_wrapper_gen/test_wrappers.h"

namespace stator::ops {
namespace {

Scope NewScope() {
  static const auto* schemas = [] {
    auto* table = new graph::OpSchemaTable();
    for (const OpDef& op : tools::TestOps()) EXPECT_TRUE(table->Add(op).ok());
    return table;
  }();
  return Scope::NewRoot(schemas);
}

const graph::Node& NodeOf(const Output& output) { return output.operation().node(); }

TEST(Wrappers, AProgramReadsWell) {
  const Scope scope = NewScope();
  const Output x = Placeholder(scope, DT_FLOAT, {.shape = {"batch", 4}});
  const Output w = Const(scope, {{1, 2, 3, 4}, {5, 6, 7, 8}}, DT_FLOAT);
  const Output y = MatMul(scope, x, w, {.transpose_b = true});
  const auto [loss, backprop] = Loss(scope, y, {{0, 1}});
  const Output total = -(loss * 2 + 1.0) / (3 - backprop);
  const auto parts = Split(scope, 0, total, 3);
  const Output joined = ConcatV2(scope, {parts[0], x, {{1, 2, 3, 4}}}, -1);
  const Output flat = Reshape(scope, joined, {-1});
  const Output image = Conv2D(scope, x, w, {1, 2, 2, 1}, "SAME");
  const Operation done = NoOp(scope.WithControlDependencies({flat, image}));
  ASSERT_TRUE(scope.ok()) << scope.status();
  EXPECT_TRUE(*NodeOf(y).BoolAttr("transpose_b"));
  EXPECT_FALSE(*NodeOf(y).BoolAttr("transpose_a"));
  EXPECT_EQ((*NodeOf(x).ShapeAttr("shape"))->dim(0).name(), "batch");
  EXPECT_EQ(NodeOf(total).op(), "RealDiv");
  EXPECT_EQ(NodeOf(total).source().line, NodeOf(loss).source().line + 1);
  EXPECT_EQ(parts.size(), 3u);
  EXPECT_EQ(*NodeOf(joined).IntAttr("N"), 3);
  EXPECT_EQ(*NodeOf(joined).TypeAttr("Tidx"), DT_INT32);
  EXPECT_EQ(*NodeOf(image).StringAttr("data_format"), "NHWC");
  EXPECT_EQ(NodeOf(image).IntListAttr("dilations")->size(), 4u);
  EXPECT_EQ(done.node().control_inputs().size(), 2u);
  EXPECT_EQ(Cast(scope, x, DT_HALF).dtype(), DT_HALF);
}

TEST(Wrappers, AwkwardNamesAndDefaults) {
  const Scope scope = NewScope();
  const SwitchOutputs outputs = Switch(scope, 1, 2, 3);
  ASSERT_TRUE(scope.ok()) << scope.status();
  EXPECT_EQ(outputs.parts.size(), 3u);
  EXPECT_EQ(outputs.last.index(), 4);
  const graph::Node& node = NodeOf(outputs.operator_);
  EXPECT_EQ(*node.FloatAttr("float"), -std::numeric_limits<float>::infinity());
  EXPECT_EQ(*node.FloatAttr("half"), 0.1f);
  EXPECT_EQ(*node.StringAttr("name"), "\"\\");
  EXPECT_EQ((*node.FuncAttr("f"))->name(), "id");
  EXPECT_EQ(node.ShapeListAttr("shapes")->size(), 2u);
  EXPECT_EQ(*node.TypeListAttr("types"), std::vector<DataType>{DT_HALF});
  EXPECT_TRUE(SwitchAttrs(scope).valid());
  EXPECT_EQ(Output_(scope).dtype(), DT_FLOAT);
}

TEST(Wrappers, AfterAnErrorNothingBreaks) {
  const Scope scope = NewScope();
  const Output x = Placeholder(scope, DT_FLOAT);
  const Output i = Placeholder(scope, DT_INT32);
  const Output bad = x + i;
  const int line = __LINE__ - 1;
  const auto [loss, backprop] = Loss(scope, bad, bad);
  EXPECT_FALSE((loss + backprop * 2).valid());
  EXPECT_FALSE(Split(scope, 0, bad, 2)[1].valid());
  const std::string message(scope.status().message());
  EXPECT_NE(message.find("(op AddV2, at "), std::string::npos) << message;
  EXPECT_NE(message.find("wrappers_test.cc:" + std::to_string(line)), std::string::npos) << message;
}

TEST(Wrappers, InFunctions) {
  const Scope scope = NewScope();
  graph::FunctionBuilder square(scope, "square");
  const Output x = square.Arg("x", DT_FLOAT);
  square.Finish({x * x});
  EXPECT_TRUE(scope.ok()) << scope.status();
  EXPECT_EQ(scope.graph().FindFunction("square")->node_def(0).op(), "Mul");
}

}  // namespace
}  // namespace stator::ops
