#include "executable/plan_checker/symbol_uses.h"

#include <vector>

namespace stator::executable {

const std::set<int32_t>& SymbolUses::Of(int32_t expression) {
  auto [it, fresh] = found_.try_emplace(expression);
  if (!fresh) return it->second;
  std::set<int32_t>& symbols = it->second;
  std::set<int32_t> seen;
  std::vector<int32_t> todo = {expression};
  while (!todo.empty()) {
    const int32_t at = todo.back();
    todo.pop_back();
    if (!seen.insert(at).second) continue;
    const Expr& e = model_.expressions[at];
    if (e.kind == ExprKind::kSymbol) symbols.insert(static_cast<int32_t>(e.value));
    if (e.kind >= ExprKind::kAdd) todo.insert(todo.end(), {e.lhs, e.rhs});
  }
  return symbols;
}

}  // namespace stator::executable
