// Several models, states and contexts in several threads of one process.
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "runtime/core/stator_runtime.hpp"
#include "runtime/core/test_c_api.h"

namespace stator_runtime {
namespace {

constexpr int kRounds = 50;

// Runs `chain` with sizes of its own, in a context of its own with `threads` threads.
void RunChain(const Model& model, int seed, int32_t threads) {
  Result<Context> context = Context::Create(model, Threads(threads));
  ASSERT_TRUE(context.ok());
  for (int round = 0; round < kRounds; ++round) {
    const int64_t n = 1 + (seed * 97 + round * 131) % 3000;
    std::vector<float> values(static_cast<size_t>(n), static_cast<float>(seed + round));
    std::vector<Tensor> in;
    in.push_back(Tensor::Borrow<float>({n}, values.data()));
    in.push_back(Tensor::Borrow<float>({n}, values.data()));
    std::vector<Tensor> out;
    const Error error = context->Run(0, in, &out);
    ASSERT_TRUE(error.ok()) << error.message();
    for (int64_t i = 0; i < n; ++i) {
      ASSERT_EQ(out[0].data<float>()[i], 6 * static_cast<float>(seed + round));
    }
  }
}

TEST(Threads, ModelsAndContextsDoNotDisturbEachOther) {
  const Model shared = Load("chain");
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      RunChain(shared, t, 1 + t % 2);
      const Model own = Load("chain");
      RunChain(own, t + 10, 2);
    });
  }
  for (std::thread& t : threads) t.join();
}

TEST(Threads, TrainersAndReadersShareAState) {
  const Model model = Load("train");
  Result<State> state = State::Create(model);
  ASSERT_TRUE(state.ok());
  const int32_t train = model.FindEntry("train");
  const int32_t predict = model.FindEntry("predict");
  std::vector<std::thread> threads;
  for (int t = 0; t < 2; ++t) {
    threads.emplace_back([&] {
      Result<Context> context = Context::Create(model, Threads(1), &*state);
      std::vector<Tensor> in;
      in.push_back(Tensor::Of<float>({4}, {1, 1, 1, 1}));
      std::vector<Tensor> out;
      for (int i = 0; i < kRounds; ++i) ASSERT_TRUE(context->Run(train, in, &out).ok());
    });
  }
  threads.emplace_back([&] {  // predictions are of whole versions
    Result<Context> context = Context::Create(model, Threads(1), &*state);
    std::vector<Tensor> out;
    for (int i = 0; i < kRounds; ++i) {
      ASSERT_TRUE(context->Run(predict, {}, &out).ok());
      for (int k = 1; k < 4; ++k) EXPECT_EQ(out[0].data<float>()[k], out[0].data<float>()[0]);
    }
  });
  for (int t = 0; t < 2; ++t) {
    threads.emplace_back(
        [&] {  // so are copies, which go their own way, from the state and each other
          for (int i = 0; i < kRounds; ++i) {
            Result<State> copy = state->Copy();
            ASSERT_TRUE(copy.ok());
            const float before = copy->Read("w")->data<float>()[0];
            Result<Context> context = Context::Create(model, Threads(1), &*copy);
            std::vector<Tensor> in;
            in.push_back(Tensor::Of<float>({4}, {1000, 1000, 1000, 1000}));
            std::vector<Tensor> out;
            ASSERT_TRUE(context->Run(train, in, &out).ok());
            for (int k = 0; k < 4; ++k) EXPECT_EQ(out[0].data<float>()[k], before + 1000);
          }
        });
  }
  for (std::thread& t : threads) t.join();
  Result<Tensor> w = state->Read("w");
  ASSERT_TRUE(w.ok());
  for (int k = 0; k < 4; ++k) EXPECT_EQ(w->data<float>()[k], 2.0f * kRounds);
}

TEST(Threads, ContextsMayBeMadeAndDestroyedAnywhere) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([] {
      for (int i = 0; i < 10; ++i) {
        Result<Model> model = Load("positive");
        Result<Context> context = Context::Create(*model, Threads(2));
        model = Error();  // goes before its context
        std::vector<Tensor> in;
        in.push_back(Tensor::Of<float>({3}, {1, -1, 2}));
        std::vector<Tensor> out;
        ASSERT_TRUE(context->Run(0, in, &out).ok());
        ASSERT_EQ(out[0].size(), 2);
      }
    });
  }
  for (std::thread& t : threads) t.join();
}

TEST(Threads, CancelAndDeadline) {
  const Model model = Load("slow");
  Context context = Make(model, Threads(2));
  std::vector<Tensor> out;
  RunOptions deadline;
  deadline.timeout_ns = 10'000'000;
  EXPECT_EQ(context.Run(0, {}, &out, deadline).code(), STATOR_DEADLINE_EXCEEDED);
  Cancellation cancellation;
  RunOptions options;
  options.cancellation = &cancellation;
  std::atomic<stator_code> second{STATOR_OK};
  std::thread other([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    stator_tensor mine = STATOR_INIT(stator_tensor);
    second = stator_context_run(context.c(), 0, nullptr, 0, &mine, 1, nullptr, nullptr);
    cancellation.Cancel();
  });
  EXPECT_EQ(context.Run(0, {}, &out, options).code(), STATOR_CANCELLED);
  other.join();
  EXPECT_EQ(second.load(), STATOR_FAILED_PRECONDITION);                   // the context was in use
  EXPECT_EQ(context.Run(0, {}, &out, options).code(), STATOR_CANCELLED);  // it stays so
}

TEST(Threads, CallersParallelForComputesTheSame) {
  const Model model = Load("chain");
  ContextOptions options = Threads(3);
  std::atomic<int> calls{0};
  std::atomic<int> parts_run{0};
  options.parallel_for = [&](int32_t parts, const std::function<void(int32_t)>& part) {
    ++calls;
    EXPECT_LE(parts, 3);
    std::vector<std::thread> threads;
    for (int32_t i = 0; i < parts; ++i) {
      threads.emplace_back([&, i] {
        part(i);
        ++parts_run;
      });
    }
    for (std::thread& t : threads) t.join();
  };
  Context context = Make(model, std::move(options));
  std::vector<float> x(4096);
  for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i);
  std::vector<Tensor> out;
  ASSERT_TRUE(context.Run(0, List(Floats(x), Floats(x)), &out).ok());
  for (size_t i = 0; i < x.size(); ++i) ASSERT_EQ(out[0].data<float>()[i], 6 * x[i]);
  EXPECT_GT(calls.load(), 0);
  EXPECT_GT(parts_run.load(), calls.load());
}

// The rules that the header states for fork. The sanitizers do not allow threads after one.
#if !defined(__SANITIZE_THREAD__)
TEST(Fork, ModelsLiveOnAndThreadsDoNot) {
  const Model model = Load("chain");
  Context threaded = Make(model, Threads(3));
  Context single = Make(model, Threads(1));
  std::vector<Tensor> out;
  ASSERT_TRUE(threaded.Run(0, List(Floats({1}), Floats({2})), &out).ok());
  const pid_t child = fork();
  if (child == 0) {
    int failed = 0;
    failed |=
        threaded.Run(0, List(Floats({1}), Floats({2})), &out).code() != STATOR_FAILED_PRECONDITION;
    failed |= single.Run(0, List(Floats({1}), Floats({2})), &out).code() != STATOR_OK;
    {
      Context gone = std::move(threaded);
      Context fresh = Make(model, Threads(2));
      failed |= fresh.Run(0, List(Floats({1}), Floats({2})), &out).code() != STATOR_OK;
    }
    _exit(failed);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(threaded.Run(0, List(Floats({1}), Floats({2})), &out).ok());
}
#endif

}  // namespace
}  // namespace stator_runtime
