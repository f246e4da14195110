#include "executable/expr_eval.h"

namespace stator::executable {
namespace {

constexpr size_t kMaxText = 400;

void Print(const ImageModel& model, int32_t root, std::string* out) {
  if (out->size() > kMaxText) {
    if (!out->ends_with("...")) *out += "...";
    return;
  }
  if (root < 0 || root >= static_cast<int32_t>(model.expressions.size())) {
    *out += "?";
    return;
  }
  const Expr& e = model.expressions[root];
  switch (e.kind) {
    case ExprKind::kConst:
      *out += std::to_string(e.value);
      return;
    case ExprKind::kSymbol:
      if (e.value >= 0 && e.value < static_cast<int64_t>(model.symbols.size())) {
        *out += model.symbols[e.value].name;
      } else {
        *out += "?";
      }
      return;
    case ExprKind::kScalar:
      *out += "$" + std::to_string(e.value);
      return;
    default:
      break;
  }
  if (e.lhs >= root || e.rhs >= root) {  // not a well-formed table: do not loop
    *out += "?";
    return;
  }
  const bool call = e.kind == ExprKind::kMin || e.kind == ExprKind::kMax;
  const char* op = ", ";
  if (e.kind == ExprKind::kAdd) op = " + ";
  if (e.kind == ExprKind::kMul) op = " * ";
  if (e.kind == ExprKind::kFloorDiv) op = " floordiv ";
  if (e.kind == ExprKind::kCeilDiv) op = " ceildiv ";
  if (e.kind == ExprKind::kMod) op = " mod ";
  if (call) *out += e.kind == ExprKind::kMin ? "min" : "max";
  *out += "(";
  Print(model, e.lhs, out);
  *out += op;
  Print(model, e.rhs, out);
  *out += ")";
}

}  // namespace

Result<int64_t> EvaluateExpr(const ImageModel& model, int32_t root, const int64_t* symbols,
                             const int64_t* scalars) {
  const Expr& e = model.expressions[root];
  switch (e.kind) {
    case ExprKind::kConst:
      return e.value;
    case ExprKind::kSymbol:
      if (symbols == nullptr) return Internal("a size expression needs symbols here");
      return symbols[e.value];
    case ExprKind::kScalar:
      if (scalars == nullptr) return Internal("a size expression needs launch scalars here");
      return scalars[e.value];
    default:
      break;
  }
  STATOR_EXEC_ASSIGN_OR_RETURN(int64_t a, EvaluateExpr(model, e.lhs, symbols, scalars));
  STATOR_EXEC_ASSIGN_OR_RETURN(int64_t b, EvaluateExpr(model, e.rhs, symbols, scalars));
  int64_t out = 0;
  if (!ApplyExpr(e.kind, a, b, &out)) {
    return InvalidArgument("size " + ExprToString(model, root) + " overflows or divides by zero");
  }
  return out;
}

std::string ExprToString(const ImageModel& model, int32_t root) {
  std::string out;
  Print(model, root, &out);
  return out;
}

}  // namespace stator::executable
