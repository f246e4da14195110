#ifndef STATOR_COMPILER_PASSES_FIX_SUM_ORDER_FIX_SUM_ORDER_H_
#define STATOR_COMPILER_PASSES_FIX_SUM_ORDER_FIX_SUM_ORDER_H_

#include "compiler/dialect/core_dialect.h"

namespace stator::compiler {

// Gives every contraction and reduction its `accumulate` attribute (see core_base.td), from op, types and sizes alone.
// Runs after simplification, once; whatever comes later implements the order. The constants are part of the numeric
// contract: changing one changes results.
void FixSumOrder(mlir::ModuleOp module);

}  // namespace stator::compiler

#endif  // STATOR_COMPILER_PASSES_FIX_SUM_ORDER_FIX_SUM_ORDER_H_
