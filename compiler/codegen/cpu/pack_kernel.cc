#include "compiler/codegen/cpu/pack_kernel.h"

#include "compiler/codegen/cpu/element_emitter.h"
#include "compiler/codegen/cpu/loop_kernel.h"
#include "compiler/dialect/panels.h"
#include "graph/status_macros.h"

namespace stator::compiler {
namespace {

// Rows of the matrix that are read side by side: what one of them gives to a panel is a line of the
// cache, and these lines follow each other there.
constexpr int64_t kRows = 16;

}  // namespace

absl::StatusOr<bool> EmitPack(FusionKernel* kernel) {
  if (kernel->fusion().getKind() != core::kPackKind) return false;
  const mlir::Value panels = kernel->Returned(0);
  auto transpose = panels.getDefiningOp<core::TransposeOp>();
  if (!transpose || transpose.getPermutation() != llvm::ArrayRef<int64_t>{1, 0, 2}) return false;
  const core::Dims dims = core::DimsOf(panels);  // [N / 16, K, 16]
  const std::optional<int64_t> depth = dims[1].AsConstant();
  if (!depth || *depth % kRows != 0) return false;
  core::DimContext& context = kernel->dims();
  LoopWork work;
  work.dims = {context.Constant(*depth / kRows), dims[0], context.Constant(kRows), dims[2]};
  work.joinable = {false, false, false};
  work.elements = {panels};
  work.body = [&](ElementEmitter* emitter, IndexSet at) {
    IndexSets& sets = emitter->sets();
    const LaneIndex k =
        emitter->math().Add(emitter->math().Mul(sets.Dim(at, 0), kRows), sets.Dim(at, 2));
    IndexSet to = sets.Of(dims, {sets.Dim(at, 1), k, sets.Dim(at, 3)}, at->lanes);
    EmitOutputs(emitter, {{panels, kernel->Result(0)}}, to);
  };
  STATOR_RETURN_IF_ERROR(EmitLoopPhase(kernel, work));
  return true;
}

}  // namespace stator::compiler
