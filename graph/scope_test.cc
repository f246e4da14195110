#include "graph/scope.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "graph/function_builder.h"
#include "graph/node_builder.h"

namespace stator::graph {
namespace {

const OpSchemas* Schemas() {
  static const auto* table = [] {
    auto* ops = new OpSchemaTable();
    const auto add = [&](const OpSchemaBuilder& op) { EXPECT_TRUE(ops->Add(*op.Build()).ok()); };
    add(OpSchemaBuilder("Const").Output("output: dtype").Attr("value: tensor").Attr("dtype: type"));
    add(OpSchemaBuilder("Placeholder")
            .Output("output: dtype")
            .Attr("dtype: type")
            .Attr("shape: shape = { unknown_rank: true }"));
    add(OpSchemaBuilder("Add").Input("x: T").Input("y: T").Output("z: T").Attr(
        "T: {float, half, double, int32, int64}"));
    add(OpSchemaBuilder("Range")
            .Input("start: Tidx")
            .Input("limit: Tidx")
            .Output("output: Tidx")
            .Attr("Tidx: {float, double, int32, int64} = DT_INT32"));
    add(OpSchemaBuilder("Pack")
            .Input("values: N * T")
            .Output("output: T")
            .Attr("N: int >= 1")
            .Attr("T: type"));
    add(OpSchemaBuilder("Many").Input("input: T").Output("output: T").Attr("T: list(type) >= 1"));
    add(OpSchemaBuilder("Take").Input("x: T").Input("at: int32").Output("y: T").Attr("T: type"));
    add(OpSchemaBuilder("If")
            .Input("c: bool")
            .Input("input: Tin")
            .Output("output: Tout")
            .Attr("Tin: list(type) >= 0")
            .Attr("Tout: list(type) >= 0")
            .Attr("then_branch: func")
            .Attr("else_branch: func"));
    add(OpSchemaBuilder("NoOp"));
    return ops;
  }();
  return table;
}

// Knows the sizes of placeholders and lets them pass through Add; refuses Take at a known line.
class FakeChecker : public NodeChecker {
 public:
  absl::StatusOr<std::vector<InferredTensor>> AddNode(const Graph& graph,
                                                      const Node& node) override {
    if (node.op() == "Take") return absl::InvalidArgumentError("expected rank 2, found rank 1");
    std::vector<InferredTensor> outputs(node.num_outputs());
    for (int i = 0; i < node.num_outputs(); ++i) outputs[i].dtype = node.output_types()[i];
    if (node.op() == "Placeholder" && !(*node.ShapeAttr("shape"))->unknown_rank()) {
      outputs[0].dims.emplace();
      for (const auto& dim : (*node.ShapeAttr("shape"))->dim()) {
        InferredDim inferred;
        inferred.text = dim.size() < 0 ? dim.name() : std::to_string(dim.size());
        if (dim.size() >= 0) inferred.value = dim.size();
        outputs[0].dims->push_back(inferred);
      }
    }
    return outputs;
  }
};

Scope NewScope() {
  ScopeOptions options;
  options.checker = std::make_unique<FakeChecker>();
  return Scope::NewRoot(Schemas(), std::move(options));
}

Output Placeholder(const Scope& scope, DataType dtype, const PartialShape& shape = {},
                   const std::source_location& location = std::source_location::current()) {
  return NodeBuilder(scope, "Placeholder", location)
      .Attr("dtype", dtype)
      .Attr("shape", shape)
      .Finalize()
      .output(0);
}

Output Add(const Scope& scope, const Input& x, const Input& y,
           const std::source_location& location = std::source_location::current()) {
  return NodeBuilder(scope, "Add", location).Input(x).Input(y).Finalize().output(0);
}

Output operator+(const Operand& x, const Operand& y) {
  const absl::optional<Scope> scope = OperatorScope(x, y);
  return scope ? Add(*scope, x.input, y.input, x.location) : Output();
}

const TensorProto& Value(const Scope& scope, const std::string& name) {
  static const TensorProto none;
  const Node* node = scope.graph().FindNode(name);
  EXPECT_NE(node, nullptr) << name;
  return node == nullptr ? none : **node->TensorAttr("value");
}

TEST(Scope, NamesAreUnique) {
  const Scope scope = NewScope();
  const Scope layer = scope.SubScope("layer");
  const Scope second = scope.SubScope("layer");
  EXPECT_EQ(Placeholder(scope, DT_FLOAT).name(), "Placeholder:0");
  EXPECT_EQ(Placeholder(scope, DT_FLOAT).name(), "Placeholder_1:0");
  EXPECT_EQ(Placeholder(layer, DT_FLOAT).name(), "layer/Placeholder:0");
  EXPECT_EQ(Placeholder(second.SubScope("in"), DT_FLOAT).name(), "layer_1/in/Placeholder:0");
  EXPECT_EQ(Placeholder(layer.WithOpName("x"), DT_FLOAT).name(), "layer/x:0");
  EXPECT_EQ(Placeholder(layer.WithOpName("x"), DT_FLOAT).name(), "layer/x_1:0");
  EXPECT_EQ(Placeholder(scope.WithOpName("layer"), DT_FLOAT).name(), "layer_2:0");
  EXPECT_TRUE(scope.ok()) << scope.status();
}

TEST(Scope, ControlDevicesAndLines) {
  const Scope scope = NewScope();
  const Output x = Placeholder(scope, DT_FLOAT);
  const Operation step = NodeBuilder(scope, "NoOp").Finalize();
  const Scope after =
      scope.WithControlDependencies({step}).WithDevice("/job:worker/gpu:0").WithDevice("/task:1");
  const Output y = Add(after, x, 1.0f);
  const int line = __LINE__ - 1;
  ASSERT_TRUE(scope.ok()) << scope.status();
  const Node& node = y.operation().node();
  ASSERT_EQ(node.control_inputs().size(), 1u);
  EXPECT_EQ(scope.graph().node(node.control_inputs()[0]).name(), "NoOp");
  EXPECT_EQ(node.device(), "/job:worker/task:1/device:GPU:0");
  EXPECT_EQ(node.source().line, line);
  EXPECT_NE(node.source().file.find("scope_test.cc"), std::string::npos);
  const Output z = y + 2;
  EXPECT_EQ(z.operation().node().source().line, __LINE__ - 1);
  EXPECT_TRUE(z.operation().node().control_inputs().empty());
  EXPECT_EQ(z.operation().node().device(), node.device());
  const Output sum = 1 + y + z;
  EXPECT_EQ(sum.operation().node().inputs().size(), 2u);
  const auto here = std::source_location::current();
  const Output w = Add(scope.At(here), x, x);
  EXPECT_EQ(w.operation().node().source().line, static_cast<int>(here.line()));
}

TEST(Scope, FirstErrorStaysAndNamesTheLine) {
  const Scope scope = NewScope();
  const Output x = Placeholder(scope, DT_FLOAT);
  const Output i = Placeholder(scope, DT_INT32);
  const Output bad = Add(scope.SubScope("loss"), x, i);
  const std::string line = std::to_string(__LINE__ - 1);
  EXPECT_FALSE(bad.valid());
  EXPECT_FALSE(Add(scope, bad, x).valid());
  EXPECT_FALSE(Add(scope, x, x).valid());
  EXPECT_EQ(scope.graph().num_nodes(), 2);
  const std::string message(scope.status().message());
  EXPECT_NE(message.find("node 'loss/Add' (op Add, at "), std::string::npos) << message;
  EXPECT_NE(message.find("scope_test.cc:" + line + ")"), std::string::npos) << message;
  EXPECT_NE(message.find("input 1 'y': expected float, found int32 from 'Placeholder_1'"),
            std::string::npos)
      << message;
  EXPECT_EQ(scope.ToGraphDef().status(), scope.status());
}

TEST(Scope, CheckerSpeaksWithTheNodesName) {
  const Scope scope = NewScope();
  const Output x = Placeholder(scope, DT_FLOAT, {"batch", 784});
  EXPECT_EQ(*x.DimSize(1), 784);
  EXPECT_EQ(*x.DimSize(-1), 784);
  EXPECT_EQ(*x.Rank(), 2);
  EXPECT_EQ((*x.shape())[0].text, "batch");
  EXPECT_EQ(x.DimSize(0).status().message(),
            "tensor 'Placeholder:0': expected a known size of dimension 0, found batch");
  EXPECT_FALSE(x.DimSize(2).ok());
  EXPECT_FALSE(Placeholder(scope, DT_FLOAT).Rank().ok());
  NodeBuilder(scope, "Take").Input(x).Input(0).Finalize();
  const std::string message(scope.status().message());
  EXPECT_NE(message.find("node 'Take' (op Take, at "), std::string::npos) << message;
  EXPECT_NE(message.find("expected rank 2, found rank 1"), std::string::npos) << message;
}

TEST(Scope, LiteralsTakeTheTypeOfTheirUse) {
  const Scope scope = NewScope();
  const Output half = Placeholder(scope, DT_HALF);
  EXPECT_EQ(Add(scope.WithOpName("a"), half, 1.5).dtype(), DT_HALF);
  EXPECT_EQ(Value(scope, "a/y").half_val(0), 0x3e00);
  EXPECT_EQ(Add(scope.WithOpName("b"), 2, half).dtype(), DT_HALF);
  EXPECT_EQ(Add(scope.WithOpName("c"), {{1, 2}, {3, 4}}, 0.5).dtype(), DT_FLOAT);
  EXPECT_EQ(Value(scope, "c/x").tensor_shape().dim_size(), 2);
  EXPECT_EQ(Value(scope, "c/x").tensor_content().size(), 16u);
  EXPECT_EQ(Add(scope, 1, 2).dtype(), DT_INT32);
  EXPECT_EQ(Add(scope, std::vector<int64_t>{1, 2}, 2).dtype(), DT_INT64);
  EXPECT_EQ(Add(scope, std::vector<double>{1, 2}, 2).dtype(), DT_DOUBLE);
  EXPECT_EQ(NodeBuilder(scope, "Range").Input(0).Input(10).Finalize().output(0).dtype(), DT_INT32);
  EXPECT_EQ(NodeBuilder(scope, "Take").Input("text").Input({}).Finalize().valid(), false);
  EXPECT_NE(scope.status().message().find("expected rank 2"), absl::string_view::npos);
}

std::string AddError(const Input& y) {
  const Scope scope = NewScope();
  Add(scope, Placeholder(scope, DT_INT32), y);
  return std::string(scope.status().message());
}

TEST(Scope, LiteralsThatDoNotFit) {
  EXPECT_NE(AddError(1.5).find("input 'y': expected values of int32, found 1.5"),
            std::string::npos);
  EXPECT_NE(AddError(int64_t{1} << 40).find("expected values of int32, found 1099511627776"),
            std::string::npos);
  EXPECT_NE(AddError("text").find("expected values of int32, found text"), std::string::npos);
  EXPECT_NE(AddError(true).find("found true or false"), std::string::npos);
  EXPECT_NE(AddError({{1, 2}, {3}}).find("nested lists of equal sizes"), std::string::npos);
  EXPECT_NE(AddError({Literal(1), Literal("a")}).find("elements of one kind"), std::string::npos);
  EXPECT_NE(AddError(UINT64_MAX).find("above int64's"), std::string::npos);
  DenseTensor wrong;
  wrong.dtype = DT_INT32;
  wrong.shape = {3};
  EXPECT_NE(AddError(wrong).find("attribute 'value'"), std::string::npos);
}

TEST(Scope, ListInputs) {
  const Scope scope = NewScope();
  const Output x = Placeholder(scope, DT_FLOAT);
  const Operation pack = NodeBuilder(scope, "Pack").InputList({x, 1, x}).Finalize();
  ASSERT_TRUE(pack.valid()) << scope.status();
  EXPECT_EQ(*pack.node().IntAttr("N"), 3);
  const Operation many = NodeBuilder(scope, "Many").InputList({x, 1, true}).Finalize();
  ASSERT_TRUE(many.valid()) << scope.status();
  const OutputList outputs = many.outputs("output");
  ASSERT_EQ(outputs.size(), 3u);
  EXPECT_EQ(outputs[2].dtype(), DT_BOOL);
  EXPECT_FALSE(outputs[3].valid());
  EXPECT_TRUE(NodeBuilder(scope, "Many").InputList(outputs).Finalize().valid());
  NodeBuilder(scope, "Pack").Input(x).Finalize();
  EXPECT_NE(scope.status().message().find("input 'values': expected a list of tensors"),
            absl::string_view::npos);
}

TEST(Scope, StrangersAreRefused) {
  const auto error = [](const auto& build) {
    const Scope scope = NewScope();
    build(scope);
    return std::string(scope.status().message());
  };
  const Output stranger = Placeholder(NewScope(), DT_FLOAT);
  EXPECT_NE(error([&](const Scope& s) { Add(s, stranger, 1); }).find("of another"),
            std::string::npos);
  EXPECT_NE(error([&](const Scope& s) { Add(s, Output(), 1); }).find("never made"),
            std::string::npos);
  EXPECT_NE(error([&](const Scope& s) { NodeBuilder(s, "Nope").Finalize(); }).find("'Nope'"),
            std::string::npos);
  EXPECT_NE(error([&](const Scope& s) {
              NodeBuilder(s, "Add").Input(1).Finalize();
            }).find("expected 2 arguments, found 1"),
            std::string::npos);
  EXPECT_NE(error([&](const Scope& s) { s.WithDevice("gpu"); }).find("device 'gpu'"),
            std::string::npos);
  EXPECT_NE(error([&](const Scope& s) { s.SubScope("a b"); }).find("scope 'a b'"),
            std::string::npos);
  EXPECT_NE(error([&](const Scope& s) {
              Constant(s, {{1}, {1, 2}});
            }).find("scope_test.cc"),
            std::string::npos);
}

TEST(Scope, Functions) {
  const Scope scope = NewScope();
  FunctionBuilder twice(scope, "twice");
  const Output a = twice.Arg("a", DT_FLOAT);
  const Output sum = Add(twice.scope(), a, a);
  const int line = __LINE__ - 1;
  FunctionBuilder inner(twice.scope(), "inner");
  inner.Arg("b", DT_FLOAT);
  const NameAttrList inner_name = inner.Finish({inner.Arg("c", DT_FLOAT)});
  const Operation branch = NodeBuilder(twice.scope(), "If")
                               .Input(true)
                               .InputList({sum, 1.0f})
                               .Attr("Tout", std::vector<DataType>{DT_FLOAT})
                               .Attr("then_branch", inner_name)
                               .Attr("else_branch", inner_name)
                               .Finalize();
  const NameAttrList f = twice.Finish({branch.output(0), a});
  ASSERT_TRUE(scope.ok()) << scope.status();
  EXPECT_NE(scope.graph().FindFunction("inner"), nullptr);
  const auto body = InstantiateFunction(scope.graph(), f);
  ASSERT_TRUE(body.ok()) << body.status();
  EXPECT_EQ(body->args.size(), 1u);
  EXPECT_EQ(body->results.size(), 2u);
  EXPECT_EQ(body->graph->FindNode("Add")->source().line, line);
  const Operation call =
      NodeBuilder(scope, f.name()).Input(Placeholder(scope, DT_FLOAT)).Finalize();
  ASSERT_TRUE(call.valid()) << scope.status();
  EXPECT_EQ(call.node().num_outputs(), 2);
  FunctionBuilder bad(scope, "twice");
  EXPECT_EQ(bad.Finish({call.output(0)}).name(), "twice_1");
  EXPECT_EQ(scope.status().message(),
            "function 'twice_1': result 0: expected a tensor of the body, found another");
}

}  // namespace
}  // namespace stator::graph
