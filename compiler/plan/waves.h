#ifndef STATOR_COMPILER_PLAN_WAVES_H_
#define STATOR_COMPILER_PLAN_WAVES_H_

#include "compiler/plan/buffers.h"

namespace stator::compiler {

// Appends steps to blocks, each in a wave of its own, in program order.
class Waves {
 public:
  // All four outlive it.
  Waves(executable::ImageModel* model, ExprTable* exprs, SourceNodes* nodes, Buffers* buffers)
      : model_(model), exprs_(exprs), nodes_(nodes), buffers_(buffers) {}

  void Add(executable::Block& block, executable::StepBody body, mlir::Location loc);
  // A finished block's index.
  int32_t AddBlock(executable::Block block);

  // Memory for a buffer whose size is known only now; it ends with its last use, or is freed with
  // the run. `value` is what will be written: the next value of a loop may be larger than the
  // buffer's type says in this iteration.
  void AllocIfDynamic(executable::Block& block, int32_t buffer, mlir::Location loc,
                      mlir::Value value = {});
  void FreeIfDynamic(executable::Block& block, int32_t buffer, mlir::Location loc);
  void Copy(executable::Block& block, mlir::Value from, int32_t to, mlir::Location loc);

 private:
  executable::ImageModel* model_;
  ExprTable* exprs_;
  SourceNodes* nodes_;
  Buffers* buffers_;
};

}  // namespace stator::compiler

#endif  // STATOR_COMPILER_PLAN_WAVES_H_
