// What the C interface says of models, mostly by way of the C++ wrapper.
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "runtime/core/stator_runtime.hpp"
#include "runtime/core/test_c_api.h"

namespace stator_runtime {
namespace {

TEST(Model, SymbolsOfTheSameNameBelongToTheirEntryPoints) {
  const Model model = Load("two_entries");
  EXPECT_EQ(model.Entries(), (std::vector<std::string>{"small", "large"}));
  const std::vector<Symbol> symbols = model.Symbols();
  ASSERT_EQ(symbols.size(), 2u);
  for (int32_t i = 0; i < 2; ++i) {
    EXPECT_EQ(symbols[i].name, "batch");
    EXPECT_EQ(symbols[i].entry, i);
    EXPECT_EQ(symbols[i].min, 0);
    EXPECT_EQ(symbols[i].max, i == 0 ? 8 : 16);
    EXPECT_EQ(symbols[i].divisor, 1);
    EXPECT_TRUE(symbols[i].known_before);
  }
  Context context = Make(model, Threads(1));
  std::vector<Tensor> out;
  const Tensor twelve = Floats(std::vector<float>(12, 1));
  const auto run = [&](const char* entry) {
    return context.Run(model.FindEntry(entry), List(Tensor::Borrow({12}, twelve.data<float>())),
                       &out);
  };
  EXPECT_EQ(run("small").message(), "input x:0, dimension 0 (batch), must be at most 8, got 12");
  EXPECT_TRUE(run("large").ok());
}

TEST(Model, SymbolsThatARunFindsBelongToEntryPointsToo) {
  for (const char* name : {"positive", "growing"}) {
    for (const Symbol& symbol : Load(name).Symbols()) {
      EXPECT_EQ(symbol.entry, 0) << name << ", " << symbol.name;
      EXPECT_EQ(symbol.known_before, symbol.name == "n") << name << ", " << symbol.name;
    }
  }
}

TEST(Model, VariablesAndFixedWeights) {
  const Model model = Load("weights");
  const std::vector<Variable> all = model.Variables();
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].name, "w");
  EXPECT_EQ(all[0].dtype, STATOR_FLOAT32);
  EXPECT_EQ(all[0].dims, std::vector<int64_t>{4});
  EXPECT_EQ(all[0].dim_texts, std::vector<std::string>{"4"});
  EXPECT_TRUE(all[0].is_read && all[0].is_written && all[0].has_initial_value);
  const std::vector<Variable> predict = model.Variables(model.FindEntry("predict"));
  ASSERT_EQ(predict.size(), 1u);
  EXPECT_TRUE(predict[0].is_read);
  EXPECT_FALSE(predict[0].is_written);
  const std::vector<FixedWeight> fixed = model.FixedWeights();
  ASSERT_EQ(fixed.size(), 1u);
  EXPECT_EQ(fixed[0].name, "bias");
  EXPECT_EQ(fixed[0].reason, "folded into a constant");
}

TEST(Model, FindsPortsByShortNamesToo) {
  const Model model = Load("chain");
  EXPECT_EQ(model.FindInput(0, "y:0"), 1);
  EXPECT_EQ(model.FindInput(0, "y"), 1);
  EXPECT_EQ(model.FindInput(0, "y:1"), -1);
  EXPECT_EQ(model.FindInput(1, "y"), -1);
  EXPECT_EQ(model.FindOutput(0, "out"), 0);
  EXPECT_EQ(model.FindOutput(0, "x"), -1);
}

TEST(Model, NamesTheTargetThatTheMachineRuns) { EXPECT_STREQ(Load("chain").Info().target, "test"); }

TEST(Model, MessagesNameInputAndDimension) {
  const Model model = Load("chain");
  Context context = Make(model, Threads(1));
  const auto refused = [&](int64_t x, int64_t y) {
    stator_tensor inputs[2] = {stator_init<stator_tensor>(), stator_init<stator_tensor>()};
    for (stator_tensor& t : inputs) {
      t.dtype = STATOR_FLOAT32;
      t.rank = 1;
    }
    inputs[0].dims[0] = x;
    inputs[1].dims[0] = y;
    Error::Slot slot;
    return slot(stator_context_plan(context.c(), 0, inputs, 2, nullptr, 0, nullptr, &slot.error))
        .message();
  };
  EXPECT_EQ(refused(5000, 5000), "input x:0, dimension 0 (batch), must be at most 4096, got 5000");
  EXPECT_EQ(refused(1, int64_t{1} << 60),
            "batch of x must equal batch of y (batch = 1, batch of y = 1152921504606846976)");
  EXPECT_EQ(refused(1, int64_t{1} << 62),
            "input y:0: dimension 0 is 4611686018427387904: more bytes than an int64 counts");
  EXPECT_EQ(refused(1, -1), "input y:0: dimension 0 is -1");
  std::vector<Tensor> out;
  EXPECT_EQ(context.Run(0, List(Tensor::Of<int32_t>({1}, {1}), Floats({1})), &out).message(),
            "input x:0: expected float[batch], got int32[1]");
}

}  // namespace
}  // namespace stator_runtime
