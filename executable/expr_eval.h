// Checked evaluation of the image's size expressions.
#ifndef STATOR_EXECUTABLE_EXPR_EVAL_H_
#define STATOR_EXECUTABLE_EXPR_EVAL_H_

#include <cstdint>
#include <string>
#include <vector>

#include "executable/image_model.h"

namespace stator::executable {

// One binary node. False when the result does not fit int64 or a division is by zero.
inline bool ApplyExpr(ExprKind kind, int64_t a, int64_t b, int64_t* out) {
  switch (kind) {
    case ExprKind::kAdd:
      return !__builtin_add_overflow(a, b, out);
    case ExprKind::kMul:
      return !__builtin_mul_overflow(a, b, out);
    case ExprKind::kFloorDiv:
    case ExprKind::kCeilDiv:
    case ExprKind::kMod: {
      if (b == 0 || (b == -1 && a == INT64_MIN)) return false;
      const int64_t quotient = a / b;
      const int64_t rest = a % b;
      const bool down = rest != 0 && ((rest < 0) != (b < 0));  // truncation rounded up
      if (kind == ExprKind::kFloorDiv) *out = quotient - (down ? 1 : 0);
      if (kind == ExprKind::kCeilDiv) *out = quotient + (rest != 0 && !down ? 1 : 0);
      if (kind == ExprKind::kMod) *out = rest + (down ? b : 0);
      return true;
    }
    case ExprKind::kMin:
      *out = a < b ? a : b;
      return true;
    case ExprKind::kMax:
      *out = a > b ? a : b;
      return true;
    case ExprKind::kConst:
    case ExprKind::kSymbol:
    case ExprKind::kScalar:
      return false;
  }
  return false;
}

// Evaluates expression `root`, a tree over constants, `symbols` and `scalars` (either may be null
// when the tree has none). InvalidArgument on overflow or division by zero, with the expression's
// text. Recursion depth is the tree's height; for tables use a linear pass instead.
Result<int64_t> EvaluateExpr(const ImageModel& model, int32_t root, const int64_t* symbols,
                             const int64_t* scalars);

// "(batch of x * 4 + 1)"; long expressions are cut with "...".
std::string ExprToString(const ImageModel& model, int32_t root);

}  // namespace stator::executable

#endif  // STATOR_EXECUTABLE_EXPR_EVAL_H_
