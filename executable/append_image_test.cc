#include "executable/append_image.h"

#include <gtest/gtest.h>

#include "executable/printer.h"
#include "executable/test_image.h"

namespace stator::executable {
namespace {

// y = kernel(x, weights), with a loop that runs the kernel again, for a batch of any size.
void Fill(TestImage* t, const std::string& entry_name, const std::vector<float>& weights) {
  t->model.symbols.push_back({"batch", SymbolLife::kInput});
  const int32_t batch = t->exprs.Symbol(0);
  const int32_t bytes = t->exprs.Mul(batch, t->exprs.Const(4));
  const int32_t x = t->Sized("x", BufferKind::kInput, bytes, 0, 5);
  t->model.buffers[x].dims = {batch};
  const int32_t w = t->Constant("w", weights);
  const int32_t y = t->Sized("y", BufferKind::kOutput, bytes, 0, 5);
  t->model.buffers[y].dims = {batch};
  const int32_t pred = t->Buffer("pred", BufferKind::kArena, 1, 1, 3, DType::kBool);
  const int32_t k =
      t->Kernel({{Access::kRead, kNone}, {Access::kRead, kNone}, {Access::kWrite, kNone}});
  const int32_t flag = t->Kernel({{Access::kWrite, kNone}}, 2);
  const int32_t main = t->Block("main"), cond = t->Block("cond"), body = t->Block("body");
  t->model.nodes.push_back({"node of " + entry_name, "Op", "f.cc", 1});
  t->Add(main, 0, t->Launch(k, {x, w, y}), 0);
  t->Add(main, 1, While{cond, pred, body, {}, {}}, 0);
  t->Add(cond, 2, t->Launch(flag, {pred}));
  t->Add(body, 3, t->Launch(k, {x, w, y}));
  EntryPoint& entry = t->Entry(main);
  entry.name = entry_name;
  entry.feeds.push_back({"x:0", DType::kFloat32, {batch}, x, 0});
  entry.fetches.push_back({"y:0", DType::kFloat32, {batch}, y, 0});
  t->model.initial_values.push_back({"state",
                                     DType::kFloat32,
                                     {static_cast<int64_t>(weights.size())},
                                     t->model.buffers[w].constant_offset,
                                     t->model.buffers[w].constant_size});
}

TEST(AppendImage, BothEntryPointsStayWellFormed) {
  TestImage a, b;
  Fill(&a, "predict", {1, 2, 3});
  Fill(&b, "train", {1, 2, 3});
  ASSERT_TRUE(VerifyModel(a.model).ok()) << VerifyModel(a.model).ToString();
  const Status status = AppendImage(b.model, &a.model);
  ASSERT_TRUE(status.ok()) << status.ToString();
  EXPECT_TRUE(VerifyModel(a.model).ok()) << VerifyModel(a.model).ToString();
  ASSERT_EQ(a.model.entry_points.size(), 2u);
  const EntryPoint& train = a.model.entry_points[1];
  EXPECT_EQ(a.model.buffers[train.feeds[0].buffer].name, "x");
  EXPECT_EQ(ExprToString(a.model, train.feeds[0].dims[0]), "batch");
  EXPECT_EQ(a.model.nodes[train.feeds[0].source_node].name, "node of train");
}

TEST(AppendImage, EqualWeightsAndCodeAreStoredOnce) {
  TestImage a, b;
  Fill(&a, "predict", {1, 2, 3});
  Fill(&b, "train", {1, 2, 3});
  const size_t constants = a.model.constants.size(), code = a.model.code.size();
  ASSERT_TRUE(AppendImage(b.model, &a.model).ok());
  EXPECT_EQ(a.model.constants.size(), constants);
  EXPECT_EQ(a.model.code.size(), code);
  EXPECT_EQ(a.model.kernels.size(), 2u);
  EXPECT_EQ(a.model.initial_values.size(), 1u);
}

TEST(AppendImage, ClashesAreNamedAndChangeNothing) {
  TestImage a;
  Fill(&a, "predict", {1, 2, 3});
  const std::string before = PrintImage(a.model);
  TestImage same_name;
  Fill(&same_name, "predict", {1, 2, 3});
  EXPECT_NE(AppendImage(same_name.model, &a.model).message().find("predict"), std::string::npos);
  TestImage other_state;
  Fill(&other_state, "train", {1, 2, 4});
  EXPECT_NE(AppendImage(other_state.model, &a.model).message().find("state"), std::string::npos);
  TestImage other_target;
  Fill(&other_target, "train", {1, 2, 3});
  other_target.model.target.arch = "aarch64";
  EXPECT_FALSE(AppendImage(other_target.model, &a.model).ok());
  TestImage other_type;
  Fill(&other_type, "train", {1, 2, 3});
  other_type.model.initial_values[0].dtype = DType::kInt32;
  EXPECT_EQ(AppendImage(other_type.model, &a.model).message(),
            "variable state is int32 of rank 1 in one program, float of rank 1 in another");
  TestImage checks;
  Fill(&checks, "train", {1, 2, 3});
  checks.model.kernels[0].may_fail = true;
  EXPECT_EQ(AppendImage(checks.model, &a.model).code(), Code::kUnimplemented);
  TestImage devices;
  Fill(&devices, "train", {1, 2, 3});
  devices.model.devices.push_back({"cpu:1", "cpu"});
  EXPECT_EQ(AppendImage(devices.model, &a.model).code(), Code::kUnimplemented);
  EXPECT_EQ(PrintImage(a.model), before);
}

TEST(AppendImage, FixedWeightsAreListedOnce) {
  TestImage a, b;
  Fill(&a, "predict", {1, 2, 3});
  Fill(&b, "train", {1, 2, 3});
  for (TestImage* t : {&a, &b}) t->model.fixed_weights.push_back({"bias", "folded"});
  b.model.fixed_weights.push_back({"scale", "small"});
  ASSERT_TRUE(AppendImage(b.model, &a.model).ok());
  ASSERT_EQ(a.model.fixed_weights.size(), 2u);
  EXPECT_EQ(a.model.fixed_weights[1].name, "scale");
}

}  // namespace
}  // namespace stator::executable
