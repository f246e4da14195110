#include "compiler/codegen/cpu/contraction_test_support.h"

#include <algorithm>
#include <cstdlib>

#include "compiler/codegen/cpu/emit_object.h"
#include "compiler/codegen/cpu/link_blob.h"

namespace stator::compiler {
absl::StatusOr<CompiledContraction> CompileContraction(const ContractionSpec& spec, int scalars,
                                                       const ContractionCallbacks& callbacks,
                                                       const CpuTarget& target, int extra_buffers) {
  double start = ThreadMilliseconds();
  CompiledContraction result;
  absl::StatusOr<ContractionPlan> plan = PlanContraction(spec, target);
  if (!plan.ok()) return plan.status();
  result.plan = *std::move(plan);
  result.buffers = std::max({spec.a_buffer, spec.b_buffer, spec.out_buffer}) + 1 + extra_buffers;
  int buffers = result.buffers;
  if (result.plan.needs_packed_buffer()) result.workspace.packed_buffer = buffers++;
  if (result.plan.needs_partial_buffer()) result.workspace.partial_buffer = buffers++;
  result.scalars = scalars;
  std::unique_ptr<mlir::MLIRContext> context = CreateKernelContext();
  KernelModule kernel(context.get(), {"contraction", buffers, scalars, {}});
  absl::Status status = EmitContraction(result.plan, spec, result.workspace, callbacks, &kernel);
  if (!status.ok()) return status;
  result.emit_ms = ThreadMilliseconds() - start;
  LowerOptions options;
  options.timings = &result.timings;
  if (const char* passes = std::getenv("CONTRACTION_PASSES")) options.llvm_passes = passes;
  absl::StatusOr<std::string> object = LowerToObject(kernel.module(), target, options);
  if (!object.ok()) return object.status();
  result.object = *object;
  start = ThreadMilliseconds();
  absl::StatusOr<CodeBlob> blob = LinkBlob(*object, target);
  if (!blob.ok()) return blob.status();
  result.link_ms = ThreadMilliseconds() - start;
  result.blob = std::make_unique<MappedBlob>(*std::move(blob));
  return result;
}

void RunContraction(const CompiledContraction& compiled, std::vector<void*> buffers,
                    const std::vector<int64_t>& scalars, int workers, const GridSplit& split) {
  auto allocate = [](int64_t bytes) {
    const size_t size = static_cast<size_t>((bytes + 127) / 64 * 64);
    void* memory = std::aligned_alloc(64, size);
    // Not numbers: what is read before it is written must show.
    std::fill_n(static_cast<uint8_t*>(memory), size, 0xff);
    return memory;
  };
  std::vector<void*> owned;
  if (compiled.plan.needs_packed_buffer()) {
    owned.push_back(allocate(compiled.plan.packed_bytes.Evaluate(scalars.data())));
  }
  if (compiled.plan.needs_partial_buffer()) {
    owned.push_back(allocate(compiled.plan.partial_bytes.Evaluate(scalars.data())));
  }
  buffers.insert(buffers.end(), owned.begin(), owned.end());
  owned.push_back(allocate(compiled.plan.scratch_bytes * workers));
  executable::ErrorSlot error{};
  executable::Frame frame{
      buffers.data(), scalars.data(), static_cast<char*>(owned.back()), compiled.plan.scratch_bytes,
      &error,         nullptr};
  for (size_t phase = 0; phase < compiled.plan.grids.size(); ++phase) {
    const int64_t grid = compiled.plan.grids[phase].Evaluate(scalars.data());
    for (const GridRange& range : split(grid)) {
      compiled.Phase(static_cast<int>(phase))(&frame, range.begin, range.end, range.worker);
    }
  }
  for (void* memory : owned) std::free(memory);
}

}  // namespace stator::compiler
