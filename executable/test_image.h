// Builds small images for tests.
#ifndef STATOR_EXECUTABLE_TEST_IMAGE_H_
#define STATOR_EXECUTABLE_TEST_IMAGE_H_

#include <string>
#include <utility>
#include <vector>

#include "executable/expr_eval.h"
#include "executable/image_builder.h"
#include "executable/memory_plan.h"
#include "executable/plan_checker/plan_checker.h"
#include "executable/verifier.h"

namespace stator::executable {

struct TestImage {
  ImageModel model;
  ExprBuilder exprs{&model};

  TestImage() = default;
  TestImage(const TestImage&) = delete;

  int32_t Buffer(const std::string& name, BufferKind kind, int64_t bytes, int32_t first,
                 int32_t last, DType dtype = DType::kFloat32) {
    return Sized(name, kind, exprs.Const(bytes), first, last, dtype);
  }
  int32_t Sized(const std::string& name, BufferKind kind, int32_t bytes, int32_t first,
                int32_t last, DType dtype = DType::kFloat32) {
    stator::executable::Buffer b;
    b.name = name;
    b.kind = kind;
    b.dtype = dtype;
    b.byte_size = bytes;
    b.first_wave = first;
    b.last_wave = last;
    model.buffers.push_back(b);
    return static_cast<int32_t>(model.buffers.size() - 1);
  }
  int32_t Arena(const std::string& name, int64_t bytes, int32_t first, int32_t last,
                DType dtype = DType::kFloat32) {
    return Buffer(name, BufferKind::kArena, bytes, first, last, dtype);
  }
  int32_t Constant(const std::string& name, const std::vector<float>& values) {
    const auto bytes = static_cast<int64_t>(4 * values.size());
    const int32_t b = Buffer(name, BufferKind::kConstant, bytes, 0, 1 << 20);
    model.buffers[b].constant_offset = AddConstant(&model, values.data(), bytes);
    model.buffers[b].constant_size = bytes;
    return b;
  }

  // A kernel of one phase with `grid` tiles and one byte of (uncallable) code.
  int32_t Kernel(std::vector<KernelArgument> arguments, int64_t grid = 1) {
    stator::executable::Kernel k;
    k.name = "k" + std::to_string(model.kernels.size());
    k.code_offset = AddCode(&model, "\xc3", 1);
    k.code_size = 1;
    k.phases = {{0, exprs.Const(grid)}};
    k.arguments = std::move(arguments);
    model.kernels.push_back(k);
    return static_cast<int32_t>(model.kernels.size() - 1);
  }
  LaunchKernel Launch(int32_t kernel, std::vector<int32_t> buffers,
                      std::vector<int32_t> scalars = {}) {
    return LaunchKernel{kernel, std::move(buffers), std::move(scalars), {}};
  }

  int32_t Block(const std::string& name) {
    model.blocks.push_back({name, {}});
    return static_cast<int32_t>(model.blocks.size() - 1);
  }
  void Add(int32_t block, int32_t wave, StepBody body, int32_t node = kNone) {
    std::vector<Wave>& waves = model.blocks[block].waves;
    if (waves.empty() || waves.back().number != wave) waves.push_back({wave, {}});
    Step step;
    step.body = std::move(body);
    step.source_node = node;
    waves.back().steps.push_back(std::move(step));
  }
  EntryPoint& Entry(int32_t main_block) {
    EntryPoint entry;
    entry.name = "main";
    entry.main_block = main_block;
    model.entry_points.push_back(entry);
    return model.entry_points.back();
  }

  // Values of all expressions, where the symbols have these values.
  std::vector<int64_t> Values(const std::vector<int64_t>& symbols = {}) {
    std::vector<int64_t> values;
    for (const Expr& e : model.expressions) {
      int64_t v = e.value;
      if (e.kind == ExprKind::kSymbol) v = symbols[e.value];
      if (e.kind >= ExprKind::kAdd) ApplyExpr(e.kind, values[e.lhs], values[e.rhs], &v);
      values.push_back(v);
    }
    return values;
  }

  ConcretePlan Concrete(const ArenaLayout& layout, const std::vector<int64_t>& symbols = {}) {
    const std::vector<int64_t> values = Values(symbols);
    const std::vector<ExprUse> uses = ExprUses(model);
    ConcretePlan plan;
    for (const auto& b : model.buffers) {
      plan.sizes.push_back(uses[b.byte_size].KnownAtStart() ? values[b.byte_size] : -1);
      plan.alias_offsets.push_back(b.alias_of == kNone ? 0 : values[b.alias_offset]);
    }
    plan.arena_offsets = layout.offsets;
    return plan;
  }
};

}  // namespace stator::executable

#endif  // STATOR_EXECUTABLE_TEST_IMAGE_H_
