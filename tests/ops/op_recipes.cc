#include "tests/ops/op_recipes.h"

namespace stator::tests {
namespace {

const char kInts4[] = "list { i: 1 i: 1 i: 1 i: 1 }";
const char kSame[] = "s: 'SAME'";
const char kListT[] = "list { type: $T }";
const char kFloatShape[] = "shape { dim { size: 3 } }";

// Loops and branches call functions of numbers that add and compare.
std::vector<DataType> Numbers() { return {DT_FLOAT, DT_DOUBLE, DT_INT32, DT_INT64}; }

std::vector<OpRecipe> Recipes() {
  std::vector<OpRecipe> recipes = {
      // array
      {"BroadcastTo", {"x 1,3", "c 2,3"}, {}, {}},
      {"Concat", {"s 1", "x 2,3", "x 2,2"}, {}, {}},
      {"ConcatV2", {"x 2,3", "x 2,2", "s -1"}, {}, {}},
      {"Const", {}, {{"value", "tensor { dtype: $T tensor_shape { dim { size: 2 } } }"}}, {}},
      {"ExpandDims", {"x 2,3", "s 1"}, {}, {}},
      {"Fill", {"c 2,3", "x"}, {}, {}},
      {"Gather", {"x 4,3", "i4 2"}, {}, {}},
      {"GatherV2", {"x 4,3", "i3 2", "s 1"}, {}, {}},
      {"OneHot", {"i4 5", "s 4", "x", "x"}, {}, {}},
      {"Pad", {"x 2,3", "m 1,0,0,2"}, {}, {}},
      {"PadV2", {"x 2,3", "m 1,0,0,2", "x"}, {}, {}},
      {"Placeholder", {}, {{"shape", kFloatShape}}, {}},
      {"PlaceholderWithDefault", {"x 3"}, {{"shape", kFloatShape}}, {}},
      {"Range", {"s 2", "s 9", "s 3"}, {}, {DT_INT32, DT_INT64}},
      {"Reshape", {"x 2,3", "c 3,-1"}, {}, {}},
      {"Slice", {"x 4,5", "c 1,0", "c 2,-1"}, {}, {}},
      {"Split", {"s 1", "x 2,4"}, {{"num_split", "i: 2"}}, {}},
      {"SplitV", {"x 2,4", "c 1,-1", "s 1"}, {{"num_split", "i: 2"}}, {}},
      {"Squeeze", {"x 2,1,3"}, {{"squeeze_dims", "list { i: 1 }"}}, {}},
      {"StridedSlice", {"x 4,5", "c 1,-1", "c 4,0", "c 2,-1"}, {}, {}},
      {"Tile", {"x 2,3", "c 2,1"}, {}, {}},
      {"Transpose", {"x 2,3,4", "c 2,0,1"}, {}, {}},
      {"Unpack", {"x 2,3"}, {{"num", "i: 2"}}, {}},
      // math
      {"BatchMatMul", {"x 2,3,4", "x 2,4,5"}, {}, {}},
      {"BatchMatMulV2", {"x 2,3,4", "x 4,5"}, {}, {}},
      {"Cast", {"x 2,3"}, {{"DstT", "type: DT_FLOAT"}}, {}},
      {"Bitcast", {"x 2,3"}, {{"type", "type: $T"}}, {}},
      {"ClipByValue", {"x 2,3", "x", "x"}, {}, {}},
      {"MatMul", {"x 2,3", "x 3,4"}, {}, {}},
      {"ArgMax", {"x 2,3", "s 1"}, {}, {}},
      {"ArgMin", {"x 2,3", "s 1"}, {}, {}},
      // nn
      {"AvgPool", {"x 1,5,5,2"}, {{"ksize", kInts4}, {"strides", kInts4}, {"padding", kSame}}, {}},
      {"MaxPool", {"x 1,5,5,2"}, {{"ksize", kInts4}, {"strides", kInts4}, {"padding", kSame}}, {}},
      {"BiasAdd", {"x 2,3", "x 3"}, {}, {}},
      {"Conv2D", {"x 1,5,5,2", "x 3,3,2,4"}, {{"strides", kInts4}, {"padding", kSame}}, {}},
      {"FusedBatchNormV3", {"x 2,3,3,4", "x 4", "x 4", "x 4", "x 4"}, {}, {}},
      {"SparseSoftmaxCrossEntropyWithLogits", {"x 2,5", "i5 2"}, {}, {}},
      // control
      {"Assert", {"x", "x 2"}, {}, {}},
      {"If",
       {"x", "x 2"},
       {{"Tcond", "type: DT_BOOL"},
        {"Tout", kListT},
        {"then_branch", "func { name: 'step' }"},
        {"else_branch", "func { name: 'keep' }"}},
       Numbers()},
      {"While",
       {"x"},
       {{"cond", "func { name: 'small' }"}, {"body", "func { name: 'step' }"}},
       Numbers()},
      {"PartitionedCall", {"x 2"}, {{"Tout", kListT}, {"f", "func { name: 'step' }"}}, Numbers()},
      // state and training
      {"VarHandleOp", {}, {{"shape", kFloatShape}}, {}},
      {"AssignVariableOp", {"v 3", "x 3"}, {}, {}},
      {"AssignAddVariableOp", {"v 3", "x 3"}, {}, {}},
      {"AssignSubVariableOp", {"v 3", "x 3"}, {}, {}},
      {"ResourceApplyGradientDescent", {"v 3", "x", "x 3"}, {}, {}},
      {"ResourceApplyMomentum", {"v 3", "v 3", "x", "x 3", "x"}, {}, {}},
      {"ResourceApplyKerasMomentum", {"v 3", "v 3", "x", "x 3", "x"}, {}, {}},
      {"ResourceApplyAdam", {"v 3", "v 3", "v 3", "x", "x", "x", "x", "x", "x", "x 3"}, {}, {}},
      {"Gradients", {"x 3", "x 3", "x 3"}, {}, {DT_FLOAT}},
      // what strategies add
      {"ReduceBucket", {"x 3"}, {{"bucket", "i: 0"}}, {DT_FLOAT}},
      // random
      {"RandomUniform", {"c 2,3"}, {{"seed", "i: 7"}}, {}},
      {"RandomStandardNormal", {"c 2,3"}, {{"seed", "i: 7"}}, {}},
      {"RandomUniformInt", {"c 2,3", "s 2", "s 9"}, {{"seed", "i: 7"}}, {}},
      {"StatelessRandomGetKeyCounter", {"c 3,5"}, {}, {}},
      {"StatelessRandomGetKeyCounterAlg", {"c 3,5"}, {}, {}},
      {"StatelessRandomUniformV2", {"c 2,3", "x 1", "x 2", "s 1"}, {}, {}},
      {"StatelessRandomNormalV2", {"c 2,3", "x 1", "x 2", "s 1"}, {}, {}},
      // io: what they do to files has tests of its own
      {"SaveV2", {"p /nonexistent/sample", "t x", "t", "x 2"}, {}, {DT_FLOAT}},
      {"RestoreV2", {"p /nonexistent/sample", "t x", "t"}, {{"dtypes", kListT}}, {DT_FLOAT}},
  };
  for (const char* op : {"Sum", "Mean", "Prod", "Max", "Min", "All", "Any"}) {
    recipes.push_back({op, {"x 2,3", "c 1"}, {}, {}});
  }
  const auto copy = [&](const char* from, const char* to) {
    for (const OpRecipe& recipe : std::vector<OpRecipe>(recipes)) {
      if (recipe.op != from) continue;
      recipes.push_back(recipe);
      recipes.back().op = to;
    }
  };
  copy("If", "StatelessIf");
  copy("While", "StatelessWhile");
  copy("PartitionedCall", "StatefulPartitionedCall");
  return recipes;
}

}  // namespace

const OpRecipe* FindRecipe(absl::string_view op) {
  static const auto* const recipes = new std::vector<OpRecipe>(Recipes());
  for (const OpRecipe& recipe : *recipes) {
    if (recipe.op == op) return &recipe;
  }
  return nullptr;
}

}  // namespace stator::tests
