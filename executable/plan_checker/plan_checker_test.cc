#include "executable/plan_checker/plan_checker.h"

#include <functional>

#include "executable/image_builder.h"
#include "executable/memory_plan.h"
#include "executable/test_image.h"
#include "executable/verifier.h"
#include "executable/wave_range.h"
#include "gtest/gtest.h"

namespace stator::executable {
namespace {

// A sound plan with something of everything: a chain in the arena, a view, an in-place step, a
// constant, a variable updated in place, a dynamic buffer, an if, a while.
struct Sound {
  TestImage t;
  int32_t x, a, view, b, c, constant, dyn, read, write, pred, p0, p1, state, next, cond, out, n2;
  int32_t wave[16];
  ConcretePlan plan;

  Sound() {
    x = t.Buffer("x", BufferKind::kInput, 256, 0, 40);
    constant = t.Constant("k", std::vector<float>(64, 2.0f));
    a = t.Arena("a", 256, 0, 4);
    view = t.Arena("view", 64, 2, 2);
    t.model.buffers[view].alias_of = a;
    t.model.buffers[view].alias_offset = t.exprs.Const(128);
    b = t.Arena("b", 256, 1, 3);
    c = t.Arena("c", 256, 4, 20);
    t.model.buffers[c].in_place_of = a;
    n2 = t.Arena("n2", 64, 2, 3);
    dyn = t.Buffer("dyn", BufferKind::kDynamic, 256, 5, 7);
    read = t.Buffer("w/read", BufferKind::kVariableRead, 256, 0, 40);
    write = t.Buffer("w/write", BufferKind::kVariableWrite, 256, 0, 40);
    pred = t.Arena("pred", 1, 1, 9, DType::kBool);
    state = t.Arena("state", 64, 10, 20);
    next = t.Arena("next", 64, 13, 14);
    cond = t.Arena("cond", 1, 11, 14, DType::kBool);
    out = t.Buffer("out", BufferKind::kOutput, 256, 0, 40);

    const int32_t unary = t.Kernel({{Access::kRead}, {Access::kWrite, 0}});
    const int32_t strict = t.Kernel({{Access::kRead}, {Access::kWrite}});
    const int32_t update = t.Kernel({{Access::kRead}, {Access::kRead}, {Access::kWrite, 0}});
    const int32_t test = t.Kernel({{Access::kRead}, {Access::kWrite}});
    const int32_t main = t.Block("main");
    t.Add(main, 0, t.Launch(strict, {x, a}));
    t.Add(main, 1, t.Launch(strict, {a, b}));
    t.Add(main, 1, t.Launch(test, {a, pred}));
    t.Add(main, 2, t.Launch(strict, {view, n2}));
    t.Add(main, 3, t.Launch(strict, {b, out}));
    t.Add(main, 4, t.Launch(unary, {a, c}));
    t.Add(main, 5, Alloc{dyn, kNone});
    t.Add(main, 6, t.Launch(strict, {c, dyn}));
    t.Add(main, 7, t.Launch(update, {read, dyn, write}));
    t.Add(main, 8, Free{dyn});
    const int32_t then_block = t.Block("then");
    t.Add(main, 9, If{pred, then_block, kNone});
    t.Add(main, 10, Copy{n2, state});
    t.model.buffers[n2].last_wave = 10;
    const int32_t cond_block = t.Block("cond");
    const int32_t body_block = t.Block("body");
    t.Add(main, 11, While{cond_block, cond, body_block, {{state, next}}, {}});
    t.Add(cond_block, 12, t.Launch(test, {state, cond}));
    t.Add(body_block, 13, t.Launch(strict, {state, next}));
    t.Add(body_block, 14, t.Launch(strict, {c, t.Arena("dead", 256, 14, 14)}));
    t.Add(main, 20, t.Launch(strict, {state, t.Arena("end", 64, 20, 20)}));
    EntryPoint& entry = t.Entry(main);
    entry.feeds.push_back({"x:0", DType::kFloat32, {}, x, kNone});
    entry.fetches.push_back({"out:0", DType::kFloat32, {}, out, kNone});
    entry.variables.push_back({"w", DType::kFloat32, {}, {}, read, write, kNone, true, false});
    // Nothing to do in the branch but to be there.
    t.model.blocks[then_block].waves.clear();
  }

  void LayOut() {
    const std::vector<int64_t> values = t.Values();
    const WaveRange range = EntryWaves(t.model, t.model.entry_points[0]);
    Result<ArenaLayout> layout = LayOutArena(t.model, values, range.first, range.last);
    ASSERT_TRUE(layout.ok()) << layout.status().ToString();
    plan = t.Concrete(*layout);
  }

  std::vector<Violation> Check() { return CheckPlan(t.model, 0, plan); }
};

std::string Text(const std::vector<Violation>& violations) {
  std::string out;
  for (const Violation& v : violations) out += v.message + "\n";
  return out;
}

void ExpectFound(Sound* s, ViolationKind kind) {
  const std::vector<Violation> found = s->Check();
  const bool any =
      std::any_of(found.begin(), found.end(), [&](const Violation& v) { return v.kind == kind; });
  EXPECT_TRUE(any) << "expected " << ViolationKindName(kind) << ", found:\n" << Text(found);
}

Step& StepAt(Sound* s, int32_t block, size_t wave) {
  return s->t.model.blocks[block].waves[wave].steps[0];
}

TEST(PlanChecker, SoundPlanPasses) {
  Sound s;
  ASSERT_TRUE(VerifyModel(s.t.model).ok()) << VerifyModel(s.t.model).ToString();
  s.LayOut();
  EXPECT_EQ(Text(s.Check()), "");
}

TEST(PlanChecker, FindsLiveBuffersThatOverlap) {
  Sound s;
  s.LayOut();
  s.plan.arena_offsets[s.b] = s.plan.arena_offsets[s.a] + 64;
  ExpectFound(&s, ViolationKind::kOverlap);
  ExpectFound(&s, ViolationKind::kClobbered);  // also seen by the replay: a is read after b's write
}

TEST(PlanChecker, FindsInPlacePartnerReadLater) {
  Sound s;
  s.LayOut();
  s.t.model.buffers[s.a].last_wave = 20;
  StepAt(&s, 0, 6) = {s.t.Launch(1, {s.a, s.dyn})};  // wave 6 reads a, which c replaced in wave 4
  ExpectFound(&s, ViolationKind::kClobbered);
}

TEST(PlanChecker, FindsViewThatOutlivesItsBase) {
  Sound s;
  s.LayOut();
  s.t.model.buffers[s.view].last_wave = 6;
  ExpectFound(&s, ViolationKind::kViewOutlivesBase);
}

TEST(PlanChecker, FindsUseBeforeDefinition) {
  Sound s;
  s.LayOut();
  s.t.model.buffers[s.b].first_wave = 0;
  StepAt(&s, 0, 0) = {s.t.Launch(1, {s.b, s.a})};
  ExpectFound(&s, ViolationKind::kUseBeforeDefinition);
}

TEST(PlanChecker, FindsUseAfterFree) {
  Sound s;
  s.LayOut();
  StepAt(&s, 0, 6) = {Free{s.dyn}};
  ExpectFound(&s, ViolationKind::kUseAfterFree);
}

TEST(PlanChecker, FindsUseOutsideLifetime) {
  Sound s;
  s.LayOut();
  s.t.model.buffers[s.b].last_wave = 2;
  ExpectFound(&s, ViolationKind::kOutsideLifetime);
}

TEST(PlanChecker, FindsLoopInvariantThatEndsInsideTheLoop) {
  Sound s;
  s.LayOut();
  s.t.model.buffers[s.c].last_wave = 13;
  s.t.model.blocks[3].waves.pop_back();
  s.t.Add(3, 14, s.t.Launch(1, {s.state, s.next}));
  StepAt(&s, 3, 0) = {s.t.Launch(1, {s.c, s.next})};
  ExpectFound(&s, ViolationKind::kOutsideLifetime);
}

TEST(PlanChecker, FindsCarriedPairThatOverlaps) {
  Sound s;
  s.LayOut();
  s.plan.arena_offsets[s.next] = s.plan.arena_offsets[s.state];
  ExpectFound(&s, ViolationKind::kCarriedPair);
}

TEST(PlanChecker, FindsBodyThatForgetsTheNextValue) {
  Sound s;
  s.LayOut();
  s.t.model.blocks[3].waves.erase(s.t.model.blocks[3].waves.begin());
  ExpectFound(&s, ViolationKind::kCarriedPair);
}

TEST(PlanChecker, FindsOverlapThatOnlyTheSecondIterationSees) {
  Sound s;
  s.LayOut();
  // The body's last step writes over the carried value's other place: harmless before the exchange.
  const int32_t dead = static_cast<int32_t>(s.t.model.buffers.size()) - 2;
  s.plan.arena_offsets[dead] = s.plan.arena_offsets[s.next];
  ExpectFound(&s, ViolationKind::kClobbered);
}

TEST(PlanChecker, FindsRaceInsideAWave) {
  Sound s;
  s.LayOut();
  s.plan.arena_offsets[s.pred] = s.plan.arena_offsets[s.b] + 4;
  ExpectFound(&s, ViolationKind::kRace);
}

TEST(PlanChecker, FindsOldVersionReadAfterInPlaceWrite) {
  Sound s;
  s.LayOut();
  s.t.Add(0, 21, s.t.Launch(1, {s.read, s.out}));
  ExpectFound(&s, ViolationKind::kOldVersionRead);
}

TEST(PlanChecker, FindsConstantWritten) {
  Sound s;
  s.LayOut();
  s.t.Add(0, 21, s.t.Launch(1, {s.x, s.constant}));
  ExpectFound(&s, ViolationKind::kReadOnlyWritten);
}

TEST(PlanChecker, FindsArgumentsThatMayNotShare) {
  Sound s;
  s.LayOut();
  StepAt(&s, 0, 4) = {s.t.Launch(1, {s.a, s.c})};  // the strict kernel takes them as noalias
  ExpectFound(&s, ViolationKind::kNoAlias);
}

TEST(PlanChecker, FindsInPlaceWriteByAKernelThatMayFail) {
  Sound s;
  s.LayOut();
  s.t.model.kernels[2].may_fail = true;
  ExpectFound(&s, ViolationKind::kFallibleInPlace);
}

TEST(PlanChecker, FindsVariableWrittenTwice) {
  Sound s;
  s.LayOut();
  s.t.Add(0, 21, s.t.Launch(1, {s.x, s.write}));
  ExpectFound(&s, ViolationKind::kVariableWrites);
}

}  // namespace
}  // namespace stator::executable
