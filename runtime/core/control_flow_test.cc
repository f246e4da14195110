// Branches, loops and sizes that only the run knows.
#include "gtest/gtest.h"
#include "runtime/core/test_runner.h"

namespace stator::runtime {
namespace {

TEST(ControlFlow, StepSymbolsSizeDynamicBuffers) {
  Positive t;
  auto runner = MakeRunner(&t);
  std::vector<Tensor> fetched;
  ASSERT_TRUE(runner->Run({Floats({1, -2, 3, -4, 5})}, {}, &fetched).ok());
  EXPECT_EQ(Values(fetched[0]), (std::vector<float>{10, 30, 50}));
  ASSERT_TRUE(runner->Run({Floats({-1, -2})}, {}, &fetched).ok());
  EXPECT_EQ(fetched[0].dims(), std::vector<int64_t>{0});

  TestProgram* bounded = &t;
  bounded->model.symbols[1].max = 2;
  auto strict = MakeRunner(bounded);
  const Status status = strict->Run({Floats({1, 2, 3})}, {}, &fetched);
  EXPECT_EQ(status.ToString(), "InvalidArgument: node where: rows must be at most 2, got 3");
}

TEST(ControlFlow, IfTakesOneBranch) {
  Branch t;
  auto runner = MakeRunner(&t);
  std::vector<Tensor> fetched;
  ASSERT_TRUE(runner->Run({Floats({4, 10})}, {}, &fetched).ok());
  EXPECT_EQ(Values(fetched[0]), (std::vector<float>{8, 20}));
  ASSERT_TRUE(runner->Run({Floats({6, 10})}, {}, &fetched).ok());
  EXPECT_EQ(Values(fetched[0]), (std::vector<float>{18, 30}));
}

TEST(ControlFlow, WhileCarriesBuffers) {
  Doubling t;
  auto runner = MakeRunner(&t);
  std::vector<Tensor> fetched;
  for (const bool poison : {false, true}) {
    RunOptions options;
    options.poison = poison;
    for (float first : {1.0f, 99.0f, 100.0f, 2.0f, 60.0f}) {
      ASSERT_TRUE(runner->Run({Floats({first, 1})}, options, &fetched).ok());
      float expected = first;
      float factor = 1;
      for (; expected < 100; expected *= 2) factor *= 2;
      EXPECT_EQ(Values(fetched[0]), (std::vector<float>{expected, factor})) << first;
    }
  }
}

TEST(ControlFlow, LoopSymbolsGrowDynamicBuffers) {
  Growing t;
  auto runner = MakeRunner(&t);
  std::vector<Tensor> fetched;
  for (int i = 0; i < 3; ++i) {
    const Status status = runner->Run({Floats({0})}, {}, &fetched);
    ASSERT_TRUE(status.ok()) << status.ToString();
    EXPECT_EQ(Values(fetched[0]), (std::vector<float>{0, 1, 2, 3, 4, 5}));
  }
}

}  // namespace
}  // namespace stator::runtime
