// Several models, states and contexts in several threads of one process.
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "runtime/core/stator_runtime.hpp"
#include "runtime/core/test_bundles.h"

namespace stator_runtime {
namespace {

constexpr int kRounds = 50;

Result<Model> Load(const char* name) {
  size_t size = 0;
  const void* bytes = stator_test_bundle(name, &size);
  return Model::LoadMemory(bytes, size);
}

ContextOptions Threads(int32_t n) {
  ContextOptions options;
  options.threads = n;
  return options;
}

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
  Result<Model> shared = Load("chain");
  ASSERT_TRUE(shared.ok());
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      RunChain(*shared, t, 1 + t % 2);
      Result<Model> own = Load("chain");
      ASSERT_TRUE(own.ok());
      RunChain(*own, t + 10, 2);
    });
  }
  for (std::thread& t : threads) t.join();
}

TEST(Threads, TrainersAndReadersShareAState) {
  Result<Model> model = Load("train");
  ASSERT_TRUE(model.ok());
  Result<State> state = State::Create(*model);
  ASSERT_TRUE(state.ok());
  const int32_t train = model->FindEntry("train");
  const int32_t predict = model->FindEntry("predict");
  std::vector<std::thread> threads;
  for (int t = 0; t < 2; ++t) {
    threads.emplace_back([&] {
      Result<Context> context = Context::Create(*model, Threads(1), &*state);
      std::vector<Tensor> in;
      in.push_back(Tensor::Of<float>({4}, {1, 1, 1, 1}));
      std::vector<Tensor> out;
      for (int i = 0; i < kRounds; ++i) ASSERT_TRUE(context->Run(train, in, &out).ok());
    });
  }
  threads.emplace_back([&] {  // predictions are of whole versions
    Result<Context> context = Context::Create(*model, Threads(1), &*state);
    std::vector<Tensor> out;
    for (int i = 0; i < kRounds; ++i) {
      ASSERT_TRUE(context->Run(predict, {}, &out).ok());
      for (int k = 1; k < 4; ++k) EXPECT_EQ(out[0].data<float>()[k], out[0].data<float>()[0]);
    }
  });
  threads.emplace_back([&] {  // so are copies, which go their own way
    for (int i = 0; i < kRounds; ++i) {
      Result<State> copy = state->Copy();
      ASSERT_TRUE(copy.ok());
      Result<Context> context = Context::Create(*model, Threads(1), &*copy);
      std::vector<Tensor> in;
      in.push_back(Tensor::Of<float>({4}, {1000, 1000, 1000, 1000}));
      std::vector<Tensor> out;
      ASSERT_TRUE(context->Run(train, in, &out).ok());
      for (int k = 1; k < 4; ++k) EXPECT_EQ(out[0].data<float>()[k], out[0].data<float>()[0]);
    }
  });
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
        ASSERT_TRUE(model.ok());
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

}  // namespace
}  // namespace stator_runtime
