// Expansions of representative nodes, as core IR.

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "ops/test_expander.h"

namespace stator::ops {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string Placeholder(const std::string& name, const std::string& sizes,
                        const std::string& dtype = "DT_FLOAT") {
  std::string dims;
  for (size_t i = 0; i < sizes.size();) {
    const size_t end = std::min(sizes.find(',', i), sizes.size());
    dims += " dim { size: " + sizes.substr(i, end - i) + " }";
    i = end + 1;
  }
  return "node { name: '" + name +
         "' op: 'Placeholder' attr { key: 'dtype' value { type: " + dtype +
         " } } attr { key: 'shape' value { shape { " + dims + " } } } }\n";
}

std::string Node(const std::string& name, const std::string& op,
                 const std::vector<std::string>& inputs, const std::string& attrs = "") {
  std::string text = "node { name: '" + name + "' op: '" + op + "' ";
  for (const std::string& input : inputs) text += "input: '" + input + "' ";
  return text + attrs + " }\n";
}

std::string Attr(const std::string& key, const std::string& value) {
  return "attr { key: '" + key + "' value { " + value + " } } ";
}

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

}  // namespace
}  // namespace stator::ops
