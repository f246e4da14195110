#include "compiler/dialect/dim_expr_parse.h"

#include "absl/strings/str_cat.h"
#include "llvm/ADT/StringExtras.h"

namespace stator::core {
namespace {

llvm::StringRef KindName(DimAtomKind kind) {
  switch (kind) {
    case DimAtomKind::kSymbol:
      break;
    case DimAtomKind::kFloorDiv:
      return "floordiv";
    case DimAtomKind::kCeilDiv:
      return "ceildiv";
    case DimAtomKind::kMod:
      return "mod";
    case DimAtomKind::kMin:
      return "min";
    case DimAtomKind::kMax:
      return "max";
  }
  return "";
}

void Print(DimExpr e, std::string& out);

void PrintTerm(const DimTerm& term, std::string& out) {
  bool unit = term.coefficient == 1 && !term.factors.empty();
  if (!unit) absl::StrAppend(&out, term.coefficient);
  bool first = unit;
  for (const DimFactor& f : term.factors) {
    if (!first) out += '*';
    first = false;
    if (f.atom->symbol) {
      out += f.atom->symbol->name().str();
    } else {
      out += KindName(f.atom->kind).str();
      for (size_t i = 0; i < f.atom->operands.size(); ++i) {
        out += i == 0 ? "(" : ", ";
        Print(f.atom->operands[i], out);
      }
      out += ')';
    }
    if (f.power != 1) absl::StrAppend(&out, "^", f.power);
  }
}

void Print(DimExpr e, std::string& out) {
  if (e.terms().empty()) out += '0';
  for (size_t i = 0; i < e.terms().size(); ++i) {
    if (i != 0) out += " + ";
    PrintTerm(e.terms()[i], out);
  }
}

constexpr int kMaxDepth = 64;

class Parser {
 public:
  Parser(DimContext& context, llvm::StringRef text) : context_(context), text_(text) {}

  absl::StatusOr<DimExpr> Parse() {
    DimExpr e = Expression();
    if (message_.empty() && Peek() != '\0') Fail("expected an operator or the end");
    if (!message_.empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat("dimension \"", text_.str(), "\", column ", column_ + 1, ": ", message_));
    }
    if (!e.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat("dimension \"", text_.str(), "\": ", DimErrorMessage(e.error()).str()));
    }
    return e;
  }

 private:
  // The next character that is not blank; 0 at the end.
  char Peek() {
    while (position_ < text_.size() && text_[position_] == ' ') ++position_;
    return position_ < text_.size() ? text_[position_] : '\0';
  }

  bool Accept(char c) {
    if (Peek() != c || c == '\0') return false;
    ++position_;
    return true;
  }

  // Keeps the first message. The result stands in for the part that did not parse.
  DimExpr Fail(llvm::StringRef message) {
    if (message_.empty()) {
      message_ = message.str();
      column_ = position_;
      position_ = text_.size();
    }
    return context_.Constant(0);
  }

  DimExpr Expression() {
    if (depth_ >= kMaxDepth) return Fail("nested too deep");
    ++depth_;
    DimExpr sum = Term();
    while (true) {
      if (Accept('+')) {
        sum = sum + Term();
      } else if (Accept('-')) {
        sum = sum - Term();
      } else {
        break;
      }
    }
    --depth_;
    return sum;
  }

  DimExpr Term() {
    DimExpr product = Factor();
    while (Accept('*')) product = product * Factor();
    return product;
  }

  DimExpr Factor() {
    bool negative = false;
    while (Accept('-')) negative = !negative;
    // Together with the sign, for the smallest int64.
    if (llvm::isDigit(Peek())) return Integer(negative);
    DimExpr value = Primary();
    if (Accept('^')) value = Power(value);
    return negative ? -value : value;
  }

  DimExpr Power(DimExpr base) {
    llvm::StringRef digits = TakeWhile([](char c) { return llvm::isDigit(c); });
    uint32_t power = 0;
    if (digits.getAsInteger(10, power) || power == 0) return Fail("expected a positive power");
    if (power > kMaxDimDegree) return context_.Error(DimError::kTooLarge);
    DimExpr product = base;
    for (uint32_t i = 1; i < power; ++i) product = product * base;
    return product;
  }

  template <typename Predicate>
  llvm::StringRef TakeWhile(Predicate predicate) {
    Peek();
    llvm::StringRef taken = text_.substr(position_).take_while(predicate);
    position_ += taken.size();
    return taken;
  }

  DimExpr Integer(bool negative) {
    llvm::StringRef digits = TakeWhile([](char c) { return llvm::isDigit(c); });
    int64_t value;
    std::string signed_digits = (negative ? "-" : "") + digits.str();
    if (llvm::StringRef(signed_digits).getAsInteger(10, value)) {
      return context_.Error(DimError::kOverflow);
    }
    return context_.Constant(value);
  }

  DimExpr Primary() {
    if (Accept('(')) {
      DimExpr e = Expression();
      if (!Accept(')')) return Fail("expected ')'");
      return e;
    }
    llvm::StringRef name =
        TakeWhile([](char c) { return llvm::isAlnum(c) || c == '_' || c == '.' || c == '$'; });
    if (name.empty()) return Fail("expected a number, a symbol or '('");
    if (Accept('(')) return CallOf(name);
    if (!DimContext::IsValidSymbolName(name)) {
      return Fail("'" + name.str() + "' is not a symbol name");
    }
    return context_.Symbol(name);
  }

  DimExpr CallOf(llvm::StringRef name) {
    DimExpr result = Expression();
    int count = 1;
    while (Accept(',')) {
      DimExpr e = Expression();
      ++count;
      if (name == "floordiv" && count == 2) {
        result = FloorDiv(result, e);
      } else if (name == "ceildiv" && count == 2) {
        result = CeilDiv(result, e);
      } else if (name == "mod" && count == 2) {
        result = Mod(result, e);
      } else if (name == "min") {
        result = Min(result, e);
      } else if (name == "max") {
        result = Max(result, e);
      } else {
        return Fail("no function '" + name.str() + "' of that many operands");
      }
    }
    if (count < 2) return Fail("'" + name.str() + "' needs operands");
    if (!Accept(')')) return Fail("expected ')'");
    return result;
  }

  DimContext& context_;
  llvm::StringRef text_;
  size_t position_ = 0;
  int depth_ = 0;
  std::string message_;
  size_t column_ = 0;
};

llvm::StringRef LifeName(DimLife life) {
  switch (life) {
    case DimLife::kInput:
      return "input";
    case DimLife::kStep:
      return "step";
    case DimLife::kLoop:
      return "loop";
  }
  return "";
}

bool SameFacts(const DimFacts& a, const DimFacts& b) {
  return a.min == b.min && a.max == b.max && a.divisor == b.divisor && a.life == b.life;
}

// Fills `facts` from "input [0, 64] div 8".
bool ParseFacts(llvm::StringRef text, DimFacts& facts) {
  bool known = false;
  for (DimLife life : {DimLife::kInput, DimLife::kStep, DimLife::kLoop}) {
    if (!known && text.consume_front(LifeName(life))) {
      facts.life = life;
      known = true;
    }
  }
  text = text.ltrim();
  if (!known || !text.consume_front("[") || text.consumeInteger(10, facts.min)) return false;
  if (!text.consume_front(",")) return false;
  text = text.ltrim();
  if (!text.consume_front(")")) {
    int64_t max;
    if (text.consumeInteger(10, max) || !text.consume_front("]")) return false;
    facts.max = max;
  }
  text = text.ltrim();
  if (text.consume_front("div ") && text.consumeInteger(10, facts.divisor)) return false;
  return text.trim().empty() && facts.divisor > 0;
}

}  // namespace

std::string DimExpr::ToString() const {
  if (!*this) return "<null>";
  if (!ok()) return "<" + DimErrorMessage(error()).str() + ">";
  std::string out;
  Print(*this, out);
  return out;
}

llvm::StringRef DimErrorMessage(DimError error) {
  switch (error) {
    case DimError::kNone:
      return "no error";
    case DimError::kOverflow:
      return "overflow of int64";
    case DimError::kTooLarge:
      return "expression too large";
    case DimError::kDivisionByZero:
      return "division by zero";
  }
  return "unknown error";
}

absl::StatusOr<DimExpr> ParseDimExpr(DimContext& context, llvm::StringRef text) {
  return Parser(context, text).Parse();
}

std::string PrintSymbolFacts(const DimSymbol& symbol) {
  const DimFacts& facts = symbol.facts();
  std::string out =
      absl::StrCat(symbol.name().str(), ": ", LifeName(facts.life).str(), " [", facts.min, ", ");
  out += facts.max ? absl::StrCat(*facts.max, "]") : ")";
  if (facts.divisor != 1) absl::StrAppend(&out, " div ", facts.divisor);
  return out;
}

absl::StatusOr<const DimSymbol*> ParseSymbolFacts(DimContext& context, llvm::StringRef text) {
  auto [name, rest] = text.split(':');
  name = name.trim();
  DimFacts facts;
  if (!DimContext::IsValidSymbolName(name) || !ParseFacts(rest.trim(), facts)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "symbol \"", text.str(), "\": expected \"name: input|step|loop [min, max] div n\""));
  }
  const DimSymbol* symbol = context.Symbol(name, facts).symbol();
  if (!SameFacts(symbol->facts(), facts)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "symbol \"", text.str(), "\": already known as \"", PrintSymbolFacts(*symbol), "\""));
  }
  return symbol;
}

}  // namespace stator::core
