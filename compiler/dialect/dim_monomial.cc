#include "compiler/dialect/dim_monomial.h"

#include "llvm/ADT/STLExtras.h"

namespace stator::core {
namespace {

int Sign(bool less) { return less ? -1 : 1; }

int CompareAtoms(const DimAtom* a, const DimAtom* b) {
  if (a == b) return 0;
  if (a->kind != b->kind) return Sign(a->kind < b->kind);
  if (a->kind == DimAtomKind::kSymbol) return a->symbol->name().compare(b->symbol->name());
  for (auto [x, y] : llvm::zip(a->operands, b->operands)) {
    if (int c = CompareDimExprs(x, y)) return c;
  }
  return Sign(a->operands.size() < b->operands.size());
}

}  // namespace

uint32_t Degree(llvm::ArrayRef<DimFactor> factors) {
  uint32_t degree = 0;
  for (const DimFactor& f : factors) degree += f.power;
  return degree;
}

int CompareMonomials(llvm::ArrayRef<DimFactor> a, llvm::ArrayRef<DimFactor> b) {
  uint32_t degree_a = Degree(a), degree_b = Degree(b);
  if (degree_a != degree_b) return Sign(degree_a > degree_b);
  for (auto [x, y] : llvm::zip(a, b)) {
    if (int c = CompareAtoms(x.atom, y.atom)) return c;
    if (x.power != y.power) return Sign(x.power > y.power);
  }
  return 0;  // equal degree and one a prefix of the other: equal
}

llvm::SmallVector<DimFactor, 2> MultiplyMonomials(llvm::ArrayRef<DimFactor> a,
                                                  llvm::ArrayRef<DimFactor> b) {
  llvm::SmallVector<DimFactor, 2> result;
  while (!a.empty() || !b.empty()) {
    int c = a.empty() ? 1 : b.empty() ? -1 : CompareAtoms(a.front().atom, b.front().atom);
    DimFactor f = c <= 0 ? a.front() : b.front();
    if (c == 0) f.power += b.front().power;
    if (c <= 0) a = a.drop_front();
    if (c >= 0) b = b.drop_front();
    result.push_back(f);
  }
  return result;
}

int CompareDimExprs(DimExpr a, DimExpr b) {
  if (a == b) return 0;
  if (a.error() != b.error()) return Sign(a.error() < b.error());
  for (auto [x, y] : llvm::zip(a.terms(), b.terms())) {
    if (int c = CompareMonomials(x.factors, y.factors)) return c;
    if (x.coefficient != y.coefficient) return Sign(x.coefficient < y.coefficient);
  }
  return Sign(a.terms().size() < b.terms().size());
}

std::optional<llvm::SmallVector<DimFactor, 2>> DivideMonomial(llvm::ArrayRef<DimFactor> a,
                                                              llvm::ArrayRef<DimFactor> b) {
  llvm::SmallVector<DimFactor, 2> result(a);
  for (const DimFactor& f : b) {
    auto it = llvm::find_if(result, [&](const DimFactor& g) { return g.atom == f.atom; });
    if (it == result.end() || it->power < f.power) return std::nullopt;
    it->power -= f.power;
    if (it->power == 0) result.erase(it);
  }
  return result;
}

DimExpr OneTerm(DimContext& ctx, int64_t coefficient, llvm::ArrayRef<DimFactor> factors) {
  llvm::SmallVector<DimTerm, 2> terms;
  terms.push_back({coefficient, llvm::SmallVector<DimFactor, 2>(factors)});
  return ctx.FromTerms(std::move(terms));
}

DimExpr DivideAllTerms(DimExpr e, int64_t coefficient, llvm::ArrayRef<DimFactor> monomial) {
  llvm::SmallVector<DimTerm, 2> terms;
  for (const DimTerm& t : e.terms()) {
    terms.push_back({t.coefficient / coefficient, *DivideMonomial(t.factors, monomial)});
  }
  return e.context().FromTerms(std::move(terms));
}

DimExpr Call(DimAtomKind kind, llvm::ArrayRef<DimExpr> operands) {
  for (DimExpr e : operands) {
    if (!e.ok()) return e;
  }
  DimContext& ctx = operands[0].context();
  return ctx.FromAtom(ctx.CallAtom(kind, operands));
}

}  // namespace stator::core
