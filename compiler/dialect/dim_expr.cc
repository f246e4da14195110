#include "compiler/dialect/dim_expr.h"

#include <algorithm>
#include <cassert>

#include "compiler/dialect/checked_int.h"
#include "compiler/dialect/dim_monomial.h"
#include "llvm/ADT/SmallPtrSet.h"

namespace stator::core {

DimContext& DimExpr::context() const {
  assert(node_);
  return *node_->context;
}

DimError DimExpr::error() const {
  assert(node_);
  return node_->error;
}

llvm::ArrayRef<DimTerm> DimExpr::terms() const {
  assert(node_);
  return node_->terms;
}

std::optional<int64_t> DimExpr::AsConstant() const {
  if (!node_ || !ok()) return std::nullopt;
  if (node_->terms.empty()) return 0;
  if (node_->terms.size() == 1 && node_->terms[0].factors.empty()) {
    return node_->terms[0].coefficient;
  }
  return std::nullopt;
}

const DimSymbol* DimExpr::symbol() const {
  if (!node_ || node_->terms.size() != 1) return nullptr;
  const DimTerm& t = node_->terms[0];
  if (t.coefficient != 1 || t.factors.size() != 1 || t.factors[0].power != 1) return nullptr;
  return t.factors[0].atom->symbol;
}

void DimExpr::ForEachSymbol(llvm::function_ref<void(const DimSymbol&)> visit) const {
  llvm::SmallPtrSet<const DimSymbol*, 8> seen;
  auto walk = [&](auto& self, DimExpr e) -> void {
    for (const DimTerm& t : e.terms()) {
      for (const DimFactor& f : t.factors) {
        if (f.atom->symbol && seen.insert(f.atom->symbol).second) visit(*f.atom->symbol);
        for (DimExpr operand : f.atom->operands) self(self, operand);
      }
    }
  };
  walk(walk, *this);
}

namespace {

using SymbolValue = llvm::function_ref<std::optional<int64_t>(const DimSymbol&)>;

std::optional<int64_t> EvaluateAtom(const DimAtom& atom, SymbolValue value) {
  if (atom.kind == DimAtomKind::kSymbol) return value(*atom.symbol);
  std::optional<int64_t> result;
  for (DimExpr operand : atom.operands) {
    std::optional<int64_t> v = operand.Evaluate(value);
    if (!v) return std::nullopt;
    if (!result) {
      result = v;
      continue;
    }
    switch (atom.kind) {
      case DimAtomKind::kSymbol:
        break;
      case DimAtomKind::kFloorDiv:
        result = CheckedFloorDiv(*result, *v);
        break;
      case DimAtomKind::kCeilDiv:
        result = CheckedCeilDiv(*result, *v);
        break;
      case DimAtomKind::kMod:
        result = CheckedMod(*result, *v);
        break;
      case DimAtomKind::kMin:
        result = std::min(*result, *v);
        break;
      case DimAtomKind::kMax:
        result = std::max(*result, *v);
        break;
    }
    if (!result) return std::nullopt;
  }
  return result;
}

}  // namespace

std::optional<int64_t> DimExpr::Evaluate(SymbolValue value) const {
  if (!ok()) return std::nullopt;
  std::optional<int64_t> sum = 0;
  for (const DimTerm& t : terms()) {
    std::optional<int64_t> product = t.coefficient;
    for (const DimFactor& f : t.factors) {
      std::optional<int64_t> atom = EvaluateAtom(*f.atom, value);
      if (!atom) return std::nullopt;
      for (uint32_t i = 0; i < f.power && product; ++i) product = CheckedMul(*product, *atom);
      if (!product) return std::nullopt;
    }
    sum = CheckedAdd(*sum, *product);
    if (!sum) return std::nullopt;
  }
  return sum;
}

std::optional<int64_t> DimExpr::Evaluate(
    const llvm::DenseMap<const DimSymbol*, int64_t>& values) const {
  return Evaluate([&](const DimSymbol& s) -> std::optional<int64_t> {
    auto it = values.find(&s);
    if (it == values.end()) return std::nullopt;
    return it->second;
  });
}

DimExpr DimExpr::Substitute(const llvm::DenseMap<const DimSymbol*, DimExpr>& map) const {
  if (!ok()) return *this;
  DimContext& ctx = context();
  auto rebuild = [&](const DimAtom& atom) -> DimExpr {
    if (atom.symbol) {
      auto it = map.find(atom.symbol);
      return it == map.end() ? ctx.FromAtom(&atom) : it->second;
    }
    DimExpr result;
    for (DimExpr operand : atom.operands) {
      DimExpr e = operand.Substitute(map);
      if (!result) {
        result = e;
        continue;
      }
      switch (atom.kind) {
        case DimAtomKind::kSymbol:
          break;
        case DimAtomKind::kFloorDiv:
          result = FloorDiv(result, e);
          break;
        case DimAtomKind::kCeilDiv:
          result = CeilDiv(result, e);
          break;
        case DimAtomKind::kMod:
          result = Mod(result, e);
          break;
        case DimAtomKind::kMin:
          result = Min(result, e);
          break;
        case DimAtomKind::kMax:
          result = Max(result, e);
          break;
      }
    }
    return result;
  };
  DimExpr sum = ctx.Constant(0);
  for (const DimTerm& t : terms()) {
    DimExpr product = ctx.Constant(t.coefficient);
    for (const DimFactor& f : t.factors) {
      DimExpr atom = rebuild(*f.atom);
      for (uint32_t i = 0; i < f.power && product.ok(); ++i) product = product * atom;
    }
    sum = sum + product;
  }
  return sum;
}

// ---- Ring operations ----------------------------------------------------------------------------

static DimError FirstError(DimExpr a, DimExpr b) { return a.ok() ? b.error() : a.error(); }

DimExpr operator+(DimExpr a, DimExpr b) {
  assert(&a.context() == &b.context());
  if (DimError error = FirstError(a, b); error != DimError::kNone) return a.context().Error(error);
  llvm::SmallVector<DimTerm, 2> terms(a.terms());
  terms.append(b.terms().begin(), b.terms().end());
  return a.context().FromTerms(std::move(terms));
}

DimExpr operator*(DimExpr a, DimExpr b) {
  assert(&a.context() == &b.context());
  if (DimError error = FirstError(a, b); error != DimError::kNone) return a.context().Error(error);
  llvm::SmallVector<DimTerm, 2> terms;
  for (const DimTerm& x : a.terms()) {
    for (const DimTerm& y : b.terms()) {
      std::optional<int64_t> c = CheckedMul(x.coefficient, y.coefficient);
      if (!c) return a.context().Error(DimError::kOverflow);
      terms.push_back({*c, MultiplyMonomials(x.factors, y.factors)});
    }
  }
  return a.context().FromTerms(std::move(terms));
}

DimExpr operator-(DimExpr a) { return a * int64_t{-1}; }
DimExpr operator-(DimExpr a, DimExpr b) { return a + -b; }
DimExpr operator+(DimExpr a, int64_t b) { return a + a.context().Constant(b); }
DimExpr operator-(DimExpr a, int64_t b) { return a - a.context().Constant(b); }
DimExpr operator*(DimExpr a, int64_t b) { return a * a.context().Constant(b); }
DimExpr operator+(int64_t a, DimExpr b) { return b + a; }
DimExpr operator-(int64_t a, DimExpr b) { return b.context().Constant(a) - b; }
DimExpr operator*(int64_t a, DimExpr b) { return b * a; }

DimExpr Product(DimContext& context, llvm::ArrayRef<DimExpr> dims) {
  DimExpr product = context.Constant(1);
  for (DimExpr d : dims) product = product * d;
  return product;
}

}  // namespace stator::core
