#include "compiler/plan/expr_table.h"

namespace stator::compiler {

using executable::ExprKind;

int32_t ExprTable::Symbol(const core::DimSymbol* symbol) {
  auto [it, is_new] = symbols_.try_emplace(symbol, static_cast<int32_t>(model_->symbols.size()));
  if (is_new) {
    const core::DimFacts& facts = symbol->facts();
    executable::Symbol entry;
    entry.name = symbol->name().str();
    entry.life = static_cast<executable::SymbolLife>(facts.life);
    entry.min = facts.min;
    entry.max = facts.max.value_or(INT64_MAX);
    entry.divisor = facts.divisor;
    model_->symbols.push_back(std::move(entry));
  }
  return it->second;
}

int32_t ExprTable::Atom(const core::DimAtom& atom) {
  using core::DimAtomKind;
  if (atom.kind == DimAtomKind::kSymbol) return builder_.Symbol(Symbol(atom.symbol));
  ExprKind kind = ExprKind::kMax;
  switch (atom.kind) {
    case DimAtomKind::kFloorDiv:
      kind = ExprKind::kFloorDiv;
      break;
    case DimAtomKind::kCeilDiv:
      kind = ExprKind::kCeilDiv;
      break;
    case DimAtomKind::kMod:
      kind = ExprKind::kMod;
      break;
    case DimAtomKind::kMin:
      kind = ExprKind::kMin;
      break;
    default:
      break;
  }
  int32_t result = Expr(atom.operands[0]);
  for (size_t i = 1; i < atom.operands.size(); ++i)
    result = builder_.Binary(kind, result, Expr(atom.operands[i]));
  return result;
}

int32_t ExprTable::Expr(core::DimExpr expr) {
  if (auto it = exprs_.find(expr); it != exprs_.end()) return it->second;
  int32_t sum = executable::kNone;
  for (const core::DimTerm& term : expr.terms()) {
    int32_t product = executable::kNone;
    for (const core::DimFactor& factor : term.factors) {
      const int32_t atom = Atom(*factor.atom);
      for (uint32_t i = 0; i < factor.power; ++i) {
        product = product == executable::kNone ? atom : builder_.Mul(product, atom);
      }
    }
    if (product == executable::kNone) {
      product = builder_.Const(term.coefficient);
    } else if (term.coefficient != 1) {
      product = builder_.Mul(product, builder_.Const(term.coefficient));
    }
    sum = sum == executable::kNone ? product : builder_.Add(sum, product);
  }
  if (sum == executable::kNone) sum = builder_.Const(0);
  exprs_[expr] = sum;
  return sum;
}

std::vector<int32_t> ExprTable::Exprs(llvm::ArrayRef<core::DimExpr> exprs) {
  std::vector<int32_t> result;
  for (core::DimExpr expr : exprs) result.push_back(Expr(expr));
  return result;
}

}  // namespace stator::compiler
