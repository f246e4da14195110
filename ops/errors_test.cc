// What a user reads after a mistake: the node and what is wrong with it.

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "ops/test_expander.h"
#include "ops/test_graph.h"

namespace stator::ops {
namespace {

using ::testing::HasSubstr;

struct Mistake {
  const char* name;
  std::string graph;  // the node "y" is wrong
  const char* error;
};

std::string Conv(const std::string& attrs) {
  return Node("y", "Conv2D", {"x", "w"}, F32() + attrs);
}

std::vector<Mistake> Arrays() {
  const std::string i32 = Attr("T", "type: DT_INT32");
  const std::string x = Placeholder("x", "-1,3"), i = Placeholder("i", "2", "DT_INT32");
  return {
      {"ReshapeTwoUnknown", x + Ints("s", {-1, -1}) + Node("y", "Reshape", {"x", "s"}, F32()),
       "size 1 of 'shape' must not be negative (one may be -1), found -1"},
      {"ReshapeUnknownBesideZero", x + Ints("s", {-1, 0}) + Node("y", "Reshape", {"x", "s"}, F32()),
       "-1 in 'shape' has no meaning beside a size of 0"},
      {"ReshapeMatrix",
       x + Placeholder("s", "1,1", "DT_INT32") + Node("y", "Reshape", {"x", "s"}, F32()),
       "'shape' must be a vector"},
      {"SqueezeOther", x + Node("y", "Squeeze", {"x"}, F32() + Attr("squeeze_dims", IntList({1}))),
       "can only squeeze a dimension of size 1"},
      {"ExpandDimsAxis", x + Scalar("a", 4) + Node("y", "ExpandDims", {"x", "a"}, F32()),
       "axis 4 must be in [-3, 3)"},
      {"TransposeTwice", x + Ints("p", {1, 1}) + Node("y", "Transpose", {"x", "p"}, F32()),
       "permutation"},
      {"TransposeComputed", x + i + Node("y", "Transpose", {"x", "i"}, F32()),
       "input 'perm' must be known at compile time"},
      {"SliceOutside",
       x + Ints("b", {0, 2}) + Ints("n", {-1, 2}) + Node("y", "Slice", {"x", "b", "n"}, F32()),
       "'begin' and 'size' must lie inside the dimension"},
      {"SliceRank",
       x + Ints("b", {0}) + Ints("n", {1}) + Node("y", "Slice", {"x", "b", "n"}, F32()),
       "'begin' and 'size' must have one element for each of 2 dimensions"},
      {"SplitUneven",
       x + Scalar("a", 1) + Node("y", "Split", {"a", "x"}, F32() + Attr("num_split", "i: 2")),
       "the number of parts must divide the dimension"},
      {"StridedSliceZero",
       x + Ints("b", {0}) + Ints("e", {2}) + Ints("s", {0}) +
           Node("y", "StridedSlice", {"x", "b", "e", "s"}, F32()),
       "strides[0] must be non-zero"},
      {"StridedSliceTooMany",
       x + Ints("b", {0, 0, 0}) + Ints("s", {1, 1, 1}) +
           Node("y", "StridedSlice", {"x", "b", "s", "s"}, F32()),
       "indexes 3 dimensions of a tensor of rank 2"},
      {"TileRank", x + Ints("m", {2}) + Node("y", "Tile", {"x", "m"}, F32()),
       "'multiples' must have one element for each of 2 dimensions"},
      {"PadNegative",
       x + Ints("v", {0, 0, -1, 0}) + Ints("s", {2, 2}) + Node("p", "Reshape", {"v", "s"}, i32) +
           Node("y", "Pad", {"x", "p"}, F32()),
       "'paddings' must not be negative, found [-1, 0] for dimension 1"},
      {"FillVector", Ints("d", {2}) + Placeholder("v", "2") + Node("y", "Fill", {"d", "v"}, F32()),
       "'value' must be a scalar"},
      {"UnpackNumber",
       x + Node("y", "Unpack", {"x"}, F32() + Attr("num", "i: 2") + Attr("axis", "i: 1")),
       "'num' must be the size of the dimension"},
      {"RangeBackwards",
       Scalar("a", 5) + Scalar("b", 2) + Scalar("c", 1) + Node("y", "Range", {"a", "b", "c"}),
       "'start' must not be above 'limit'"},
  };
}

std::vector<Mistake> Math() {
  const std::string x = Placeholder("x", "-1,3");
  return {
      {"AddShapes", x + Placeholder("z", "4") + Node("y", "AddV2", {"x", "z"}, F32()),
       "cannot broadcast"},
      {"MatMulRank", x + Placeholder("z", "3") + Node("y", "MatMul", {"x", "z"}, F32()),
       "both inputs must be matrices, found ranks 2 and 1"},
      {"BatchMatMulRank", x + Placeholder("z", "3") + Node("y", "BatchMatMulV2", {"x", "z"}, F32()),
       "both inputs must have rank 2 or more, found 2 and 1"},
      {"SumAxis", x + Ints("a", {2}) + Node("y", "Sum", {"x", "a"}, F32()),
       "axis 2 must be in [-2, 2)"},
      {"SumAxisTwice", x + Ints("a", {1, -1}) + Node("y", "Sum", {"x", "a"}, F32()),
       "axis 1 is given twice"},
      {"ArgMaxAxes", x + Ints("a", {0, 1}) + Node("y", "ArgMax", {"x", "a"}, F32()),
       "'dimension' must be one number"},
      {"AddNShapes",
       x + Placeholder("z", "2,4") + Node("y", "AddN", {"x", "z"}, F32() + Attr("N", "i: 2")),
       "all inputs must have the same shape"},
  };
}

std::vector<Mistake> Nn() {
  const std::string image = Placeholder("x", "-1,8,8,3"), filter = Placeholder("w", "3,3,3,4");
  const std::string ones = Attr("strides", IntList({1, 1, 1, 1})),
                    same = Attr("padding", "s: 'SAME'");
  return {
      {"ConvRank", Placeholder("x", "8,8,3") + filter + Conv(ones + same),
       "input and filter must have rank 4, found 3 and 4"},
      {"ConvChannels", Placeholder("x", "-1,8,8,5") + filter + Conv(ones + same),
       "the input's channels must be the filter's"},
      {"ConvStrides", image + filter + Conv(same + Attr("strides", IntList({1, 1}))),
       "'strides' must have 4 elements, found 2"},
      {"ConvStrideZero", image + filter + Conv(same + Attr("strides", IntList({1, 0, 1, 1}))),
       "'strides' must be positive, found 0"},
      {"ConvStrideBatch", image + filter + Conv(same + Attr("strides", IntList({2, 1, 1, 1}))),
       "'strides' must be 1 for batch and channels"},
      {"ConvExplicit", image + filter + Conv(ones + Attr("padding", "s: 'EXPLICIT'")),
       "'explicit_paddings' must have two elements for each dimension"},
      {"PoolRank",
       Placeholder("x", "8,8,3") +
           Node("y", "MaxPool", {"x"}, F32() + ones + same + Attr("ksize", IntList({1, 2, 2, 1}))),
       "the input must have rank 4, found 3"},
      {"BiasSize",
       Placeholder("x", "-1,3") + Placeholder("z", "4") + Node("y", "BiasAdd", {"x", "z"}, F32()),
       "'bias' must have one element for each channel"},
      {"LabelsRank",
       Placeholder("x", "-1,3") + Placeholder("z", "-1,1", "DT_INT64") +
           Node("y", "SparseSoftmaxCrossEntropyWithLogits", {"x", "z"}, F32()),
       "'features' must be a matrix and 'labels' a vector, found ranks 2 and 2"},
      {"LabelsCount",
       Placeholder("x", "5,3") + Placeholder("z", "4", "DT_INT64") +
           Node("y", "SparseSoftmaxCrossEntropyWithLogits", {"x", "z"}, F32()),
       "'labels' must have one element for each row of 'features'"},
      {"BatchNormScale",
       image + Placeholder("s", "4") + Placeholder("o", "3") +
           Node("y", "FusedBatchNormV3", {"x", "s", "o", "o", "o"},
                F32() + Attr("U", "type: DT_FLOAT")),
       "'scale' must have one element per channel"},
      {"SoftmaxScalar", Placeholder("x", "") + Node("y", "Softmax", {"x"}, F32()),
       "'logits' must have at least one dimension"},
  };
}

std::vector<Mistake> State() {
  const std::string dtype = Attr("dtype", "type: DT_FLOAT");
  const std::string v =
      Node("v", "VarHandleOp", {}, dtype + Attr("shape", "shape { dim { size: 3 } }"));
  return {
      {"AssignShape", v + Placeholder("x", "4") + Node("y", "AssignVariableOp", {"v", "x"}, dtype),
       "cannot assign to 'v'"},
      {"AssignRank", v + Placeholder("x", "3,1") + Node("y", "AssignVariableOp", {"v", "x"}, dtype),
       "cannot assign to 'v'"},
      {"ReadType", v + Node("y", "ReadVariableOp", {"v"}, Attr("dtype", "type: DT_INT32")),
       "'dtype' must be the element type of variable 'v'"},
      {"StringVariable",
       Node("y", "VarHandleOp", {}, Attr("dtype", "type: DT_STRING") + Attr("shape", "shape {}")),
       "variables of strings are not supported yet"},
      {"HandleAsTensor", v + Node("y", "Relu", {"v"}, F32()),
       "input 0 must be a tensor, found a handle to variable 'v'"},
      {"TensorAsHandle", Placeholder("x", "3") + Node("y", "ReadVariableOp", {"x"}, dtype),
       "input 0 must be a handle to a variable that is known at compile time"},
      {"GradientShape",
       v + Placeholder("lr", "") + Placeholder("g", "4") +
           Node("y", "ResourceApplyGradientDescent", {"v", "lr", "g"}, F32()),
       "must have the shape of variable 'v'"},
      {"RateShape",
       v + Placeholder("g", "3") +
           Node("y", "ResourceApplyGradientDescent", {"v", "g", "g"}, F32()),
       "'alpha' must be a scalar"},
      {"IntegerGradient",
       Placeholder("x", "3", "DT_INT32") +
           Node("y", "Gradients", {"x", "x"},
                Attr("Ty", "list { type: DT_INT32 }") + Attr("Tgrad_y", "list {}") +
                    Attr("Tx", "list { type: DT_INT32 }")),
       "element 0 of 'ys' must be floating point"},
  };
}

class ErrorsTest : public ::testing::TestWithParam<Mistake> {};

TEST_P(ErrorsTest, NamesTheNodeAndTheRule) {
  TestExpander expander;
  const std::string text = expander.Expand(GetParam().graph, {});
  EXPECT_THAT(text, HasSubstr("error: y: "));
  EXPECT_THAT(text, HasSubstr(GetParam().error));
}

std::string MistakeName(const ::testing::TestParamInfo<Mistake>& info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(Array, ErrorsTest, ::testing::ValuesIn(Arrays()), MistakeName);
INSTANTIATE_TEST_SUITE_P(Math, ErrorsTest, ::testing::ValuesIn(Math()), MistakeName);
INSTANTIATE_TEST_SUITE_P(Nn, ErrorsTest, ::testing::ValuesIn(Nn()), MistakeName);
INSTANTIATE_TEST_SUITE_P(State, ErrorsTest, ::testing::ValuesIn(State()), MistakeName);

}  // namespace
}  // namespace stator::ops
