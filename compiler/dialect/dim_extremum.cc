// Normal forms of min and max.

#include <algorithm>
#include <cassert>

#include "compiler/dialect/checked_int.h"
#include "compiler/dialect/dim_expr.h"
#include "compiler/dialect/dim_monomial.h"
#include "llvm/ADT/STLExtras.h"

namespace stator::core {
namespace {

using Terms = llvm::SmallVector<DimTerm, 2>;

constexpr size_t kMaxExtremumOperands = 16;

// Appends the operands of `e`, which may itself be rest + k*max(x, y) with k > 0: these are
// rest + k*x and rest + k*y.
void AppendOperands(DimAtomKind kind, DimExpr e, Dims& operands) {
  if (operands.size() > kMaxExtremumOperands) return;
  for (const DimTerm& t : e.terms()) {
    if (t.factors.size() != 1 || t.factors[0].power != 1) continue;
    const DimAtom* atom = t.factors[0].atom;
    if (atom->kind != kind || t.coefficient < 0) continue;
    DimExpr rest = e - OneTerm(e.context(), t.coefficient, t.factors);
    for (DimExpr operand : atom->operands) {
      AppendOperands(kind, rest + operand * t.coefficient, operands);
    }
    return;
  }
  operands.push_back(e);
}

// Drops operands that another one makes irrelevant.
void DropDominated(DimAtomKind kind, Dims& operands) {
  for (size_t i = 0; i < operands.size();) {
    bool dominated = false;
    for (size_t j = 0; j < operands.size() && !dominated; ++j) {
      if (i == j) continue;
      dominated = kind == DimAtomKind::kMin ? ProvablyLessEqual(operands[j], operands[i])
                                            : ProvablyLessEqual(operands[i], operands[j]);
    }
    if (dominated) {
      operands.erase(operands.begin() + i);
    } else {
      ++i;
    }
  }
}

// For each monomial its least coefficient in the operands (0 where it is absent). Subtracted from
// all, it makes the form independent of a common summand: max(a - 1, 0) is max(a, 1) - 1.
DimExpr CommonPart(llvm::ArrayRef<DimExpr> operands) {
  auto coefficient = [](DimExpr e, llvm::ArrayRef<DimFactor> factors) -> int64_t {
    for (const DimTerm& t : e.terms()) {
      if (llvm::ArrayRef<DimFactor>(t.factors) == factors) return t.coefficient;
    }
    return 0;
  };
  DimContext& ctx = operands[0].context();
  Terms common;
  for (size_t i = 0; i < operands.size(); ++i) {
    for (const DimTerm& t : operands[i].terms()) {
      bool seen = llvm::any_of(operands.take_front(i),
                               [&](DimExpr e) { return coefficient(e, t.factors) != 0; });
      if (seen) continue;
      int64_t least = t.coefficient;
      for (DimExpr e : operands) least = std::min(least, coefficient(e, t.factors));
      if (least != 0) common.push_back({least, t.factors});
    }
  }
  return ctx.FromTerms(std::move(common));
}

DimExpr Extremum(DimAtomKind kind, DimExpr a, DimExpr b) {
  assert(&a.context() == &b.context());
  if (!a.ok()) return a;
  if (!b.ok()) return b;
  DimContext& ctx = a.context();
  auto before = [](DimExpr x, DimExpr y) { return CompareDimExprs(x, y) < 0; };
  // The result is offset + scale * extremum of operands.
  DimExpr offset = ctx.Constant(0), scale = ctx.Constant(1);
  Dims operands = {a, b};
  // Taking out the common part can bring forth an inner call to flatten, and so on inwards.
  for (int round = 0; round < 8; ++round) {
    llvm::sort(operands, before);
    operands.erase(std::unique(operands.begin(), operands.end()), operands.end());
    DropDominated(kind, operands);
    if (operands.size() == 1) return offset + operands[0] * scale;
    DimExpr common = CommonPart(operands);
    offset = offset + common * scale;
    int64_t g = 0;
    for (DimExpr& e : operands) {
      e = e - common;
      if (!e.ok()) return e;
      for (const DimTerm& t : e.terms()) g = Gcd(g, t.coefficient);
    }
    g = std::max<int64_t>(g, 1);
    scale = scale * g;
    for (DimExpr& e : operands) e = DivideAllTerms(e, g, {});
    llvm::sort(operands, before);
    Dims flat;
    for (DimExpr e : operands) AppendOperands(kind, e, flat);
    if (flat == operands || flat.size() > kMaxExtremumOperands) break;
    operands = flat;
    for (DimExpr e : operands) {
      if (!e.ok()) return e;
    }
  }
  return offset + Call(kind, operands) * scale;
}

}  // namespace

DimExpr Min(DimExpr a, DimExpr b) { return Extremum(DimAtomKind::kMin, a, b); }
DimExpr Max(DimExpr a, DimExpr b) { return Extremum(DimAtomKind::kMax, a, b); }

DimExpr Min(DimExpr a, int64_t b) { return Min(a, a.context().Constant(b)); }
DimExpr Max(DimExpr a, int64_t b) { return Max(a, a.context().Constant(b)); }

}  // namespace stator::core
