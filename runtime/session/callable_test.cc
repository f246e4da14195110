// A callable that was run once: no names, no compile, no allocation.
#include <cstdlib>
#include <thread>

#include "gtest/gtest.h"
#include "runtime/core/test_allocations.h"
#include "runtime/session/fake_compiler.h"
#include "runtime/session/session.h"

namespace stator::runtime {
namespace {

TEST(Callable, AllocatesNothingFromTheSecondCallOn) {
  auto session = Session::Create(FakeGraph(), FakeOptions(nullptr)).value();
  auto callable = session->MakeCallable({"x"}, {"chain"}, {}).value();
  const std::vector<Tensor> feeds = {Tensor::Of<float>({64}, std::vector<float>(64, 2))};
  std::vector<Tensor> out;
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(callable->Run(feeds, &out).ok());
  const int64_t before = AllocationCount();
  ASSERT_GT(before, 0) << "nobody counts";
  for (int i = 0; i < 100; ++i) {
    if (!callable->Run(feeds, &out).ok()) std::abort();
  }
  EXPECT_EQ(AllocationCount() - before, 0);
  EXPECT_EQ(out[0].data<float>()[63], 2);
}

TEST(Callable, LeavesResultsThatTheCallerKeeps) {
  auto session = Session::Create(FakeGraph(), FakeOptions(nullptr)).value();
  auto callable = session->MakeCallable({"x"}, {"chain"}, {}).value();
  std::vector<Tensor> out;
  ASSERT_TRUE(callable->Run({Tensor::Of<float>({1}, {7})}, &out).ok());
  const Tensor kept = out[0];
  ASSERT_TRUE(callable->Run({Tensor::Of<float>({1}, {8})}, &out).ok());
  EXPECT_EQ(kept.data<float>()[0], 7);
  EXPECT_EQ(out[0].data<float>()[0], 8);
}

TEST(Callable, ServesSeveralThreadsAtOnce) {
  auto session = Session::Create(FakeGraph(), FakeOptions(nullptr)).value();
  auto callable = session->MakeCallable({"x"}, {"chain"}, {}).value();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      std::vector<Tensor> out;
      for (int i = 0; i < 100; ++i) {
        const auto value = static_cast<float>(1000 * t + i);
        ASSERT_TRUE(callable->Run({Tensor::Of<float>({3}, {value, 1, value})}, &out).ok());
        ASSERT_EQ(out[0].data<float>()[0], value);
        ASSERT_EQ(out[0].data<float>()[2], value);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(session->Stats().compiles, 1);
  EXPECT_EQ(session->Stats().runs, 400);
}

TEST(Callable, ChecksWhatItIsGiven) {
  auto session = Session::Create(FakeGraph(), FakeOptions(nullptr)).value();
  EXPECT_FALSE(session->MakeCallable({"gone"}, {"chain"}, {}).ok());
  auto callable = session->MakeCallable({"x"}, {"chain"}, {}).value();
  std::vector<Tensor> out;
  EXPECT_EQ(callable->Run({}, &out).message(), "expected 1 feeds, got 0");
  EXPECT_EQ(callable->Run({Tensor::Scalar<int32_t>(1)}, &out).message(),
            "feed 'x:0': expected float, got int32[]");
  EXPECT_EQ(session->Stats().compiles, 0);
}

}  // namespace
}  // namespace stator::runtime
