#ifndef STATOR_COMPILER_AUTODIFF_VJP_H_
#define STATOR_COMPILER_AUTODIFF_VJP_H_

#include "compiler/dialect/core_builder.h"

namespace stator::compiler {

// Gradients with respect to an op's operands, in their order; null where an operand gets none (integers, predicates,
// flat functions). `grads` has one value per result, null for a result that nothing depends on. Ops are built at the
// builder's insertion point; failures are in the builder. One function per group of primitives; each returns false for
// ops of other groups.
using Grads = core::CoreBuilder::Values;

bool ElementwiseVjp(core::CoreBuilder& b, mlir::Operation* op, mlir::Value grad, Grads& operands);
bool ShapeVjp(core::CoreBuilder& b, mlir::Operation* op, mlir::Value grad, Grads& operands);
bool IndexedVjp(core::CoreBuilder& b, mlir::Operation* op, mlir::Value grad, Grads& operands);
bool ContractionVjp(core::CoreBuilder& b, mlir::Operation* op, mlir::Value grad, Grads& operands);
bool ReductionVjp(core::CoreBuilder& b, mlir::Operation* op, mlir::Value grad, Grads& operands);
// Sort and top_k: the only primitives with several results.
bool SortVjp(core::CoreBuilder& b, mlir::Operation* op, const Grads& grads, Grads& operands);

// The value under dimensions that are equal to its own by construction, though perhaps written otherwise.
mlir::Value AsType(core::CoreBuilder& b, mlir::Value value, mlir::Type type);

// 0, 1, ..., count - 1.
llvm::SmallVector<int64_t> AxisRange(int64_t count);

}  // namespace stator::compiler

#endif  // STATOR_COMPILER_AUTODIFF_VJP_H_
