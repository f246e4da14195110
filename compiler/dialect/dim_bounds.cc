// Interval arithmetic and divisibility over the facts of symbols: DimExpr::Bounds,
// DimExpr::Divisor, ProvablyXxx.

#include <algorithm>
#include <limits>

#include "compiler/dialect/checked_int.h"
#include "compiler/dialect/dim_expr.h"
#include "llvm/ADT/STLExtras.h"

namespace stator::core {
namespace {

// Ends are int64 values or +-kInfinity. A product of two int64 has magnitude at most 2^126.
using Wide = __int128;
constexpr Wide kInfinity = Wide{1} << 126;
constexpr Wide kInt64Max = std::numeric_limits<int64_t>::max();
constexpr Wide kInt64Min = std::numeric_limits<int64_t>::min();

bool IsInfinite(Wide v) { return v >= kInfinity || v <= -kInfinity; }

struct Interval {
  Wide lo = -kInfinity;
  Wide hi = kInfinity;
};

// Rounds ends outside int64 away from the interval's middle.
Interval Clamp(Wide lo, Wide hi) {
  if (lo < kInt64Min) lo = -kInfinity;
  if (lo > kInt64Max) lo = kInt64Max;
  if (hi > kInt64Max) hi = kInfinity;
  if (hi < kInt64Min) hi = kInt64Min;
  return {lo, hi};
}

Wide MultiplyEnds(Wide a, Wide b) {
  if (a == 0 || b == 0) return 0;
  if (IsInfinite(a) || IsInfinite(b)) return (a < 0) == (b < 0) ? kInfinity : -kInfinity;
  return a * b;
}

Interval operator*(Interval a, Interval b) {
  Wide p[] = {MultiplyEnds(a.lo, b.lo), MultiplyEnds(a.lo, b.hi), MultiplyEnds(a.hi, b.lo),
              MultiplyEnds(a.hi, b.hi)};
  return Clamp(*std::min_element(p, p + 4), *std::max_element(p, p + 4));
}

Interval operator+(Interval a, Interval b) {
  Wide lo = IsInfinite(a.lo) || IsInfinite(b.lo) ? -kInfinity : a.lo + b.lo;
  Wide hi = IsInfinite(a.hi) || IsInfinite(b.hi) ? kInfinity : a.hi + b.hi;
  return Clamp(lo, hi);
}

Wide FloorDivEnd(Wide a, Wide b) {
  if (IsInfinite(a)) return a;
  if (IsInfinite(b)) return a < 0 ? -1 : 0;  // limit for b to +infinity
  Wide q = a / b;
  return a % b != 0 && (a < 0) != (b < 0) ? q - 1 : q;
}

Interval Negate(Interval a) { return Clamp(-a.hi, -a.lo); }

Interval FloorDivBounds(Interval a, Interval b) {
  // A value exists only where b is not zero.
  if (b.lo == 0) b.lo = 1;
  if (b.hi == 0) b.hi = -1;
  if (b.hi < 0) {
    a = Negate(a);
    b = Negate(b);
  }
  if (b.lo < 1) return {};
  return Clamp(FloorDivEnd(a.lo, a.lo < 0 ? b.lo : b.hi),
               FloorDivEnd(a.hi, a.hi < 0 ? b.hi : b.lo));
}

Interval ModBounds(Interval a, Interval b) {
  Interval r = Clamp(b.lo >= 0 || IsInfinite(b.lo) ? (b.lo >= 0 ? Wide{0} : -kInfinity) : b.lo + 1,
                     IsInfinite(b.hi) ? kInfinity : std::max<Wide>(b.hi - 1, 0));
  if (b.lo >= 0 && a.lo >= 0) r.hi = std::min(r.hi, a.hi);
  return r;
}

Interval ToInterval(const DimBounds& b) {
  return {b.lo ? Wide{*b.lo} : -kInfinity, b.hi ? Wide{*b.hi} : kInfinity};
}

DimBounds FromInterval(Interval i) {
  DimBounds bounds;
  if (!IsInfinite(i.lo)) bounds.lo = static_cast<int64_t>(i.lo);
  if (!IsInfinite(i.hi)) bounds.hi = static_cast<int64_t>(i.hi);
  return bounds;
}

Interval AtomBounds(const DimAtom& atom) {
  if (!atom.symbol) return ToInterval(atom.bounds);
  const DimFacts& facts = atom.symbol->facts();
  return {facts.min, facts.max ? Wide{*facts.max} : kInfinity};
}

Interval Power(Interval base, uint32_t power) {
  Interval result = base;
  for (uint32_t i = 1; i < power; ++i) result = result * base;
  if (power % 2 == 0) result.lo = std::max<Wide>(result.lo, 0);
  return result;
}

Interval MonomialBounds(llvm::ArrayRef<DimFactor> factors) {
  Interval product{1, 1};
  for (const DimFactor& f : factors) product = product * Power(AtomBounds(*f.atom), f.power);
  return product;
}

// The sum of the terms' bounds.
Interval PlainBounds(llvm::ArrayRef<DimTerm> terms) {
  Interval sum{0, 0};
  for (const DimTerm& t : terms) {
    sum = sum + Interval{t.coefficient, t.coefficient} * MonomialBounds(t.factors);
  }
  return sum;
}

// Each atom x with a finite lower bound m is written as x' + m with x' >= 0 and the products are
// expanded, so that b*s - b with b, s >= 1 becomes b'*s' + s' and is seen to be at least 0. Gives
// no bound when that gets too large.
class ShiftedBounds {
 public:
  Interval Compute(llvm::ArrayRef<DimTerm> terms) {
    for (const DimTerm& t : terms) {
      std::vector<Entry> product = {{{}, t.coefficient}};
      for (const DimFactor& f : t.factors) {
        for (uint32_t i = 0; i < f.power; ++i) {
          if (!MultiplyByShifted(product, IndexOf(f.atom))) return {};
        }
      }
      for (Entry& e : product) sum_.push_back(std::move(e));
      if (!Merge(sum_)) return {};
    }
    Interval result{0, 0};
    for (const Entry& e : sum_) {
      Interval value{e.coefficient, e.coefficient};
      for (uint32_t atom : e.atoms) value = value * shifted_[atom];
      result = result + value;
    }
    return result;
  }

 private:
  struct Entry {
    llvm::SmallVector<uint32_t, 4> atoms;  // sorted, repeated for powers
    int64_t coefficient;
  };
  static constexpr size_t kMaxEntries = 256;

  uint32_t IndexOf(const DimAtom* atom) {
    auto [it, inserted] = index_.try_emplace(atom, static_cast<uint32_t>(shifted_.size()));
    if (inserted) {
      Interval bounds = AtomBounds(*atom);
      Wide shift = IsInfinite(bounds.lo) ? Wide{0} : bounds.lo;
      shift_.push_back(static_cast<int64_t>(shift));
      shifted_.push_back(bounds + Interval{-shift, -shift});
    }
    return it->second;
  }

  bool MultiplyByShifted(std::vector<Entry>& product, uint32_t atom) {
    std::vector<Entry> result;
    for (const Entry& e : product) {
      Entry with = e;
      with.atoms.insert(llvm::upper_bound(with.atoms, atom), atom);
      result.push_back(std::move(with));
      if (shift_[atom] == 0) continue;
      std::optional<int64_t> c = CheckedMul(e.coefficient, shift_[atom]);
      if (!c) return false;
      result.push_back({e.atoms, *c});
    }
    product = std::move(result);
    return Merge(product);
  }

  static bool Merge(std::vector<Entry>& entries) {
    llvm::sort(entries, [](const Entry& a, const Entry& b) {
      return std::lexicographical_compare(a.atoms.begin(), a.atoms.end(), b.atoms.begin(),
                                          b.atoms.end());
    });
    std::vector<Entry> merged;
    for (Entry& e : entries) {
      if (merged.empty() || merged.back().atoms != e.atoms) {
        merged.push_back(std::move(e));
        continue;
      }
      std::optional<int64_t> c = CheckedAdd(merged.back().coefficient, e.coefficient);
      if (!c) return false;
      merged.back().coefficient = *c;
    }
    entries = std::move(merged);
    return entries.size() <= kMaxEntries;
  }

  llvm::DenseMap<const DimAtom*, uint32_t> index_;
  std::vector<int64_t> shift_;
  std::vector<Interval> shifted_;
  std::vector<Entry> sum_;
};

Wide LowerBound(DimExpr e, int rounds);

// e with the i-th term's factor `atom` (power 1) replaced by `value`, both sides multiplied by
// `scale`.
DimExpr ReplaceFactor(DimExpr e, size_t i, size_t factor, DimExpr value, int64_t scale) {
  DimTerm term = e.terms()[i];
  llvm::SmallVector<DimTerm, 2> whole = {term};
  DimExpr old_term = e.context().FromTerms(whole);
  term.factors.erase(term.factors.begin() + factor);
  whole = {term};
  return (e - old_term) * scale + e.context().FromTerms(whole) * value;
}

// A lower bound of e that uses the relation between the factor's atom and its operands:
//   max(a, b) >= a;  max(a, b) is one of a, b;  x - (c - 1) <= c*floordiv(x, c) <= x.
// Valid since the rest of the term, `coefficient` apart, is known not to be negative.
Wide BoundThroughAtom(DimExpr e, size_t i, size_t factor, int rounds) {
  const DimTerm& term = e.terms()[i];
  const DimAtom& atom = *term.factors[factor].atom;
  bool positive = term.coefficient > 0;
  if (atom.kind == DimAtomKind::kMin || atom.kind == DimAtomKind::kMax) {
    // One-sided: every operand bounds the value. Otherwise the worst operand does.
    bool each = positive == (atom.kind == DimAtomKind::kMax);
    Wide best = each ? -kInfinity : kInfinity;
    for (DimExpr operand : atom.operands) {
      DimExpr replaced = ReplaceFactor(e, i, factor, operand, 1);
      Wide lo = replaced.ok() ? LowerBound(replaced, rounds) : -kInfinity;
      best = each ? std::max(best, lo) : std::min(best, lo);
    }
    return best;
  }
  if (atom.kind != DimAtomKind::kFloorDiv) return -kInfinity;
  std::optional<int64_t> c = atom.operands[1].AsConstant();
  if (!c || *c < 1) return -kInfinity;
  bool inexact = positive && atom.exact_divisor == 0;
  DimExpr x = inexact ? atom.operands[0] - (*c - 1) : atom.operands[0];
  DimExpr scaled = ReplaceFactor(e, i, factor, x, *c);  // c*e is at least this
  if (!scaled.ok()) return -kInfinity;
  Wide lo = LowerBound(scaled, rounds);
  return IsInfinite(lo) ? -kInfinity : -FloorDivEnd(-lo, *c);
}

Wide LowerBound(DimExpr e, int rounds) {
  Wide best = PlainBounds(e.terms()).lo;
  bool mixed = llvm::any_of(
      e.terms(), [](const DimTerm& t) { return t.coefficient < 0 && !t.factors.empty(); });
  if (mixed && e.terms().size() > 1) {
    best = std::max(best, ShiftedBounds().Compute(e.terms()).lo);
  }
  if (rounds == 0 || e.terms().size() < 2 || e.terms().size() > 8) return best;
  for (size_t i = 0; i < e.terms().size(); ++i) {
    const DimTerm& term = e.terms()[i];
    for (size_t f = 0; f < term.factors.size(); ++f) {
      const DimFactor& factor = term.factors[f];
      if (factor.power != 1 || factor.atom->symbol || factor.atom->operands.size() > 4) continue;
      llvm::SmallVector<DimFactor, 2> rest(term.factors);
      rest.erase(rest.begin() + f);
      if (MonomialBounds(rest).lo < 0) continue;
      best = std::max(best, BoundThroughAtom(e, i, f, rounds - 1));
    }
  }
  return best;
}

Interval ExprBounds(DimExpr e, int rounds) {
  if (std::optional<int64_t> c = e.AsConstant()) return {*c, *c};
  if (!e.ok()) return {};
  DimExpr negated = -e;
  Wide hi = negated.ok() ? -LowerBound(negated, rounds) : kInfinity;
  return Clamp(LowerBound(e, rounds), hi);
}

// How many atoms deep proofs look into calls; each level costs a factor of a few.
constexpr int kRounds = 2;

}  // namespace

DimBounds DimExpr::Bounds() const { return FromInterval(ExprBounds(*this, kRounds)); }

DimBounds DimContext::CallBounds(const DimAtom& atom) {
  Interval a = ExprBounds(atom.operands[0], 1);
  for (DimExpr operand : llvm::drop_begin(atom.operands)) {
    Interval b = ExprBounds(operand, 1);
    switch (atom.kind) {
      case DimAtomKind::kSymbol:
        break;
      case DimAtomKind::kFloorDiv:
        a = FloorDivBounds(a, b);
        break;
      case DimAtomKind::kCeilDiv:
        a = Negate(FloorDivBounds(Negate(a), b));
        break;
      case DimAtomKind::kMod:
        a = ModBounds(a, b);
        break;
      case DimAtomKind::kMin:
        a = {std::min(a.lo, b.lo), std::min(a.hi, b.hi)};
        break;
      case DimAtomKind::kMax:
        a = {std::max(a.lo, b.lo), std::max(a.hi, b.hi)};
        break;
    }
  }
  return FromInterval(a);
}

static int64_t AtomDivisor(const DimAtom& atom) {
  switch (atom.kind) {
    case DimAtomKind::kSymbol:
      return atom.symbol->facts().divisor;
    case DimAtomKind::kCeilDiv:
      return 1;
    case DimAtomKind::kFloorDiv: {
      int64_t top = atom.operands[0].Divisor();
      std::optional<int64_t> bottom = atom.operands[1].AsConstant();
      return bottom && *bottom > 0 && top % *bottom == 0 && top != 0 ? top / *bottom : 1;
    }
    case DimAtomKind::kMod:
    case DimAtomKind::kMin:
    case DimAtomKind::kMax:
      break;
  }
  int64_t divisor = 0;
  for (DimExpr operand : atom.operands) divisor = Gcd(divisor, operand.Divisor());
  return divisor == 0 ? 1 : divisor;
}

int64_t DimExpr::Divisor() const {
  if (!ok()) return 1;
  int64_t divisor = 0;
  for (const DimTerm& t : terms()) {
    int64_t d = Gcd(t.coefficient, 0);
    for (const DimFactor& f : t.factors) {
      for (uint32_t i = 0; i < f.power; ++i) {
        // On overflow the part found so far is a divisor too.
        d = CheckedMul(d, AtomDivisor(*f.atom)).value_or(d);
      }
    }
    divisor = Gcd(divisor, d);
  }
  return divisor;
}

bool ProvablyEqual(DimExpr a, DimExpr b) {
  if (!a.ok() || !b.ok()) return false;
  if (a == b) return true;
  DimExpr difference = a - b;
  if (!difference.ok()) return false;
  DimBounds bounds = difference.Bounds();
  return bounds.lo == 0 && bounds.hi == 0;
}

bool ProvablyLessEqual(DimExpr a, DimExpr b) {
  if (!a.ok() || !b.ok()) return false;
  DimExpr difference = b - a;
  if (!difference.ok()) return false;
  DimBounds bounds = difference.Bounds();
  return bounds.lo && *bounds.lo >= 0;
}

bool ProvablyPositive(DimExpr a) {
  if (!a.ok()) return false;
  DimBounds bounds = a.Bounds();
  return bounds.lo && *bounds.lo >= 1;
}

}  // namespace stator::core
