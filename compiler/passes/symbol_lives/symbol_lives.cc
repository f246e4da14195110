#include "compiler/passes/symbol_lives/symbol_lives.h"

namespace stator::compiler {

void SettleSymbolLives(mlir::ModuleOp module) {
  core::DimContext& dims = core::DimContextOf(module.getContext());
  auto settle = [&](llvm::StringRef name, core::DimLife life) {
    const core::DimSymbol* symbol = dims.FindSymbol(name);
    if (!symbol || symbol->facts().life == life) return;
    core::DimFacts facts = symbol->facts();
    facts.life = life;
    dims.Narrow(symbol, facts);
  };
  module.walk([&](core::BindDimOp op) { settle(op.getSymbol(), core::DimLife::kStep); });
  // A loop's symbol may be bound by steps of its body too; it stays the loop's.
  module.walk([&](core::WhileOp op) {
    if (!op.getLoopSymbols()) return;
    for (auto name : op.getLoopSymbols()->getAsRange<mlir::StringAttr>()) settle(name.getValue(), core::DimLife::kLoop);
  });
}

}  // namespace stator::compiler
