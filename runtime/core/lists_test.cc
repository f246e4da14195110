// What UseList steps do: stacks of tensors that live as long as a run.

#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "runtime/core/runner.h"
#include "runtime/core/test_program.h"

namespace stator::runtime {
namespace {

using executable::Access;
using executable::BufferKind;
using executable::Copy;
using executable::ListAction;
using executable::SymbolLife;
using executable::UseList;

using Floats = std::vector<float>;

// Feeds x of n floats and y of m; steps follow one another, each in a wave of its own.
class ListsTest : public testing::Test {
 protected:
  ListsTest()
      : n_(t_.AddSymbol("n", SymbolLife::kInput)),
        m_(t_.AddSymbol("m", SymbolLife::kInput)),
        x_(t_.Vector("x", BufferKind::kInput, n_, 0, kLastWave)),
        y_(t_.Vector("y", BufferKind::kInput, m_, 0, kLastWave)),
        main_(t_.Block("main")) {
    t_.model.num_lists = 2;
    t_.Entry(main_);
    t_.AddFeed("x:0", x_);
    t_.AddFeed("y:0", y_);
  }

  void Step(executable::StepBody body) { t_.Add(main_, wave_++, std::move(body)); }
  void Push(int32_t buffer, int32_t list = 0) { Step(UseList{ListAction::kPush, list, buffer}); }
  void Clear(int32_t list = 0) { Step(UseList{ListAction::kClear, list}); }
  // Into a fetch of `size` floats.
  void Pop(int32_t size, int32_t list = 0) { Step(UseList{ListAction::kPop, list, Fetch(size)}); }
  int32_t Fetch(int32_t size) {
    const std::string name = "out" + std::to_string(t_.model.entry_points[0].fetches.size());
    const int32_t out = t_.Vector(name, BufferKind::kOutput, size, 0, kLastWave);
    t_.AddFetch(name + ":0", out);
    return out;
  }

  // Runs of one test share a runner.
  Status Run(const Floats& x, const Floats& y, const RunOptions& options = {}) {
    if (runner_ == nullptr) {
      auto executable = t_.Load();
      if (!executable.ok()) return executable.status();
      auto runner = Runner::Create(*executable, 0, nullptr);
      if (!runner.ok()) return runner.status();
      runner_ = std::move(runner).value();
    }
    std::vector<Tensor> fetched;
    results_.clear();
    const Status status = runner_->Run({OfFloats(x), OfFloats(y)}, options, &fetched);
    for (const Tensor& t : fetched) {
      results_.emplace_back(t.data<float>(), t.data<float>() + t.num_elements());
    }
    return status;
  }
  void ExpectRun(const Floats& x, const Floats& y, const std::vector<Floats>& expected) {
    const Status status = Run(x, y);
    EXPECT_TRUE(status.ok()) << status.ToString();
    EXPECT_EQ(results_, expected);
  }

  static Tensor OfFloats(const Floats& values) {
    return Tensor::Of<float>({static_cast<int64_t>(values.size())}, values);
  }

  static constexpr int32_t kLastWave = 9;
  TestProgram t_;
  const int32_t n_, m_, x_, y_, main_;
  int32_t wave_ = 0;
  std::unique_ptr<Runner> runner_;
  std::vector<Floats> results_;
};

TEST_F(ListsTest, TheNewestComesFirstWhateverItsSize) {
  Push(x_);
  Push(y_);
  Pop(m_);
  Pop(n_);
  ExpectRun({1, 2, 3}, {4}, {{4}, {1, 2, 3}});
  ExpectRun({}, {5, 6}, {{5, 6}, {}});
  ExpectRun({7}, {8, 9, 10, 11}, {{8, 9, 10, 11}, {7}});
}

TEST_F(ListsTest, ListsAreApart) {
  Push(x_, 0);
  Push(y_, 1);
  Pop(n_, 0);
  Pop(m_, 1);
  ExpectRun({1, 2}, {3}, {{1, 2}, {3}});
}

TEST_F(ListsTest, ElementsAreCopies) {
  const int32_t doubled = t_.Vector("doubled", BufferKind::kArena, n_, 0, 2);
  const int32_t scale = t_.AddKernel({"scale"}, {{Access::kRead}, {Access::kWrite}}, 2);
  Step(t_.Launch(scale, {x_, doubled}, {n_, t_.exprs.Const(2)}));
  Push(doubled);
  Step(Copy{x_, doubled});
  Pop(n_);
  ExpectRun({1, 2, 3}, {}, {{2, 4, 6}});
}

TEST_F(ListsTest, AClearedListIsEmpty) {
  Push(x_);
  Clear();
  Push(y_);
  Pop(m_);
  ExpectRun({1, 2}, {3}, {{3}});
  Pop(n_);
  runner_.reset();
  const Status status = Run({1, 2}, {3});
  EXPECT_EQ(status.code(), Code::kInternal);
  EXPECT_EQ(status.message(), "a pop from an empty list");
}

// Where x[0] < 5 an element stays in the list; elsewhere it is missed.
TEST_F(ListsTest, EachRunStartsWithEmptyLists) {
  const int32_t pred = t_.Arena("pred", 1, 0, 1, DType::kBool);
  const int32_t less = t_.AddKernel({"less"}, {{Access::kRead}, {Access::kWrite}}, 1, true);
  const int32_t leaves = t_.Block("leaves"), takes = t_.Block("takes");
  const int32_t out = Fetch(n_);
  Step(t_.Launch(less, {x_, pred}, {t_.exprs.Const(5)}));
  Step(executable::If{pred, leaves, takes});
  t_.Add(leaves, 2, UseList{ListAction::kPush, 0, x_});
  t_.Add(leaves, 3, UseList{ListAction::kPush, 0, x_});
  t_.Add(leaves, 4, UseList{ListAction::kPop, 0, out});
  t_.Add(takes, 5, UseList{ListAction::kPop, 0, out});
  ExpectRun({1, 2}, {}, {{1, 2}});
  EXPECT_EQ(Run({6, 7}, {}).message(), "a pop from an empty list");
  ExpectRun({3, 4}, {}, {{3, 4}});
}

TEST_F(ListsTest, AnElementOfAnotherSizeIsRefused) {
  Push(x_);
  Pop(m_);
  ExpectRun({1, 2}, {0, 0}, {{1, 2}});
  const Status status = Run({1, 2}, {0});
  EXPECT_EQ(status.code(), Code::kInternal);
  EXPECT_NE(status.message().find("a list's element of 8 bytes does not fit"), std::string::npos)
      << status.ToString();
}

TEST_F(ListsTest, ElementsCountAgainstTheBudget) {
  Push(x_);
  Push(x_);
  Pop(n_);
  Pop(n_);
  const Floats x(16, 1.5f);
  RunOptions options;
  options.max_bytes = 4 * 64;  // two elements and two fetches
  EXPECT_TRUE(Run(x, {}, options).ok());
  EXPECT_EQ(runner_->stats().peak_bytes, 4 * 64);
  options.max_bytes -= 1;
  EXPECT_EQ(Run(x, {}, options).code(), Code::kResourceExhausted);
}

TEST_F(ListsTest, MemoryAboveTheTopServesTheNextPush) {
  Push(x_);
  Pop(n_);
  Push(y_);
  Pop(m_);
  ExpectRun(Floats(16, 1.5f), {2, 3}, {Floats(16, 1.5f), {2, 3}});
  EXPECT_EQ(runner_->stats().peak_bytes, 64 + 64 + 8);
  // A larger element needs memory of its own, in place of the smaller's.
  ExpectRun({2, 3}, Floats(16, 1.5f), {{2, 3}, Floats(16, 1.5f)});
  EXPECT_EQ(runner_->stats().peak_bytes, 64 + 64 + 8);
}

}  // namespace
}  // namespace stator::runtime
