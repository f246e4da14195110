// Normal forms of floordiv, ceildiv and mod.

#include <algorithm>
#include <cassert>
#include <limits>

#include "compiler/dialect/checked_int.h"
#include "compiler/dialect/dim_expr.h"
#include "compiler/dialect/dim_monomial.h"
#include "llvm/ADT/STLExtras.h"

namespace stator::core {
namespace {

using Terms = llvm::SmallVector<DimTerm, 2>;
using Factors = llvm::SmallVector<DimFactor, 2>;

struct QuotientAndRemainder {
  DimExpr quotient;
  DimExpr remainder;
};

// a = quotient*n + remainder by multivariate long division with floored coefficients: no term of
// the remainder can be reduced further, so that a and a + q*n have the same remainder. For constant
// n all coefficients end in [0, n). n is neither zero nor an error, and its leading coefficient is
// positive. Either result may be an error.
QuotientAndRemainder DivideTerms(DimExpr a, DimExpr n) {
  DimContext& ctx = a.context();
  const DimTerm& lead = n.terms().front();
  const DimExpr whole = a;
  DimExpr quotient = ctx.Constant(0), remainder = ctx.Constant(0);
  // Each step removes the leading monomial of `a`; those it adds are smaller. Hostile input could
  // still make many steps: it stays undivided.
  for (size_t steps = 64 + 4 * a.terms().size(); a.ok() && !a.terms().empty(); --steps) {
    if (steps == 0) return {ctx.Constant(0), whole};
    DimTerm first = a.terms().front();
    std::optional<Factors> rest = DivideMonomial(first.factors, lead.factors);
    std::optional<int64_t> floored =
        rest ? CheckedFloorDiv(first.coefficient, lead.coefficient) : std::nullopt;
    int64_t q = floored.value_or(0);
    if (q != 0) {
      DimExpr term = OneTerm(ctx, q, *rest);
      quotient = quotient + term;
      a = a - term * n;
    }
    int64_t left = floored ? *CheckedMod(first.coefficient, lead.coefficient) : first.coefficient;
    if (left == 0) continue;
    DimExpr term = OneTerm(ctx, left, first.factors);
    remainder = remainder + term;
    a = a - term;
  }
  if (!a.ok()) return {a, a};
  return {quotient, remainder};
}

// gcd of all coefficients of both, at least 1.
int64_t CommonCoefficient(DimExpr a, DimExpr b) {
  int64_t g = 0;
  for (const DimTerm& t : a.terms()) g = Gcd(g, t.coefficient);
  for (const DimTerm& t : b.terms()) g = Gcd(g, t.coefficient);
  return std::max<int64_t>(g, 1);
}

// The largest monomial that divides every term of both.
Factors CommonMonomial(DimExpr a, DimExpr b) {
  Factors common(b.terms().front().factors);
  for (DimExpr e : {a, b}) {
    for (const DimTerm& t : e.terms()) {
      for (DimFactor& f : common) {
        auto it = llvm::find_if(t.factors, [&](const DimFactor& g) { return g.atom == f.atom; });
        f.power = it == t.factors.end() ? 0 : std::min(f.power, it->power);
      }
      llvm::erase_if(common, [](const DimFactor& f) { return f.power == 0; });
    }
  }
  return common;
}

// An error among the operands, or a constant zero divisor.
std::optional<DimExpr> DivisionError(DimExpr a, DimExpr b) {
  assert(&a.context() == &b.context());
  if (!a.ok()) return a;
  if (!b.ok()) return b;
  if (b.IsConstant(0)) return a.context().Error(DimError::kDivisionByZero);
  return std::nullopt;
}

// Whether to divide by -n instead of n, so that most divisors lead with a positive coefficient. Not
// so where -n too leads with a negative one: with divisor facts -x + floordiv(x, 8) may be its
// form.
bool PrefersNegated(DimExpr n) {
  auto negative = [](DimExpr e) { return !e.terms().empty() && e.terms().front().coefficient < 0; };
  if (!negative(n)) return false;
  DimExpr negated = -n;
  return negated.ok() && !negative(negated);
}

// ---- Division by a positive constant ------------------------------------------------------------

// monomial / d, where d divides it by the facts of its atoms: replaces atom by floordiv(atom, part
// of d).
DimExpr DivideMonomialByFacts(DimContext& ctx, llvm::ArrayRef<DimFactor> monomial, int64_t d) {
  DimExpr result = ctx.Constant(1);
  for (const DimFactor& f : monomial) {
    DimExpr atom = ctx.FromAtom(f.atom);
    for (uint32_t i = 0; i < f.power; ++i) {
      int64_t part = Gcd(d, atom.Divisor());
      d /= part;
      if (part == 1) {
        result = result * atom;
        continue;
      }
      // Always by the whole known divisor, so that there is one form: x/2 = 2*(x/4) if 4 divides x.
      int64_t whole = atom.Divisor();
      result = result * (whole / part) * Call(DimAtomKind::kFloorDiv, {atom, ctx.Constant(whole)});
    }
  }
  return result;
}

int64_t MonomialDivisor(DimContext& ctx, const DimTerm& term) {
  return OneTerm(ctx, 1, term.factors).Divisor();
}

// The single floordiv atom by a positive constant that `e` consists of, if it does.
const DimAtom* AsConstantFloorDiv(DimExpr e) {
  if (e.terms().size() != 1) return nullptr;
  const DimTerm& t = e.terms()[0];
  if (t.coefficient != 1 || t.factors.size() != 1 || t.factors[0].power != 1) return nullptr;
  const DimAtom* atom = t.factors[0].atom;
  if (atom->kind != DimAtomKind::kFloorDiv) return nullptr;
  std::optional<int64_t> c = atom->operands[1].AsConstant();
  return c && *c > 0 ? atom : nullptr;
}

// floordiv(sum + k, c) where the sum's coefficients are in (0, c), it has no constant, and 0 <= k <
// c.
DimExpr FloorDivReduced(DimExpr sum, int64_t k, int64_t c) {
  DimContext& ctx = sum.context();
  if (sum.terms().empty()) return ctx.Constant(0);
  int64_t g = Gcd(CommonCoefficient(sum, sum), c);
  sum = DivideAllTerms(sum, g, {});
  k /= g;
  c /= g;
  k -= k % Gcd(sum.Divisor(), c);
  if (const DimAtom* inner = AsConstantFloorDiv(sum)) {
    int64_t c1 = *inner->operands[1].AsConstant();
    std::optional<int64_t> product = CheckedMul(c, c1), offset = CheckedMul(k, c1);
    if (product && offset) return FloorDiv(inner->operands[0] + *offset, *product);
  }
  DimExpr top = sum + k;
  if (!top.ok()) return top;
  DimBounds bounds = top.Bounds();
  if (bounds.lo && bounds.hi) {
    int64_t lo = *CheckedFloorDiv(*bounds.lo, c), hi = *CheckedFloorDiv(*bounds.hi, c);
    if (lo == hi) return ctx.Constant(lo);
  }
  return Call(DimAtomKind::kFloorDiv, {top, ctx.Constant(c)});
}

DimExpr FloorDivPositive(DimExpr a, int64_t c) {
  DimContext& ctx = a.context();
  if (c == 1) return a;
  auto [outside, rest] = DivideTerms(a, ctx.Constant(c));
  if (!rest.ok()) return rest;
  Terms inexact;
  int64_t k = 0;
  for (const DimTerm& t : rest.terms()) {
    if (t.factors.empty()) {
      k = t.coefficient;
      continue;
    }
    int64_t g = Gcd(t.coefficient, c);
    if (MonomialDivisor(ctx, t) % (c / g) == 0) {
      outside = outside + t.coefficient / g * DivideMonomialByFacts(ctx, t.factors, c / g);
    } else {
      inexact.push_back(t);
    }
  }
  DimExpr sum = ctx.FromTerms(std::move(inexact));
  if (!sum.ok()) return sum;
  return outside + FloorDivReduced(sum, k, c);
}

DimExpr ModPositive(DimExpr a, int64_t c) {
  DimContext& ctx = a.context();
  DimExpr rest = DivideTerms(a, ctx.Constant(c)).remainder;
  if (!rest.ok()) return rest;
  DimExpr sum = ctx.Constant(0);
  int64_t k = 0;
  for (const DimTerm& t : rest.terms()) {
    if (t.factors.empty()) {
      k = t.coefficient;
      continue;
    }
    int64_t g = Gcd(t.coefficient, c);
    if (MonomialDivisor(ctx, t) % (c / g) == 0) continue;
    const DimAtom* atom = t.factors[0].atom;
    bool linear_mod =
        t.factors.size() == 1 && t.factors[0].power == 1 && atom->kind == DimAtomKind::kMod;
    std::optional<int64_t> inner = linear_mod ? atom->operands[1].AsConstant() : std::nullopt;
    if (inner && *inner % (c / g) == 0)
      return Mod(rest - OneTerm(ctx, t.coefficient, t.factors) + atom->operands[0] * t.coefficient,
                 c);
    sum = sum + OneTerm(ctx, t.coefficient, t.factors);
  }
  if (!sum.ok()) return sum;
  if (sum.terms().empty()) return ctx.Constant(k);
  // mod(g*x + k, g*c') = g*mod(x + k/g, c') + k%g, also for a g that only the facts know, with x =
  // sum/g unwritten: then only the part of k below g moves out.
  int64_t g = Gcd(CommonCoefficient(sum, sum), c);
  sum = DivideAllTerms(sum, g, {});
  int64_t outside = k % g;
  k /= g;
  c /= g;
  int64_t low = k % Gcd(sum.Divisor(), c);
  DimExpr top = sum + (k - low);
  DimExpr result;
  DimBounds bounds = top.Bounds();
  std::optional<int64_t> lo = bounds.lo ? CheckedFloorDiv(*bounds.lo, c) : std::nullopt;
  std::optional<int64_t> hi = bounds.hi ? CheckedFloorDiv(*bounds.hi, c) : std::nullopt;
  if (lo && lo == hi) {
    result = top - ctx.Constant(*lo) * c;
  } else {
    result = Call(DimAtomKind::kMod, {top, ctx.Constant(c)});
  }
  return (result + low) * g + outside;
}

// ---- Division by an expression ------------------------------------------------------------------

struct Fraction {
  DimExpr quotient;  // exact part
  DimExpr top;       // reduced: original = quotient*n + factor*top, n = factor*bottom
  DimExpr bottom;
  DimExpr factor;
  bool positive = false;  // bottom >= 1 is proved
};

// Splits a/n. What needs n to be nonzero is done only if that is proved.
Fraction Reduce(DimExpr a, DimExpr n) {
  DimContext& ctx = a.context();
  Fraction f{ctx.Constant(0), a, n, ctx.Constant(1), ProvablyPositive(n)};
  if (f.positive) {
    auto [quotient, remainder] = DivideTerms(a, n);
    if (remainder.ok()) {
      f.quotient = quotient;
      f.top = remainder;
    }
  }
  int64_t g = CommonCoefficient(f.top, n);
  // A common monomial divides n, so it is not zero where n is not.
  Factors monomial = f.positive && !f.top.terms().empty() ? CommonMonomial(f.top, n) : Factors();
  // Dividing by a negative monomial would turn the signs of both, which changes nothing.
  f.factor = OneTerm(ctx, g, monomial);
  f.bottom = DivideAllTerms(n, g, monomial);
  f.top = DivideAllTerms(f.top, g, monomial);
  if (!monomial.empty()) f.positive = ProvablyPositive(f.bottom);
  return f;
}

// The k in {-1, 0} for which k*n <= e < (k + 1)*n is proved; n is positive. Long division leaves
// remainders of either sign.
std::optional<int64_t> ProvenQuotient(DimExpr e, DimExpr n) {
  DimExpr zero = e.context().Constant(0);
  if (ProvablyLessEqual(zero, e) && ProvablyLessEqual(e, n - 1)) return 0;
  if (ProvablyLessEqual(-n, e) && ProvablyLessEqual(e, zero - 1)) return -1;
  return std::nullopt;
}

}  // namespace

DimExpr FloorDiv(DimExpr a, DimExpr b) {
  if (std::optional<DimExpr> error = DivisionError(a, b)) return *error;
  if (PrefersNegated(b)) {
    a = -a;
    b = -b;
    if (std::optional<DimExpr> error = DivisionError(a, b)) return *error;
  }
  if (std::optional<int64_t> c = b.AsConstant()) return FloorDivPositive(a, *c);
  Fraction f = Reduce(a, b);
  if (!f.top.ok() || !f.bottom.ok()) return f.top.ok() ? f.bottom : f.top;
  if (f.bottom.IsConstant(1)) return f.quotient + f.top;
  std::optional<int64_t> k = f.positive ? ProvenQuotient(f.top, f.bottom) : std::nullopt;
  if (k) return f.quotient + *k;
  if (f.bottom.IsConstant()) return f.quotient + FloorDiv(f.top, f.bottom);
  return f.quotient + Call(DimAtomKind::kFloorDiv, {f.top, f.bottom});
}

DimExpr CeilDiv(DimExpr a, DimExpr b) {
  if (std::optional<DimExpr> error = DivisionError(a, b)) return *error;
  if (PrefersNegated(b)) {
    a = -a;
    b = -b;
    if (std::optional<DimExpr> error = DivisionError(a, b)) return *error;
  }
  if (std::optional<int64_t> c = b.AsConstant()) return FloorDiv(a + (*c - 1), *c);
  Fraction f = Reduce(a, b);
  if (!f.top.ok() || !f.bottom.ok()) return f.top.ok() ? f.bottom : f.top;
  if (f.bottom.IsConstant()) return f.quotient + CeilDiv(f.top, f.bottom);
  std::optional<int64_t> k = f.positive ? ProvenQuotient(f.top - 1, f.bottom) : std::nullopt;
  if (k) return f.quotient + (*k + 1);
  return f.quotient + Call(DimAtomKind::kCeilDiv, {f.top, f.bottom});
}

DimExpr Mod(DimExpr a, DimExpr b) {
  if (std::optional<DimExpr> error = DivisionError(a, b)) return *error;
  if (PrefersNegated(b)) {
    DimExpr na = -a, nb = -b;
    if (std::optional<DimExpr> error = DivisionError(na, nb)) return *error;
    return -Mod(na, nb);
  }
  if (std::optional<int64_t> c = b.AsConstant()) return ModPositive(a, *c);
  Fraction f = Reduce(a, b);
  if (!f.top.ok() || !f.bottom.ok()) return f.top.ok() ? f.bottom : f.top;
  if (f.bottom.IsConstant()) return f.factor * Mod(f.top, f.bottom);
  std::optional<int64_t> k = f.positive ? ProvenQuotient(f.top, f.bottom) : std::nullopt;
  if (k) return f.factor * (f.top - *k * f.bottom);
  return f.factor * Call(DimAtomKind::kMod, {f.top, f.bottom});
}

DimExpr FloorDiv(DimExpr a, int64_t b) { return FloorDiv(a, a.context().Constant(b)); }
DimExpr CeilDiv(DimExpr a, int64_t b) { return CeilDiv(a, a.context().Constant(b)); }
DimExpr Mod(DimExpr a, int64_t b) { return Mod(a, a.context().Constant(b)); }
std::optional<DimExpr> DivideExactly(DimExpr a, DimExpr b) {
  if (DivisionError(a, b)) return std::nullopt;
  if (PrefersNegated(b)) {
    a = -a;
    b = -b;
    if (DivisionError(a, b)) return std::nullopt;
  }
  auto [quotient, remainder] = DivideTerms(a, b);
  if (quotient.ok() && remainder.IsConstant(0)) return quotient;
  if (std::optional<int64_t> c = b.AsConstant(); c && a.Divisor() % *c == 0) {
    DimExpr q = FloorDivPositive(a, *c);
    if (q.ok()) return q;
  }
  return std::nullopt;
}

}  // namespace stator::core
