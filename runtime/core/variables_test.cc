// What runs do to variables, one at a time and at once.
#include <thread>

#include "gtest/gtest.h"
#include "runtime/core/test_runner.h"

namespace stator::runtime {
namespace {

using executable::Access;
using executable::BufferKind;
using executable::Copy;
using executable::SymbolLife;

// w = w + g, in place when possible; fetches the new value.
struct Accumulate : TestProgram {
  Accumulate() {
    const int32_t n = AddSymbol("size of w", SymbolLife::kInput);
    const int32_t g = Vector("g", BufferKind::kInput, n, 0, 9);
    const int32_t read = Vector("w/read", BufferKind::kVariableRead, n, 0, 9);
    const int32_t write = Vector("w/write", BufferKind::kVariableWrite, n, 0, 9);
    const int32_t out = Vector("out", BufferKind::kOutput, n, 0, 9);
    const int32_t add =
        AddKernel({"add"}, {{Access::kRead}, {Access::kRead}, {Access::kWrite, 0}}, 1);
    model.nodes.push_back({"train", "AssignAddVariableOp", "", 0});
    const int32_t main = Block("main");
    Add(main, 0, Launch(add, {read, g, write}, {n}), 0);
    Add(main, 1, Copy{write, out});
    Entry(main);
    AddFeed("g:0", g);
    AddFetch("out:0", out);
    model.entry_points[0].variables.push_back(
        {"w", DType::kFloat32, {n}, {n}, read, write, kNone, true, false, false, 0});
  }
};

TEST(Variables, VariablesUpdateInPlace) {
  Accumulate t;
  VariableStore store;
  auto runner = MakeRunner(&t, &store);
  std::vector<Tensor> fetched;
  EXPECT_EQ(runner->Run({Floats({1, 1})}, {}, &fetched).ToString(),
            "FailedPrecondition: node train: variable w is not initialized");
  ASSERT_TRUE(store.Write("w", Floats({10, 20})).ok());
  const void* memory = store.FindOrCreate("w")->buffer->data();
  for (int i = 1; i <= 3; ++i) {
    ASSERT_TRUE(runner->Run({Floats({1, 2})}, {}, &fetched).ok());
    EXPECT_EQ(Values(fetched[0]), (std::vector<float>{10.0f + i, 20.0f + 2 * i}));
  }
  EXPECT_EQ(Values(*store.Read("w")), (std::vector<float>{13, 26}));
  EXPECT_EQ(store.FindOrCreate("w")->buffer->data(), memory);
  // A wrong feed is refused before the variable is touched.
  EXPECT_FALSE(runner->Run({Floats({1, 2, 3})}, {}, &fetched).ok());
  EXPECT_EQ(Values(*store.Read("w")), (std::vector<float>{13, 26}));
}

TEST(Variables, CountersStartAtZero) {
  Accumulate t;
  executable::Variable& v = t.model.entry_points[0].variables[0];
  v.read_dims = v.write_dims = {t.exprs.Const(2)};
  t.model.entry_points[0].feeds[0].dims = {t.exprs.Symbol(0)};
  v.zero_initialized = true;
  VariableStore store;
  auto runner = MakeRunner(&t, &store);
  std::vector<Tensor> fetched;
  ASSERT_TRUE(runner->Run({Floats({1, 2})}, {}, &fetched).ok());
  auto second = MakeRunner(&t, &store);  // does not start over
  ASSERT_TRUE(second->Run({Floats({1, 2})}, {}, &fetched).ok());
  EXPECT_EQ(Values(fetched[0]), (std::vector<float>{2, 4}));
}

TEST(Variables, PinnedVersionsAreLeftAlone) {
  Accumulate t;
  VariableStore store;
  auto runner = MakeRunner(&t, &store);
  ASSERT_TRUE(store.Write("w", Floats({1})).ok());
  std::vector<VariableLease> reader;
  ASSERT_TRUE(store.Acquire({{store.FindOrCreate("w"), true, false, false}}, {}, &reader).ok());
  std::vector<Tensor> fetched;
  ASSERT_TRUE(runner->Run({Floats({5})}, {}, &fetched).ok());
  EXPECT_EQ(static_cast<float*>(reader[0].buffer->data())[0], 1);
  store.Release(&reader);
  EXPECT_EQ(Values(*store.Read("w")), std::vector<float>{6});
}

TEST(Variables, ConcurrentTrainingLosesNoUpdate) {
  Accumulate t;
  VariableStore store;
  ASSERT_TRUE(store.Write("w", Floats(std::vector<float>(100, 0))).ok());
  Result<std::shared_ptr<Executable>> e = t.Load();
  ASSERT_TRUE(e.ok());
  std::vector<std::thread> threads;
  for (int k = 0; k < 2; ++k) {
    threads.emplace_back([&] {
      auto runner = Runner::Create(*e, 0, &store);
      std::vector<Tensor> fetched;
      for (int i = 0; i < 200; ++i) {
        EXPECT_TRUE((*runner)->Run({Floats(std::vector<float>(100, 1))}, {}, &fetched).ok());
      }
    });
  }
  threads.emplace_back([&] {  // a reader sees whole versions only
    for (int i = 0; i < 200; ++i) {
      const std::vector<float> w = Values(*store.Read("w"));
      for (float v : w) EXPECT_EQ(v, w[0]);
    }
  });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(Values(*store.Read("w")), std::vector<float>(100, 400));
}

// out = w, bytes as they lie, where w is [2, 32] in panels of its last dimension.
void FillPanels(TestProgram* t) {
  const int32_t n = t->exprs.Const(64);
  const int32_t read = t->Vector("w", BufferKind::kVariableRead, n, 0, 9);
  const int32_t out = t->Vector("out", BufferKind::kOutput, n, 0, 9);
  const int32_t scale = t->AddKernel({"scale"}, {{Access::kRead}, {Access::kWrite}}, 2);
  const int32_t main = t->Block("main");
  t->Add(main, 0, t->Launch(scale, {read, out}, {n, t->exprs.Const(1)}));
  executable::Variable w{"w", DType::kFloat32, {t->exprs.Const(2), t->exprs.Const(32)}, {}, read};
  w.layout = executable::Layout::kPanelsOfLast;
  t->Entry(main).variables.push_back(w);
  t->AddFetch("out:0", out);
}

TEST(Variables, LieInPanelsAndAreReadRowMajor) {
  TestProgram t;
  FillPanels(&t);
  VariableStore store;
  auto runner = MakeRunner(&t, &store);
  std::vector<float> plain(64);
  for (size_t i = 0; i < plain.size(); ++i) plain[i] = static_cast<float>(i);
  const Tensor value = Tensor::Of<float>({2, 32}, plain);
  ASSERT_TRUE(store.Write("w", value).ok());
  EXPECT_EQ(store.Write("w", Tensor::Of<float>({32, 2}, plain)).code(),
            executable::Code::kInvalidArgument);
  std::vector<Tensor> fetched;
  const Status status = runner->Run({}, {}, &fetched);
  ASSERT_TRUE(status.ok()) << status.ToString();
  const std::vector<float> out = Values(fetched[0]);
  for (int row = 0; row < 2; ++row) {
    for (int column = 0; column < 32; ++column) {
      const int at = (column / 16 * 2 + row) * 16 + column % 16;
      ASSERT_EQ(out[static_cast<size_t>(at)], static_cast<float>(row * 32 + column));
    }
  }
  EXPECT_EQ(Values(*store.Read("w")), plain);
  VariableStore copy;
  ASSERT_TRUE(store.ShareInto(&copy).ok());
  EXPECT_EQ(Values(*copy.Read("w")), plain);
}

TEST(Variables, OneLayoutForAllPrograms) {
  VariableStore store;
  ASSERT_TRUE(store.Write("w", Tensor::Of<float>({2, 32}, std::vector<float>(64, 1))).ok());
  TestProgram t;
  FillPanels(&t);
  auto executable = t.Load();
  ASSERT_TRUE(executable.ok());
  EXPECT_EQ(Runner::Create(*executable, 0, &store).status().message(),
            "variable w: lies in row-major order here, the program wants panels of the last "
            "dimension");
}

TEST(Variables, InitRunsOncePerVariableVersion) {
  TestProgram t;
  const int32_t four = t.exprs.Const(4);
  const int32_t read = t.Vector("w", BufferKind::kVariableRead, four, 0, 9);
  const int32_t packed = t.Buffer("packed", BufferKind::kPersistent, 16, 0, 9);
  const int32_t out = t.Vector("out", BufferKind::kOutput, four, 0, 9);
  const int32_t scale = t.AddKernel({"scale"}, {{Access::kRead}, {Access::kWrite}}, 2);
  const int32_t init = t.Block("init");
  const int32_t main = t.Block("main");
  t.Add(init, 0, t.Launch(scale, {read, packed}, {four, t.exprs.Const(2)}));
  t.Add(main, 1, t.Launch(scale, {packed, out}, {four, t.exprs.Const(5)}));
  executable::EntryPoint& entry = t.Entry(main);
  entry.init_block = init;
  entry.variables.push_back({"w", DType::kFloat32, {four}, {}, read});
  entry.init_variables = {0};
  t.AddFetch("out:0", out);
  VariableStore store;
  auto runner = MakeRunner(&t, &store);
  ASSERT_TRUE(store.Write("w", Floats({1, 2, 3, 4})).ok());
  std::vector<Tensor> fetched;
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(runner->Run({}, {}, &fetched).ok());
  EXPECT_EQ(Values(fetched[0]), (std::vector<float>{10, 20, 30, 40}));
  EXPECT_EQ(runner->executable()->StepCounts()[0], 4);  // one init, three runs
  ASSERT_TRUE(store.Write("w", Floats({1, 1, 1, 1})).ok());
  ASSERT_TRUE(runner->Run({}, {}, &fetched).ok());
  EXPECT_EQ(Values(fetched[0]), (std::vector<float>{10, 10, 10, 10}));
  EXPECT_EQ(runner->executable()->StepCounts()[0], 6);
}

TEST(Variables, AnInitializedOneIsNotWaitedFor) {
  VariableStore store;
  ASSERT_TRUE(store.Adopt("w", Floats({1})).ok());
  std::vector<VariableLease> writer;
  ASSERT_TRUE(store.Acquire({{store.FindOrCreate("w"), true, true, true}}, {}, &writer).ok());
  EXPECT_TRUE(store.IsInitialized("w"));
  EXPECT_TRUE(store.Adopt("w", Floats({2})).ok());  // returns although w is being written
  store.Release(&writer);
  EXPECT_EQ(Values(*store.Read("w")), std::vector<float>{1});
  EXPECT_FALSE(store.IsInitialized("v"));
}

// Two stores may hold a version that its own store has left behind: neither may write into it.
TEST(Variables, CopiesShareWithoutWritingIntoEachOther) {
  VariableStore store, one, two;
  ASSERT_TRUE(store.Write("w", Floats({1, 2})).ok());
  ASSERT_TRUE(store.ShareInto(&one).ok());
  ASSERT_TRUE(store.ShareInto(&two).ok());
  ASSERT_TRUE(store.Write("w", Floats({5, 6})).ok());
  Accumulate t;
  std::vector<Tensor> fetched;
  ASSERT_TRUE(MakeRunner(&t, &one)->Run({Floats({10, 10})}, {}, &fetched).ok());
  EXPECT_EQ(Values(*one.Read("w")), (std::vector<float>{11, 12}));
  EXPECT_EQ(Values(*two.Read("w")), (std::vector<float>{1, 2}));
  EXPECT_EQ(Values(*store.Read("w")), (std::vector<float>{5, 6}));
}

}  // namespace
}  // namespace stator::runtime
