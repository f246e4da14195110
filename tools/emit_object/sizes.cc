#include "tools/emit_object/sizes.h"

#include <algorithm>

#include "executable/expr_eval.h"
#include "tools/emit_object/identifiers.h"

namespace stator::tools {
namespace {

using executable::Expr;
using executable::ExprKind;

// A batch or a sequence is rather 64 than 1: where sizes are compared, this says which is larger.
constexpr int64_t kLikelySize = 64;

int64_t LikelySize(const executable::Symbol& symbol) {
  const int64_t size = std::clamp(kLikelySize, symbol.min, symbol.max);
  return size / symbol.divisor * symbol.divisor;
}

const char* Function(ExprKind kind) {
  switch (kind) {
    case ExprKind::kAdd:
      return "add";
    case ExprKind::kMul:
      return "mul";
    case ExprKind::kFloorDiv:
      return "floor_div";
    case ExprKind::kCeilDiv:
      return "ceil_div";
    case ExprKind::kMod:
      return "mod";
    case ExprKind::kMin:
      return "min";
    case ExprKind::kMax:
      return "max";
    default:
      return "?";
  }
}

}  // namespace

Sizes::Sizes(const executable::ImageModel* model)
    : model_(*model), uses_(executable::ExprUses(*model)) {
  for (const Expr& e : model_.expressions) {
    std::optional<int64_t> constant;
    int64_t sample = 0;
    if (e.kind == ExprKind::kConst) constant = sample = e.value;
    if (e.kind == ExprKind::kSymbol) sample = LikelySize(model_.symbols[e.value]);
    if (e.kind >= ExprKind::kAdd) {
      if (!executable::ApplyExpr(e.kind, samples_[e.lhs], samples_[e.rhs], &sample)) sample = 0;
      int64_t value = 0;
      if (constants_[e.lhs] && constants_[e.rhs] &&
          executable::ApplyExpr(e.kind, *constants_[e.lhs], *constants_[e.rhs], &value)) {
        constant = value;
      }
    }
    constants_.push_back(constant);
    samples_.push_back(sample);
  }
}

std::string Int64Literal(int64_t value) {
  if (value == INT64_MIN) return "INT64_MIN";
  if (value > INT32_MAX || value < -INT32_MAX) {
    return "std::int64_t{" + std::to_string(value) + "}";
  }
  return std::to_string(value);
}

std::vector<SymbolRule> RulesOf(const executable::Symbol& symbol) {
  std::vector<SymbolRule> rules;
  const auto add = [&](const std::string& broken, const std::string& rule) {
    rules.push_back({broken, rule});
  };
  if (symbol.min != INT64_MIN) {
    add(" < " + Int64Literal(symbol.min), "at least " + std::to_string(symbol.min));
  }
  if (symbol.max != INT64_MAX) {
    add(" > " + Int64Literal(symbol.max), "at most " + std::to_string(symbol.max));
  }
  if (symbol.divisor != 1) {
    add(" % " + Int64Literal(symbol.divisor) + " != 0",
        "a multiple of " + std::to_string(symbol.divisor));
  }
  return rules;
}

std::string SizeWriter::Leaf(int32_t e) const {
  if (const std::optional<int64_t> constant = sizes_.Constant(e)) return Int64Literal(*constant);
  return known_(e);
}

std::string SizeWriter::Text(int32_t e) const {
  std::string leaf = Leaf(e);
  return leaf.empty() ? prefix_ + std::to_string(e) : leaf;
}

std::vector<std::string> SizeWriter::Define(int32_t root) {
  std::set<int32_t> needed;  // in the table's order, which is an order of evaluation
  std::vector<int32_t> todo = {root};
  while (!todo.empty()) {
    const int32_t e = todo.back();
    todo.pop_back();
    if (defined_.count(e) != 0 || needed.count(e) != 0 || !Leaf(e).empty()) continue;
    needed.insert(e);
    const Expr& expr = sizes_.model().expressions[e];
    if (expr.kind >= ExprKind::kAdd) todo.insert(todo.end(), {expr.lhs, expr.rhs});
  }
  std::vector<std::string> lines;
  for (const int32_t e : needed) {
    const Expr& expr = sizes_.model().expressions[e];
    defined_.insert(e);
    lines.push_back(declaration_ + prefix_ + std::to_string(e) + " = c." + Function(expr.kind) +
                    "(" + Text(expr.lhs) + ", " + Text(expr.rhs) + ");  // " +
                    CommentText(executable::ExprToString(sizes_.model(), e)));
  }
  return lines;
}

}  // namespace stator::tools
