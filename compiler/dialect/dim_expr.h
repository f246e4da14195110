#ifndef STATOR_COMPILER_DIALECT_DIM_EXPR_H_
#define STATOR_COMPILER_DIALECT_DIM_EXPR_H_

// Symbolic dimensions: an int64 polynomial over symbols whose atoms may also be floordiv, ceildiv,
// mod, min and max.
//
// Every expression has one normal form and lives once in its DimContext, so equality is pointer
// equality:
//   expression = sum of terms, term = coefficient * product of atom^power,
//   atom       = symbol | floordiv(e, e) | ceildiv(e, e) | mod(e, e) | min(e, ...) | max(e, ...).
// Terms are sorted by degree (highest first), then by their atoms; the constant comes last; zero is
// the empty sum. A static dimension is a constant expression.
//
// Arithmetic is checked. What cannot be represented (overflow of int64, more than kMaxDimSize
// nodes, a division by the constant zero) becomes an error expression that absorbs every later
// operation; `error()` tells which. Division rounds to minus infinity and mod takes the sign of its
// divisor. A division whose divisor may be zero is kept as it is; its evaluation at zero fails.
//
// Threads: all functions may be called from several threads, except DimContext::Narrow.
// Ownership: a DimExpr is a pointer into its DimContext, which must outlive it. Contexts must not
// be mixed.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/Hashing.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringRef.h"

namespace stator::core {

class DimContext;
struct DimAtom;
struct DimNode;
struct DimTerm;

// When a symbol gets its value: at run start, in the middle of a run (bind_dim), or anew in each
// iteration of a loop.
enum class DimLife : uint8_t { kInput, kStep, kLoop };

// Why an expression is an error.
enum class DimError : uint8_t { kNone, kOverflow, kTooLarge, kDivisionByZero };

// An expression with more nodes (terms, factors and everything inside calls) is an error: it came
// from a hostile graph.
inline constexpr uint32_t kMaxDimSize = 1024;
// The largest sum of powers in one term.
inline constexpr uint32_t kMaxDimDegree = 32;

// What is known of a symbol besides its name. The divisor divides every value that the symbol
// takes; it is positive.
struct DimFacts {
  int64_t min = 0;
  std::optional<int64_t> max = std::nullopt;
  int64_t divisor = 1;
  DimLife life = DimLife::kInput;
};

// A named unknown. Symbols are unique by name within a context; equality is pointer equality.
class DimSymbol {
 public:
  llvm::StringRef name() const { return name_; }
  const DimFacts& facts() const { return facts_; }
  // Position in the order of creation, from 0.
  uint32_t index() const { return index_; }

 private:
  friend class DimContext;
  std::string name_;
  DimFacts facts_;
  uint32_t index_ = 0;
};

// Inclusive bounds; an absent side is unbounded.
struct DimBounds {
  std::optional<int64_t> lo;
  std::optional<int64_t> hi;
};

class DimExpr {
 public:
  // The null expression: "no dimension". Only comparison, hashing and the conversion to bool accept
  // it.
  constexpr DimExpr() = default;

  explicit operator bool() const { return node_ != nullptr; }
  friend bool operator==(DimExpr a, DimExpr b) { return a.node_ == b.node_; }
  friend bool operator!=(DimExpr a, DimExpr b) { return a.node_ != b.node_; }
  friend llvm::hash_code hash_value(DimExpr e) { return llvm::hash_value(e.node_); }

  DimContext& context() const;
  DimError error() const;
  bool ok() const { return error() == DimError::kNone; }

  // The value of an expression without symbols.
  std::optional<int64_t> AsConstant() const;
  bool IsConstant() const { return AsConstant().has_value(); }
  bool IsConstant(int64_t value) const { return AsConstant() == value; }
  // Whether the expression is one symbol alone, and that symbol (null otherwise).
  bool IsSymbol() const { return symbol() != nullptr; }
  const DimSymbol* symbol() const;

  // The normal form, for walking and for export; empty for zero and for errors.
  llvm::ArrayRef<DimTerm> terms() const;

  // Bounds by interval arithmetic over the facts of the symbols. Sound, not always tight.
  DimBounds Bounds() const;
  // The largest integer known to divide every value; 0 for the constant zero, else at least 1.
  int64_t Divisor() const;

  // Replaces symbols (those absent from the map stay) and simplifies anew with the present facts.
  DimExpr Substitute(const llvm::DenseMap<const DimSymbol*, DimExpr>& map) const;
  // Substitutes nothing: simplifies anew with the present facts.
  DimExpr Simplified() const { return Substitute(llvm::DenseMap<const DimSymbol*, DimExpr>()); }
  // Visits each symbol once, in the order of first appearance in the normal form.
  void ForEachSymbol(llvm::function_ref<void(const DimSymbol&)> visit) const;
  // Value when the symbols have these values; none if a symbol is missing, a step overflows or
  // divides by zero.
  std::optional<int64_t> Evaluate(const llvm::DenseMap<const DimSymbol*, int64_t>& values) const;
  std::optional<int64_t> Evaluate(
      llvm::function_ref<std::optional<int64_t>(const DimSymbol&)> value) const;

  // Text that ParseDimExpr reads back, e.g. "b*s + -1*h + 4".
  std::string ToString() const;

  const void* AsOpaquePointer() const { return node_; }
  static DimExpr FromOpaquePointer(const void* pointer) {
    return DimExpr(static_cast<const DimNode*>(pointer));
  }

 private:
  friend class DimContext;
  explicit DimExpr(const DimNode* node) : node_(node) {}

  const DimNode* node_ = nullptr;
};

using Dims = llvm::SmallVector<DimExpr, 4>;

enum class DimAtomKind : uint8_t { kSymbol, kFloorDiv, kCeilDiv, kMod, kMin, kMax };

// A factor that a polynomial cannot look into. Unique in its context.
struct DimAtom {
  DimAtomKind kind = DimAtomKind::kSymbol;
  const DimSymbol* symbol = nullptr;  // for kSymbol
  llvm::SmallVector<DimExpr, 2>
      operands;  // two for divisions, two or more (sorted) for min and max
  // For floordiv(atom, d) where d is known to divide the atom: d. Then d*floordiv(atom, d) is the
  // atom. Else 0.
  int64_t exact_divisor = 0;
  DimBounds bounds;   // of a call; those of a symbol are its facts
  uint32_t size = 1;  // nodes of the tree below, itself included
  size_t hash = 0;
};

struct DimFactor {
  const DimAtom* atom = nullptr;
  uint32_t power = 1;

  bool operator==(const DimFactor&) const = default;
};

// coefficient * product of factors; the constant term has no factors. The coefficient is not zero.
struct DimTerm {
  int64_t coefficient = 0;
  llvm::SmallVector<DimFactor, 2> factors;

  bool operator==(const DimTerm&) const = default;
};

// Storage of one normal form; use DimExpr.
struct DimNode {
  DimContext* context = nullptr;
  DimError error = DimError::kNone;
  uint32_t size = 1;
  size_t hash = 0;
  llvm::SmallVector<DimTerm, 2> terms;
};

DimExpr operator-(DimExpr a);
DimExpr operator+(DimExpr a, DimExpr b);
DimExpr operator-(DimExpr a, DimExpr b);
DimExpr operator*(DimExpr a, DimExpr b);
DimExpr operator+(DimExpr a, int64_t b);
DimExpr operator-(DimExpr a, int64_t b);
DimExpr operator*(DimExpr a, int64_t b);
DimExpr operator+(int64_t a, DimExpr b);
DimExpr operator-(int64_t a, DimExpr b);
DimExpr operator*(int64_t a, DimExpr b);

DimExpr FloorDiv(DimExpr a, DimExpr b);
DimExpr FloorDiv(DimExpr a, int64_t b);
DimExpr CeilDiv(DimExpr a, DimExpr b);
DimExpr CeilDiv(DimExpr a, int64_t b);
DimExpr Mod(DimExpr a, DimExpr b);
DimExpr Mod(DimExpr a, int64_t b);
DimExpr Min(DimExpr a, DimExpr b);
DimExpr Min(DimExpr a, int64_t b);
DimExpr Max(DimExpr a, DimExpr b);
DimExpr Max(DimExpr a, int64_t b);

// The polynomial q with a = q*b, if there is one: the sound answer to "what is the -1 of this
// reshape" wherever b is not zero. Unlike FloorDiv it does not ask for a proof that b is not zero.
std::optional<DimExpr> DivideExactly(DimExpr a, DimExpr b);

// True only if the facts prove it; errors prove nothing.
bool ProvablyEqual(DimExpr a, DimExpr b);
bool ProvablyLessEqual(DimExpr a, DimExpr b);
bool ProvablyPositive(DimExpr a);  // >= 1

// Product of all; the constant 1 if there are none.
DimExpr Product(DimContext& context, llvm::ArrayRef<DimExpr> dims);

// The total order of normal forms (negative, zero, positive), for deterministic sorting.
int CompareDimExprs(DimExpr a, DimExpr b);

// Owns the expressions and symbols of one compile.
class DimContext {
 public:
  DimContext();
  ~DimContext();
  DimContext(const DimContext&) = delete;
  DimContext& operator=(const DimContext&) = delete;

  DimExpr Constant(int64_t value);
  DimExpr Error(DimError error);

  // The symbol with this name, created with these facts if it is new. `name` must be a valid symbol
  // name.
  DimExpr Symbol(llvm::StringRef name, const DimFacts& facts = {});
  // A new symbol whose name is `prefix` or, if taken, `prefix` with a number.
  DimExpr FreshSymbol(llvm::StringRef prefix, const DimFacts& facts = {});
  // Null if there is none.
  const DimSymbol* FindSymbol(llvm::StringRef name) const;
  DimExpr Expr(const DimSymbol* symbol);
  std::vector<const DimSymbol*> symbols() const;

  // Intersects what is known of the symbol with `facts` (its life is replaced). Expressions built
  // before keep their form; Simplified() brings them up to date. No other thread may
  // use the context meanwhile.
  void Narrow(const DimSymbol* symbol, const DimFacts& facts);

  // A letter or '_', then letters, digits, '_', '.', '$'; not the name of a function.
  static bool IsValidSymbolName(llvm::StringRef name);

  // For the arithmetic in this folder: normalises a sum of terms (any order, repeated, zero), and
  // makes a call atom from operands that are already simplified.
  DimExpr FromTerms(llvm::SmallVector<DimTerm, 2> terms);
  DimExpr FromAtom(const DimAtom* atom);
  const DimAtom* CallAtom(DimAtomKind kind, llvm::ArrayRef<DimExpr> operands);

 private:
  struct NodeHash {
    size_t operator()(const std::unique_ptr<DimNode>& n) const { return n->hash; }
  };
  struct NodeEqual {
    bool operator()(const std::unique_ptr<DimNode>& a, const std::unique_ptr<DimNode>& b) const;
  };
  struct AtomHash {
    size_t operator()(const std::unique_ptr<DimAtom>& a) const { return a->hash; }
  };
  struct AtomEqual {
    bool operator()(const std::unique_ptr<DimAtom>& a, const std::unique_ptr<DimAtom>& b) const;
  };

  const DimAtom* InternAtom(std::unique_ptr<DimAtom> atom);
  static void DeriveFacts(DimAtom& atom);  // exact_divisor and bounds, from the operands'
  static DimBounds CallBounds(const DimAtom& atom);
  const DimNode* InternNode(std::unique_ptr<DimNode> node);
  const DimSymbol* AddSymbolLocked(llvm::StringRef name, const DimFacts& facts);
  const DimAtom* SymbolAtom(const DimSymbol* symbol);

  mutable std::mutex mutex_;  // guards all below
  std::vector<std::unique_ptr<DimSymbol>> symbols_;
  llvm::StringMap<const DimSymbol*> symbols_by_name_;
  llvm::StringMap<uint32_t> fresh_counters_;
  std::unordered_set<std::unique_ptr<DimAtom>, AtomHash, AtomEqual> atoms_;
  std::vector<DimAtom*> atoms_in_order_;  // operands before users
  std::unordered_set<std::unique_ptr<DimNode>, NodeHash, NodeEqual> nodes_;
};

}  // namespace stator::core

namespace llvm {

template <>
struct DenseMapInfo<stator::core::DimExpr> {
  static stator::core::DimExpr getEmptyKey() {
    return stator::core::DimExpr::FromOpaquePointer(DenseMapInfo<const void*>::getEmptyKey());
  }
  static stator::core::DimExpr getTombstoneKey() {
    return stator::core::DimExpr::FromOpaquePointer(DenseMapInfo<const void*>::getTombstoneKey());
  }
  static unsigned getHashValue(stator::core::DimExpr e) {
    return DenseMapInfo<const void*>::getHashValue(e.AsOpaquePointer());
  }
  static bool isEqual(stator::core::DimExpr a, stator::core::DimExpr b) { return a == b; }
};

}  // namespace llvm

#endif  // STATOR_COMPILER_DIALECT_DIM_EXPR_H_
