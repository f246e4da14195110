// Uniquing, the order of normal forms, and the symbol table.

#include <algorithm>
#include <cassert>

#include "compiler/dialect/checked_int.h"
#include "compiler/dialect/dim_expr.h"
#include "compiler/dialect/dim_monomial.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

namespace stator::core {
namespace {

size_t HashTerms(DimError error, llvm::ArrayRef<DimTerm> terms) {
  size_t h = llvm::hash_value(static_cast<int>(error));
  for (const DimTerm& t : terms) {
    h = llvm::hash_combine(h, t.coefficient);
    for (const DimFactor& f : t.factors) h = llvm::hash_combine(h, f.atom, f.power);
  }
  return h;
}

// Sorts and adds up equal monomials. False on overflow.
bool MergeTerms(llvm::SmallVector<DimTerm, 2>& terms) {
  llvm::sort(terms, [](const DimTerm& a, const DimTerm& b) {
    return CompareMonomials(a.factors, b.factors) < 0;
  });
  size_t out = 0;
  for (size_t i = 0; i < terms.size();) {
    // Positive and negative parts may each overflow although the sum does not: add in 128 bits.
    __int128 sum = 0;
    size_t j = i;
    for (; j < terms.size() && terms[j].factors == terms[i].factors; ++j) {
      sum += terms[j].coefficient;
    }
    if (sum != static_cast<int64_t>(sum)) return false;
    if (sum != 0) {
      DimTerm merged{static_cast<int64_t>(sum), std::move(terms[i].factors)};
      terms[out++] = std::move(merged);
    }
    i = j;
  }
  terms.truncate(out);
  return true;
}

// d*floordiv(x, d) = x where d divides x, also as a part of a larger coefficient. True if something
// changed.
bool FoldExactDivisions(llvm::SmallVector<DimTerm, 2>& terms) {
  llvm::SmallVector<DimTerm, 2> extra;
  for (DimTerm& term : terms) {
    for (size_t i = 0; i < term.factors.size(); ++i) {
      const DimFactor& f = term.factors[i];
      if (f.atom->exact_divisor == 0) continue;
      int64_t quotient = *CheckedFloorDiv(term.coefficient, f.atom->exact_divisor);
      if (quotient == 0) continue;
      llvm::SmallVector<DimFactor, 2> rest(term.factors);
      if (--rest[i].power == 0) rest.erase(rest.begin() + i);
      const DimFactor& whole = f.atom->operands[0].terms()[0].factors[0];
      extra.push_back({quotient, MultiplyMonomials(rest, whole)});
      term.coefficient = *CheckedMod(term.coefficient, f.atom->exact_divisor);
      break;
    }
  }
  terms.append(extra.begin(), extra.end());
  return !extra.empty();
}

uint64_t TreeSize(llvm::ArrayRef<DimTerm> terms) {
  uint64_t size = 1;
  for (const DimTerm& t : terms) {
    ++size;
    for (const DimFactor& f : t.factors) size += f.atom->size;
  }
  return size;
}

}  // namespace

bool DimContext::NodeEqual::operator()(const std::unique_ptr<DimNode>& a,
                                       const std::unique_ptr<DimNode>& b) const {
  return a->error == b->error && a->terms == b->terms;
}

bool DimContext::AtomEqual::operator()(const std::unique_ptr<DimAtom>& a,
                                       const std::unique_ptr<DimAtom>& b) const {
  return a->kind == b->kind && a->symbol == b->symbol && a->operands == b->operands;
}

DimContext::DimContext() = default;
DimContext::~DimContext() = default;

const DimNode* DimContext::InternNode(std::unique_ptr<DimNode> node) {
  node->context = this;
  node->hash = HashTerms(node->error, node->terms);
  std::lock_guard<std::mutex> lock(mutex_);
  return nodes_.insert(std::move(node)).first->get();
}

const DimAtom* DimContext::InternAtom(std::unique_ptr<DimAtom> atom) {
  size_t h = llvm::hash_combine(static_cast<int>(atom->kind), atom->symbol);
  for (DimExpr e : atom->operands) h = llvm::hash_combine(h, e);
  atom->hash = h;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    auto it = atoms_.find(atom);
    if (it != atoms_.end()) return it->get();
  }
  // Not under the lock: bounds build expressions.
  DeriveFacts(*atom);
  std::lock_guard<std::mutex> lock(mutex_);
  auto [it, inserted] = atoms_.insert(std::move(atom));
  if (inserted) atoms_in_order_.push_back(it->get());
  return it->get();
}

void DimContext::DeriveFacts(DimAtom& atom) {
  if (atom.symbol) return;
  atom.bounds = CallBounds(atom);
  if (atom.kind != DimAtomKind::kFloorDiv) return;
  llvm::ArrayRef<DimTerm> top = atom.operands[0].terms();
  std::optional<int64_t> divisor = atom.operands[1].AsConstant();
  bool single = top.size() == 1 && top[0].coefficient == 1 && top[0].factors.size() == 1 &&
                top[0].factors[0].power == 1;
  bool exact = single && divisor && atom.operands[0].Divisor() % *divisor == 0;
  atom.exact_divisor = exact ? *divisor : 0;
}

DimExpr DimContext::Error(DimError error) {
  assert(error != DimError::kNone);
  auto node = std::make_unique<DimNode>();
  node->error = error;
  return DimExpr(InternNode(std::move(node)));
}

DimExpr DimContext::FromTerms(llvm::SmallVector<DimTerm, 2> terms) {
  do {
    if (!MergeTerms(terms)) return Error(DimError::kOverflow);
  } while (FoldExactDivisions(terms));
  // Terms are sorted by degree.
  if (!terms.empty() && Degree(terms[0].factors) > kMaxDimDegree) return Error(DimError::kTooLarge);
  uint64_t size = TreeSize(terms);
  if (size > kMaxDimSize) return Error(DimError::kTooLarge);
  auto node = std::make_unique<DimNode>();
  node->size = static_cast<uint32_t>(size);
  node->terms = std::move(terms);
  return DimExpr(InternNode(std::move(node)));
}

DimExpr DimContext::Constant(int64_t value) {
  auto node = std::make_unique<DimNode>();
  if (value != 0) node->terms.push_back({value, {}});
  node->size = static_cast<uint32_t>(TreeSize(node->terms));
  return DimExpr(InternNode(std::move(node)));
}

DimExpr DimContext::FromAtom(const DimAtom* atom) {
  DimTerm term{1, {}};
  term.factors.push_back({atom, 1});
  llvm::SmallVector<DimTerm, 2> terms;
  terms.push_back(std::move(term));
  return FromTerms(std::move(terms));
}

const DimAtom* DimContext::CallAtom(DimAtomKind kind, llvm::ArrayRef<DimExpr> operands) {
  auto atom = std::make_unique<DimAtom>();
  atom->kind = kind;
  atom->operands.assign(operands.begin(), operands.end());
  for (DimExpr e : operands) atom->size += e.node_->size;
  return InternAtom(std::move(atom));
}

const DimAtom* DimContext::SymbolAtom(const DimSymbol* symbol) {
  auto atom = std::make_unique<DimAtom>();
  atom->symbol = symbol;
  return InternAtom(std::move(atom));
}

DimExpr DimContext::Expr(const DimSymbol* symbol) { return FromAtom(SymbolAtom(symbol)); }

const DimSymbol* DimContext::AddSymbolLocked(llvm::StringRef name, const DimFacts& facts) {
  assert(IsValidSymbolName(name));
  assert(facts.divisor > 0);
  auto symbol = std::make_unique<DimSymbol>();
  symbol->name_ = name.str();
  symbol->facts_ = facts;
  symbol->index_ = static_cast<uint32_t>(symbols_.size());
  const DimSymbol* result = symbol.get();
  symbols_.push_back(std::move(symbol));
  symbols_by_name_[name] = result;
  return result;
}

DimExpr DimContext::Symbol(llvm::StringRef name, const DimFacts& facts) {
  const DimSymbol* symbol;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    auto it = symbols_by_name_.find(name);
    symbol = it != symbols_by_name_.end() ? it->second : AddSymbolLocked(name, facts);
  }
  return Expr(symbol);
}

DimExpr DimContext::FreshSymbol(llvm::StringRef prefix, const DimFacts& facts) {
  const DimSymbol* symbol;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    std::string name = prefix.str();
    while (symbols_by_name_.contains(name)) {
      name = prefix.str() + "_" + std::to_string(++fresh_counters_[prefix]);
    }
    symbol = AddSymbolLocked(name, facts);
  }
  return Expr(symbol);
}

const DimSymbol* DimContext::FindSymbol(llvm::StringRef name) const {
  std::lock_guard<std::mutex> lock(mutex_);
  return symbols_by_name_.lookup(name);
}

std::vector<const DimSymbol*> DimContext::symbols() const {
  std::lock_guard<std::mutex> lock(mutex_);
  std::vector<const DimSymbol*> result;
  for (const auto& s : symbols_) result.push_back(s.get());
  return result;
}

void DimContext::Narrow(const DimSymbol* symbol, const DimFacts& facts) {
  DimFacts& known = symbols_[symbol->index()]->facts_;
  known.min = std::max(known.min, facts.min);
  if (facts.max) known.max = known.max ? std::min(*known.max, *facts.max) : *facts.max;
  // The least common multiple; if it overflows, either divisor alone is still true.
  std::optional<int64_t> lcm =
      CheckedMul(known.divisor / Gcd(known.divisor, facts.divisor), facts.divisor);
  if (lcm) known.divisor = *lcm;
  known.life = facts.life;
  // By index: deriving bounds may intern further atoms.
  for (size_t i = 0; i < atoms_in_order_.size(); ++i) DeriveFacts(*atoms_in_order_[i]);
}

bool DimContext::IsValidSymbolName(llvm::StringRef name) {
  if (name.empty() || llvm::isDigit(name.front()) || name.front() == '.' || name.front() == '$') {
    return false;
  }
  for (char c : name) {
    if (!llvm::isAlnum(c) && c != '_' && c != '.' && c != '$') return false;
  }
  return !llvm::is_contained({"floordiv", "ceildiv", "mod", "min", "max"}, name);
}

}  // namespace stator::core
