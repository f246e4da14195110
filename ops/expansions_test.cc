// Expansions of representative nodes, as core IR.

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "ops/test_expander.h"
#include "ops/test_graph.h"

namespace stator::ops {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(ExpansionsTest, AddBroadcastsOverAnUnknownBatch) {
  TestExpander expander;
  const std::string text =
      expander.Expand(Placeholder("x", "-1,4") + Placeholder("y", "4") +
                          Node("z", "AddV2", {"x", "y"}, Attr("T", "type: DT_FLOAT")),
                      {"z"});
  EXPECT_THAT(text, HasSubstr("core.broadcast_in_dim %arg1, dims = [1]"));
  EXPECT_THAT(text, HasSubstr("return %1 : tensor<?x4xf32, #core.dims<\"x.0\", \"4\">>"));
  EXPECT_THAT(text, Not(HasSubstr("core.guard")));
}

TEST(ExpansionsTest, TheVerticalSlice) {
  TestExpander expander;
  const std::string f32 = Attr("T", "type: DT_FLOAT"), dtype = Attr("dtype", "type: DT_FLOAT");
  const std::string text = expander.Expand(
      Placeholder("x", "-1,3") +
          Node("w", "VarHandleOp", {},
               dtype + Attr("shape", "shape { dim { size: 3 } dim { size: 2 } }")) +
          Node("value", "ReadVariableOp", {"w"}, dtype) +
          Node("product", "MatMul", {"x", "value"}, f32) + Node("relu", "Relu", {"product"}, f32) +
          Node("axes", "Const", {},
               Attr("dtype", "type: DT_INT32") + Attr("value",
                                                      "tensor { dtype: DT_INT32 tensor_shape { dim "
                                                      "{ size: 2 } } int_val: 0 int_val: 1 }")) +
          Node("sum", "Sum", {"relu", "axes"}, f32) + Node("twice", "Add", {"sum", "sum"}, f32) +
          Node("update", "AssignSubVariableOp", {"w", "value"}, dtype) +
          Node("all", "NoOp", {"^update"}),
      {"twice"});
  EXPECT_THAT(text, HasSubstr("core.variable @w : tensor<3x2xf32>"));
  EXPECT_THAT(text, HasSubstr("core.dot_general %arg0, %0"));
  EXPECT_THAT(text, HasSubstr("core.reduce"));
  EXPECT_THAT(text, HasSubstr("core.assign_variable @w"));
  EXPECT_THAT(text, Not(HasSubstr("core.guard")));
}

TEST(ExpansionsTest, MatMulOfUnequalSizesIsRefused) {
  TestExpander expander;
  EXPECT_THAT(expander.Expand(Placeholder("x", "-1,3") + Placeholder("y", "4,2") +
                                  Node("z", "MatMul", {"x", "y"}, Attr("T", "type: DT_FLOAT")),
                              {"z"}),
              HasSubstr("error: z: cannot contract"));
}

TEST(ExpansionsTest, ShapeArithmeticLeavesNoOps) {
  TestExpander expander;
  const std::string i32 = Attr("T", "type: DT_INT32");
  const std::string text = expander.Expand(
      Placeholder("x", "-1,7,8") + Node("shape", "Shape", {"x"}, F32()) + Ints("zero", {0}) +
          Ints("one", {1}) +
          Node("batch", "StridedSlice", {"shape", "zero", "one", "one"},
               i32 + Attr("shrink_axis_mask", "i: 1")) +
          Scalar("rest", -1) + Node("target", "Pack", {"batch", "rest"}, i32 + Attr("N", "i: 2")) +
          Node("flat", "Reshape", {"x", "target"}, F32()),
      {"flat"});
  EXPECT_THAT(text, HasSubstr("%0 = core.reshape %arg0"));
  EXPECT_THAT(text, HasSubstr("return %0 : tensor<?x56xf32, #core.dims<\"x.0\", \"56\">>"));
  EXPECT_THAT(text, Not(HasSubstr("core.guard")));
  EXPECT_THAT(text, Not(HasSubstr("dim_values")));
}

TEST(ExpansionsTest, StridedSliceTakesAllMasks) {
  TestExpander expander;
  // x[1, ..., ::-1, newaxis]
  const std::string text =
      expander.Expand(Placeholder("x", "4,-1,6") + Ints("begin", {1, 0, 0, 0}) +
                          Ints("end", {2, 0, 0, 0}) + Ints("strides", {1, 1, -1, 1}) +
                          Node("y", "StridedSlice", {"x", "begin", "end", "strides"},
                               F32() + Attr("shrink_axis_mask", "i: 1") +
                                   Attr("ellipsis_mask", "i: 2") + Attr("begin_mask", "i: 4") +
                                   Attr("end_mask", "i: 4") + Attr("new_axis_mask", "i: 8")),
                      {"y"});
  EXPECT_THAT(text, HasSubstr("core.reverse %arg0, dims = [2]"));
  EXPECT_THAT(text, HasSubstr("tensor<?x6x1xf32, #core.dims<\"x.1\", \"6\", \"1\">>"));
}

TEST(ExpansionsTest, StridedSliceOfAnUnknownSizeKeepsItsBounds) {
  TestExpander expander;
  // x[1:-1]
  const std::string text = expander.Expand(
      Placeholder("x", "-1") + Ints("begin", {1}) + Ints("end", {-1}) + Ints("strides", {1}) +
          Node("y", "StridedSlice", {"x", "begin", "end", "strides"}, F32()),
      {"y"});
  EXPECT_THAT(text, HasSubstr("core.slice"));
  EXPECT_THAT(text, Not(HasSubstr("error")));
}

TEST(ExpansionsTest, ComputedIndexIsCheckedAndSliced) {
  TestExpander expander;
  const std::string i32 = Attr("T", "type: DT_INT32");
  const std::string text =
      expander.Expand(Placeholder("x", "5,3") + Placeholder("i", "", "DT_INT32") +
                          Node("begin", "Pack", {"i"}, i32 + Attr("N", "i: 1")) +
                          Node("end", "AddV2", {"begin", "one"}, i32).insert(0, Ints("one", {1})) +
                          Node("y", "StridedSlice", {"x", "begin", "end", "one"},
                               F32() + Attr("shrink_axis_mask", "i: 1")),
                      {"y"});
  EXPECT_THAT(text, HasSubstr("core.check"));
  EXPECT_THAT(text, HasSubstr("core.dynamic_slice %arg0"));
  EXPECT_THAT(text, HasSubstr("tensor<3xf32>"));
}

TEST(ExpansionsTest, ConvolutionKeepsUnknownHeightAndWidth) {
  TestExpander expander;
  const std::string text = expander.Expand(
      Placeholder("x", "-1,-1,-1,3") + Placeholder("w", "3,3,3,8") +
          Node("y", "Conv2D", {"x", "w"},
               F32() + Attr("strides", IntList({1, 1, 1, 1})) + Attr("padding", "s: 'SAME'")) +
          Placeholder("v", "3,3,8,8") +
          Node("z", "Conv2D", {"y", "v"},
               F32() + Attr("strides", IntList({1, 2, 2, 1})) + Attr("padding", "s: 'SAME'")) +
          Node("p", "MaxPool", {"z"},
               F32() + Attr("strides", IntList({1, 2, 2, 1})) +
                   Attr("ksize", IntList({1, 2, 2, 1})) + Attr("padding", "s: 'VALID'")) +
          Node("a", "AvgPool", {"p"},
               F32() + Attr("strides", IntList({1, 2, 2, 1})) +
                   Attr("ksize", IntList({1, 3, 3, 1})) + Attr("padding", "s: 'SAME'")),
      {"y", "z", "a"});
  EXPECT_THAT(text, HasSubstr("#core.dims<\"x.0\", \"x.1\", \"x.2\", \"8\">"));
  EXPECT_THAT(
      text,
      HasSubstr("#core.dims<\"x.0\", \"floordiv(x.1 + 1, 2)\", \"floordiv(x.2 + 1, 2)\", \"8\">"));
  EXPECT_THAT(text, HasSubstr("max %1"));
  EXPECT_THAT(text, Not(HasSubstr("core.guard")));
}

TEST(ExpansionsTest, BatchNormGivesSixOutputsOfKnownShape) {
  TestExpander expander;
  const std::string inputs = Placeholder("x", "-1,-1,-1,4") + Placeholder("s", "4") +
                             Placeholder("o", "4") + Placeholder("m", "4") + Placeholder("v", "4");
  const std::string types = F32() + Attr("U", "type: DT_FLOAT");
  for (const char* training : {"b: true", "b: false"}) {
    const std::string text =
        expander.Expand(inputs + Node("n", "FusedBatchNormV3", {"x", "s", "o", "m", "v"},
                                      types + Attr("is_training", training)),
                        {"n", "n:1", "n:2", "n:3", "n:4", "n:5"});
    EXPECT_THAT(
        text, HasSubstr("tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<f32>"));
  }
}

TEST(ExpansionsTest, LossesCheckTheirLabels) {
  TestExpander expander;
  const std::string text =
      expander.Expand(Placeholder("x", "-1,10") + Placeholder("labels", "-1", "DT_INT64") +
                          Node("loss", "SparseSoftmaxCrossEntropyWithLogits", {"x", "labels"},
                               F32() + Attr("Tlabels", "type: DT_INT64")) +
                          Placeholder("d", "-1,10") +
                          Node("dense", "SoftmaxCrossEntropyWithLogits", {"x", "d"}, F32()),
                      {"loss", "loss:1", "dense", "dense:1"});
  EXPECT_THAT(text, HasSubstr("valid range of [0, 10)"));
  EXPECT_THAT(text, HasSubstr("core.composite \"softmax_cross_entropy\""));
}

TEST(ExpansionsTest, WhereAndRange) {
  TestExpander expander;
  const std::string text = expander.Expand(
      Placeholder("x", "-1,3") + Node("w", "Where", {"x"}, F32()) + Scalar("zero", 0) +
          Scalar("two", 2) + Scalar("nine", 9) + Node("r", "Range", {"zero", "nine", "two"}),
      {"w", "r"});
  EXPECT_THAT(text, HasSubstr("core.compact"));
  EXPECT_THAT(text, HasSubstr("core.bind_dim"));
  EXPECT_THAT(text, HasSubstr("dense<[0, 2, 4, 6, 8]>"));
}

TEST(ExpansionsTest, RandomNumbersAdvanceAHiddenCounter) {
  TestExpander expander;
  const std::string dtype = Attr("dtype", "type: DT_FLOAT");
  const std::string text = expander.Expand(
      Ints("shape", {2, 3}) + Node("u", "RandomUniform", {"shape"}, dtype + Attr("seed", "i: 3")) +
          Node("n", "RandomStandardNormal", {"shape"}, dtype) + Ints("seed", {1, 2}) +
          Node("k", "StatelessRandomGetKeyCounter", {"seed"}, Attr("Tseed", "type: DT_INT32")) +
          Node("a", "StatelessRandomGetAlg", {}) +
          Node("s", "StatelessRandomUniformV2", {"shape", "k", "k:1", "a"}, dtype),
      {"u", "n", "s"});
  EXPECT_THAT(text, HasSubstr("core.variable @\"u/random_counter\" : tensor<i64>"));
  EXPECT_THAT(text, HasSubstr("zero_initialized"));
  EXPECT_THAT(text, HasSubstr("dense<1536> : tensor<i64>"));
  EXPECT_THAT(text, HasSubstr("core.rng_bits"));
}

constexpr char kLibrary[] = R"(
  library {
    function {
      signature {
        name: 'below' input_arg { name: 'i' type: DT_INT32 } input_arg { name: 'w' type: DT_RESOURCE }
        output_arg { name: 'r' type: DT_BOOL }
      }
      node_def { name: 'limit' op: 'Const' attr { key: 'dtype' value { type: DT_INT32 } }
                 attr { key: 'value' value { tensor { dtype: DT_INT32 tensor_shape {} int_val: 5 } } } }
      node_def { name: 'less' op: 'Less' input: 'i' input: 'limit:output:0' attr { key: 'T' value { type: DT_INT32 } } }
      ret { key: 'r' value: 'less:z:0' }
    }
    function {
      signature {
        name: 'step' input_arg { name: 'i' type: DT_INT32 } input_arg { name: 'w' type: DT_RESOURCE }
        output_arg { name: 'r' type: DT_INT32 } output_arg { name: 'h' type: DT_RESOURCE }
      }
      node_def { name: 'read' op: 'ReadVariableOp' input: 'w' attr { key: 'dtype' value { type: DT_INT32 } } }
      node_def { name: 'next' op: 'AddV2' input: 'i' input: 'read:value:0' attr { key: 'T' value { type: DT_INT32 } } }
      ret { key: 'r' value: 'next:z:0' } ret { key: 'h' value: 'w' }
    }
  })";

TEST(ExpansionsTest, WhileCarriesTensorsAndPassesHandles) {
  TestExpander expander;
  const std::string types = Attr("T", "list { type: DT_INT32 type: DT_RESOURCE }");
  const std::string text = expander.Expand(
      Placeholder("i", "", "DT_INT32") +
          Node("w", "VarHandleOp", {},
               Attr("dtype", "type: DT_INT32") + Attr("shape", "shape {}")) +
          Node("loop", "While", {"i", "w"},
               types + Attr("cond", "func { name: 'below' }") +
                   Attr("body", "func { name: 'step' }")) +
          Node("after", "ReadVariableOp", {"loop:1"}, Attr("dtype", "type: DT_INT32")) + kLibrary,
      {"loop", "after"});
  EXPECT_THAT(text, HasSubstr("core.while %arg0 cond"));
  EXPECT_THAT(text, HasSubstr("core.read_variable @w"));
  EXPECT_THAT(text, HasSubstr(": (tensor<i32>) -> tensor<i32>"));
}

TEST(ExpansionsTest, OptimizersUpdateTheirSlots) {
  TestExpander expander;
  std::string graph;
  for (const char* name : {"var", "m", "v"}) {
    graph += Node(name, "VarHandleOp", {},
                  Attr("dtype", "type: DT_FLOAT") + Attr("shape", "shape { dim { size: 3 } }"));
  }
  for (const char* name : {"b1p", "b2p", "lr", "b1", "b2", "eps"}) graph += Placeholder(name, "");
  graph += Placeholder("g", "3") +
           Node("adam", "ResourceApplyAdam",
                {"var", "m", "v", "b1p", "b2p", "lr", "b1", "b2", "eps", "g"}, F32());
  const std::string text = expander.Expand(graph, {});
  for (const char* name : {"@var", "@m", "@v"}) {
    EXPECT_THAT(text, HasSubstr(std::string("core.assign_variable ") + name));
  }
}

TEST(ExpansionsTest, GradientsBecomeOneOp) {
  TestExpander expander;
  const std::string text =
      expander.Expand(Placeholder("x", "-1,3") + Node("y", "Square", {"x"}, F32()) +
                          Node("g", "Gradients", {"y", "x"},
                               Attr("Ty", "list { type: DT_FLOAT }") + Attr("Tgrad_y", "list {}") +
                                   Attr("Tx", "list { type: DT_FLOAT }")),
                      {"g"});
  EXPECT_THAT(text, HasSubstr("core.gradients ys(%0) grad_ys() xs(%arg0)"));
}

TEST(ExpansionsTest, IntegerDivisionIsChecked) {
  TestExpander expander;
  const std::string i32 = Attr("T", "type: DT_INT32");
  const std::string text =
      expander.Expand(Placeholder("x", "4", "DT_INT32") + Placeholder("y", "4", "DT_INT32") +
                          Node("z", "FloorDiv", {"x", "y"}, i32),
                      {"z"});
  EXPECT_THAT(text, HasSubstr("Integer division by zero"));
}

TEST(ExpansionsTest, FloorDivisionOfSizesFolds) {
  TestExpander expander;
  const std::string i32 = Attr("T", "type: DT_INT32");
  const std::string text =
      expander.Expand(Placeholder("x", "-1") + Node("size", "Size", {"x"}, F32()) +
                          Scalar("two", 2) + Node("half", "FloorDiv", {"size", "two"}, i32) +
                          Node("rest", "FloorMod", {"size", "two"}, i32),
                      {"half", "rest"});
  EXPECT_THAT(text, HasSubstr("floordiv(x.0, 2)"));
  EXPECT_THAT(text, HasSubstr("mod(x.0, 2)"));
  EXPECT_THAT(text, Not(HasSubstr("core.select")));
}

}  // namespace
}  // namespace stator::ops
