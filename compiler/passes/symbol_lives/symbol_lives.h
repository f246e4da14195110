#ifndef STATOR_COMPILER_PASSES_SYMBOL_LIVES_SYMBOL_LIVES_H_
#define STATOR_COMPILER_PASSES_SYMBOL_LIVES_SYMBOL_LIVES_H_

#include "compiler/dialect/core_dialect.h"

namespace stator::compiler {

// Symbols that a step or a loop binds live so, whatever the context knew of them: a module that was read from text names
// symbols, but not their lives. No other thread may use the context meanwhile.
void SettleSymbolLives(mlir::ModuleOp module);

}  // namespace stator::compiler

#endif  // STATOR_COMPILER_PASSES_SYMBOL_LIVES_SYMBOL_LIVES_H_
