// The plan that the compiler made for a program is proved by the checker; with two live buffers
// moved onto each other it is refused, whichever two they are.

#include <gtest/gtest.h>

#include "executable/plan_checker/plan_checker.h"
#include "tests/program/core_program.h"

namespace stator::tests {
namespace {

using executable::Buffer;
using executable::BufferKind;
using executable::ConcretePlan;
using executable::ImageModel;
using executable::kNone;
using mlir::Value;

CoreProgram ManyLiveValues() {
  CoreProgram program;
  program.feeds = {{DType::kFloat32, {"n", "8"}}, {DType::kFloat32, {"8", "8"}}};
  program.build = [](CoreBuilder& b, mlir::ValueRange x) {
    Value hidden = b.Tanh(b.MatMul(x[0], x[1]));
    Value gate = b.Logistic(b.MatMul(hidden, x[1]));
    Value mixed = b.Mul(hidden, gate);
    Value turned = b.Transpose(mixed, {1, 0});
    Value products = b.MatMul(turned, hidden);
    Value rows = b.ReduceAdd(b.Mul(gate, mixed), {1});
    return Values{b.Add(products, x[1]), rows, b.Exp(b.Neg(mixed))};
  };
  return program;
}

ConcretePlan PlanOf(runtime::Executable& executable) {
  auto instance =
      executable.PlanFor(0, std::vector<int64_t>(executable.model().symbols.size(), 32), nullptr);
  EXPECT_TRUE(instance.ok()) << instance.status().ToString();
  ConcretePlan plan;
  plan.arena_offsets = (*instance)->layout.offsets;
  for (const Buffer& buffer : executable.model().buffers) {
    plan.sizes.push_back((*instance)->values[buffer.byte_size]);
    plan.alias_offsets.push_back(
        buffer.alias_of == kNone ? 0 : (*instance)->values[buffer.alias_offset]);
  }
  return plan;
}

TEST(PlantedOverlapsTest, EachIsFound) {
  const auto executable =
      Compile(MakeProgram(ManyLiveValues(), {{{"n", 32}}}), {.fuse = false, .in_place = false});
  ASSERT_TRUE(executable.ok()) << executable.status();
  const ImageModel& model = (*executable)->model();
  const ConcretePlan sound = PlanOf(**executable);
  EXPECT_TRUE(executable::CheckPlan(model, 0, sound).empty());
  auto owns_memory = [&](size_t i) {
    const Buffer& b = model.buffers[i];
    return b.kind == BufferKind::kArena && b.alias_of == kNone && b.in_place_of == kNone &&
           sound.sizes[i] > 0;
  };
  int planted = 0;
  for (size_t i = 0; i < model.buffers.size(); ++i) {
    for (size_t j = 0; j < model.buffers.size(); ++j) {
      const Buffer &earlier = model.buffers[i], &later = model.buffers[j];
      if (i == j || !owns_memory(i) || !owns_memory(j)) continue;
      if (later.first_wave <= earlier.first_wave || later.first_wave > earlier.last_wave) continue;
      ConcretePlan plan = sound;
      // The last bytes of one under the first of the other.
      plan.arena_offsets[j] = plan.arena_offsets[i] + (planted % 2 ? sound.sizes[i] - 4 : 0);
      EXPECT_FALSE(executable::CheckPlan(model, 0, plan).empty())
          << "buffers " << i << " and " << j << " overlap";
      ++planted;
    }
  }
  EXPECT_GE(planted, 10);
}

}  // namespace
}  // namespace stator::tests
