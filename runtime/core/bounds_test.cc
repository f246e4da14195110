// Plans that the verifier cannot see through, since sizes follow from symbols: a run that would
// leave the memory of a buffer fails instead.
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "runtime/core/test_runner.h"

namespace stator::runtime {
namespace {

using executable::BufferKind;
using executable::Copy;
using executable::SymbolLife;
using executable::UseList;

// Two floats in, the named step, whatever comes out.
struct Liar : TestProgram {
  Liar() {
    n = AddSymbol("n", SymbolLife::kInput);
    rows = AddSymbol("rows", SymbolLife::kStep);
    x = Vector("x", BufferKind::kInput, n, 0, 9);
    main = Block("main");
    model.num_lists = 1;
    Entry(main);
    AddFeed("x:0", x);
  }
  // The code and message of a run; "" when it succeeds. Without the plan checker, which sees most
  // of these lies.
  std::string Run(const Tensor& feed = Floats({1, 2})) {
    const std::vector<uint8_t> bytes = executable::Serialize(model);
    const auto loaded = Executable::Load(bytes.data(), bytes.size());
    if (!loaded.ok()) return loaded.status().ToString();
    const auto runner = Runner::Create(*loaded, 0, &store);
    std::vector<Tensor> fetched;
    const Status status = (*runner)->Run({feed}, {}, &fetched);
    return status.ok() ? "" : status.ToString();
  }
  int32_t n, rows, x, main;
  VariableStore store;
};

void ExpectStart(const std::string& text, const std::string& start) {
  EXPECT_EQ(text.substr(0, start.size()), start) << text;
}

TEST(Bounds, ACopyOfMoreThanTheFeedHas) {
  Liar t;
  t.model.buffers[t.x].byte_size = t.exprs.Mul(t.n, t.exprs.Const(1000));
  const int32_t out = t.Sized("out", BufferKind::kOutput, t.model.buffers[t.x].byte_size, 0, 9);
  t.Add(t.main, 0, Copy{t.x, out});
  ExpectStart(t.Run(), "Internal: 2000 bytes are needed of");
}

TEST(Bounds, AListElementOfMoreThanTheFeedHas) {
  Liar t;
  t.model.buffers[t.x].byte_size = t.exprs.Mul(t.n, t.exprs.Const(1000));
  t.Add(t.main, 0, UseList{executable::ListAction::kPush, 0, t.x});
  ExpectStart(t.Run(), "Internal: 2000 bytes are needed of");
}

TEST(Bounds, AFetchOfMoreThanItsBuffer) {
  Liar t;
  const int32_t small = t.Vector("small", BufferKind::kArena, t.n, 0, 0);
  t.Add(t.main, 0, Copy{t.x, small});
  t.AddFetch("out:0", small);
  t.model.entry_points[0].fetches[0].dims = {t.exprs.Mul(t.n, t.exprs.Const(1'000'000))};
  ExpectStart(t.Run(), "Internal: fetch out:0: 8000000 bytes are needed of");
}

TEST(Bounds, AViewBesideItsBase) {
  for (const int64_t offset : {int64_t{-400}, int64_t{9}, int64_t{1} << 40}) {
    Liar t;
    const int32_t view = t.Vector("view", BufferKind::kInput, t.n, 0, 9);
    t.model.buffers[view].alias_of = t.x;
    t.model.buffers[view].alias_offset = t.exprs.Mul(t.n, t.exprs.Const(offset / 2));
    const int32_t out = t.Vector("out", BufferKind::kOutput, t.n, 0, 9);
    t.Add(t.main, 0, Copy{view, out});
    ExpectStart(t.Run(), "Internal: 8 bytes are needed of");
  }
}

TEST(Bounds, APredicateWithoutMemory) {
  Liar t;
  const int32_t none = t.Buffer("none", BufferKind::kDynamic, 1, 0, 9, DType::kBool);
  t.Add(t.main, 0, executable::If{none, kNone, kNone});
  ExpectStart(t.Run(), "Internal: 1 bytes are needed of");
}

TEST(Bounds, ASymbolFromBehindItsSource) {
  Liar t;
  t.model.buffers[t.x].dtype = DType::kInt32;
  t.model.entry_points[0].feeds[0].dtype = DType::kInt32;
  t.model.buffers[t.x].byte_size = t.exprs.Mul(t.n, t.exprs.Const(1000));
  t.Add(t.main, 0, executable::BindSymbol{1, t.x, 100});
  EXPECT_EQ(t.Run(Tensor::Of<int32_t>({2}, {1, 2})),
            "Internal: symbol rows: element 100 lies outside its source");
}

TEST(Bounds, AVariableIsPublishedOnlyInAShapeThatItsMemoryHolds) {
  Liar t;
  const int32_t write = t.Vector("w/write", BufferKind::kVariableWrite, t.n, 0, 9);
  t.Add(t.main, 0, Copy{t.x, write});
  executable::Variable w{"w", DType::kFloat32, {}, {}, kNone, write};
  w.write_dims = {t.exprs.Mul(t.n, t.exprs.Const(1000))};
  t.model.entry_points[0].variables.push_back(w);
  EXPECT_EQ(t.Run(), "Internal: variable w: its buffer is too small for [2000]");
  EXPECT_FALSE(t.store.IsInitialized("w"));
}

TEST(Bounds, NegativeSizes) {
  for (const BufferKind kind : {BufferKind::kOutput, BufferKind::kArena}) {
    Liar t;
    const int32_t b = t.Sized("b", kind, t.exprs.Mul(t.n, t.exprs.Const(-4)), 0, 0);
    t.Add(t.main, 0, Copy{t.x, b});
    ExpectStart(t.Run(), "InvalidArgument: ");
  }
}

TEST(Bounds, SizesThatOverflowNameTheInput) {
  Liar t;
  const int32_t b =
      t.Sized("b", BufferKind::kArena, t.exprs.Mul(t.n, t.exprs.Const(INT64_MAX)), 0, 0);
  t.Add(t.main, 0, Copy{t.x, b});
  EXPECT_EQ(t.Run(),
            "InvalidArgument: size (n * 9223372036854775807) overflows or divides by zero: input "
            "x:0, dimension 0 (n) is 2");
}

TEST(Bounds, AGuardThatDividesTheSmallestNumber) {
  Liar t;
  t.model.entry_points[0].guards.push_back({t.exprs.Const(-1), t.exprs.Const(INT64_MIN),
                                            executable::Relation::kDivides, "never", kNone});
  EXPECT_EQ(t.Run(), "");  // and does not trap
}

}  // namespace
}  // namespace stator::runtime
