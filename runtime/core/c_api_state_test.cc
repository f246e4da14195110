// States of the C interface.
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "runtime/core/stator_runtime.hpp"
#include "runtime/core/test_c_api.h"

namespace stator_runtime {
namespace {

TEST(State, SharedCopiedAndWritten) {
  const Model model = Load("train");
  Result<State> state = State::Create(model);
  ASSERT_TRUE(state.ok());
  EXPECT_EQ(state->Names(), std::vector<std::string>{"w"});
  EXPECT_TRUE(state->IsInitialized("w"));
  Context a = Make(model, Threads(1), &*state);
  Context b = Make(model, Threads(1), &*state);
  const int32_t train = model.FindEntry("train");
  const int32_t predict = model.FindEntry("predict");
  std::vector<Tensor> out;
  ASSERT_TRUE(a.Run(train, List(Floats({1, 2, 3, 4})), &out).ok());
  std::vector<Tensor> y;
  ASSERT_TRUE(b.Run(predict, {}, &y).ok());
  EXPECT_EQ(Values(y[0]), (std::vector<float>{10, 20, 30, 40}));

  // A copy goes its own way, in place updates included.
  Result<State> copy = state->Copy();
  ASSERT_TRUE(copy.ok());
  Context c = Make(model, Threads(1), &*copy);
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(a.Run(train, List(Floats({1, 1, 1, 1})), &out).ok());
  ASSERT_TRUE(c.Run(train, List(Floats({100, 0, 0, 0})), &out).ok());
  EXPECT_EQ(Values(*state->Read("w")), (std::vector<float>{3, 4, 5, 6}));
  EXPECT_EQ(Values(*copy->Read("w")), (std::vector<float>{101, 2, 3, 4}));
  // Packed weights follow the state that a context has, not the last one used.
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(b.Run(predict, {}, &y).ok());
    EXPECT_EQ(Values(y[0])[0], 30);
    ASSERT_TRUE(c.Run(predict, {}, &y).ok());
    EXPECT_EQ(Values(y[0])[0], 1010);
  }
  ASSERT_TRUE(copy->Write("w", Floats({1, 1, 1, 1})).ok());
  ASSERT_TRUE(c.Run(predict, {}, &y).ok());
  EXPECT_EQ(Values(y[0]), (std::vector<float>{10, 10, 10, 10}));
}

TEST(State, StartsWithTheBundlesWeights) {
  const Model model = Load("weights");
  stator_variable_info info = STATOR_INIT(stator_variable_info);
  ASSERT_EQ(stator_model_get_variable(model.c(), STATOR_ALL_ENTRIES, 0, &info, nullptr), STATOR_OK);
  EXPECT_EQ(info.has_initial_value, 1);
  EXPECT_EQ(info.is_written, 1);
  Result<State> state = State::Create(model);
  ASSERT_TRUE(state.ok());
  const std::vector<float> start = {0.5, 1.5, 2.5, 3.5};
  EXPECT_EQ(Values(*state->Read("w")), start);
  // The mapped bytes stay as they are whatever is trained on them.
  Context a = Make(model, Threads(1), &*state);
  std::vector<Tensor> out;
  for (int i = 1; i <= 2; ++i) {
    ASSERT_TRUE(a.Run(model.FindEntry("train"), List(Floats({1, 1, 1, 1})), &out).ok());
    EXPECT_EQ(Values(out[0])[0], 0.5 + i);
  }
  Context b = Make(model, Threads(1));
  std::vector<Tensor> y;
  ASSERT_TRUE(b.Run(model.FindEntry("predict"), {}, &y).ok());
  EXPECT_EQ(Values(y[0]), (std::vector<float>{5, 15, 25, 35}));
  EXPECT_EQ(Values(*b.state().Read("w")), start);

  stator_fixed_weight_info fixed = STATOR_INIT(stator_fixed_weight_info);
  ASSERT_EQ(stator_model_get_fixed_weight(model.c(), 0, &fixed, nullptr), STATOR_OK);
  EXPECT_STREQ(fixed.name, "bias");
  EXPECT_EQ(model.Info().num_fixed_weights, 1);
  EXPECT_EQ(state->Write("bias", Floats({1})).message(),
            "variable bias: cannot be replaced: folded into a constant");
}

TEST(State, AWeightThatAnEntryPointHasCompiledInStaysAsItIs) {
  const Model model = Load("half_fixed");
  Result<State> state = State::Create(model);
  EXPECT_EQ(state->Write("w", Floats({1, 1, 1, 1})).message(),
            "variable w: cannot be replaced: folded in entry main");
  EXPECT_EQ(Values(*state->Read("w"))[0], 0.5f);
}

TEST(State, RefusesWhatDoesNotFit) {
  const Model model = Load("train");
  Result<State> state = State::Create(model);
  EXPECT_EQ(state->Write("w", Floats({1, 2})).message(),
            "variable w: expected float[4], got float[2]");
  EXPECT_EQ(state->Write("v", Floats({1})).code(), STATOR_NOT_FOUND);
  EXPECT_EQ(state->Read("v").error().code(), STATOR_NOT_FOUND);
  const Tensor four = Floats({5, 6, 7, 8});
  EXPECT_EQ(state->Write({{"w", &four}, {"w", &four}}).code(), STATOR_INVALID_ARGUMENT);
  EXPECT_TRUE(state->Write({{"w", &four}}).ok());
  EXPECT_EQ(Values(*state->Read("w")), (std::vector<float>{5, 6, 7, 8}));
  // Numbers that are called strings are not read.
  float numbers[4] = {1, 2, 3, 4};
  const stator_tensor strings = {sizeof(strings), STATOR_STRING, 1, {4}, numbers, 0, 0};
  stator_error error = STATOR_INIT(stator_error);
  EXPECT_EQ(stator_state_write(state->c(), "w", &strings, &error), STATOR_INVALID_ARGUMENT);
  EXPECT_STREQ(error.message, "variable w: expected float[4], got string[4]");
  EXPECT_EQ(stator_state_write(state->c(), "w", nullptr, &error), STATOR_INVALID_ARGUMENT);
  EXPECT_STREQ(error.message, "variable w: tensor is NULL");
  EXPECT_EQ(stator_state_write(state->c(), nullptr, &strings, &error), STATOR_INVALID_ARGUMENT);
  EXPECT_STREQ(error.message, "name is NULL");
  // An uninitialized variable and a model that disagrees are in session and runner tests; this
  // state's own contexts always agree.
  Context context = Make(model, Threads(1), &*state);
  EXPECT_EQ(Values(*context.state().Read("w")), (std::vector<float>{5, 6, 7, 8}));
  stator_tensor loss = STATOR_INIT(stator_tensor);
  EXPECT_EQ(stator_context_run(context.c(), model.FindEntry("train"), &strings, 1, &loss, 1, nullptr, &error),
            STATOR_INVALID_ARGUMENT);
  EXPECT_NE(std::string(error.message).find("string[4]"), std::string::npos) << error.message;
}

}  // namespace
}  // namespace stator_runtime
