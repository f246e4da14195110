#include "compiler/plan/waves.h"

namespace stator::compiler {

using executable::kNone;

void Waves::Add(executable::Block& block, executable::StepBody body, mlir::Location loc) {
  executable::Step step;
  step.body = std::move(body);
  step.source_node = nodes_->First(loc);
  executable::Wave wave;
  wave.number = buffers_->TakeWave();
  wave.steps.push_back(std::move(step));
  block.waves.push_back(std::move(wave));
}

int32_t Waves::AddBlock(executable::Block block) {
  model_->blocks.push_back(std::move(block));
  return static_cast<int32_t>(model_->blocks.size()) - 1;
}

void Waves::AllocIfDynamic(executable::Block& block, int32_t buffer, mlir::Location loc,
                           mlir::Value value) {
  if (!buffers_->NeedsAlloc(buffer)) return;
  int32_t bytes = value ? exprs_->Expr(BytesOf(value)) : kNone;
  if (bytes == (*buffers_)[buffer].byte_size) bytes = kNone;
  Add(block, executable::Alloc{buffer, bytes}, loc);
  buffers_->Extend(buffer);
}

void Waves::FreeIfDynamic(executable::Block& block, int32_t buffer, mlir::Location loc) {
  const executable::Buffer& b = (*buffers_)[buffer];
  if (b.kind != executable::BufferKind::kDynamic || b.alias_of != kNone) return;
  buffers_->Touch(buffer);
  Add(block, executable::Free{buffer}, loc);
}

void Waves::Copy(executable::Block& block, mlir::Value from, int32_t to, mlir::Location loc) {
  AllocIfDynamic(block, to, loc, from);
  executable::Copy copy{buffers_->Use(from), to};
  buffers_->Touch(to);
  Add(block, copy, loc);
}

}  // namespace stator::compiler
