#ifndef STATOR_COMPILER_DIALECT_CHECKED_INT_H_
#define STATOR_COMPILER_DIALECT_CHECKED_INT_H_

// int64 arithmetic that reports overflow, with division that rounds to minus infinity. Header only;
// no state.

#include <cstdint>
#include <limits>
#include <numeric>
#include <optional>

namespace stator::core {

inline std::optional<int64_t> CheckedAdd(int64_t a, int64_t b) {
  int64_t r;
  if (__builtin_add_overflow(a, b, &r)) return std::nullopt;
  return r;
}

inline std::optional<int64_t> CheckedMul(int64_t a, int64_t b) {
  int64_t r;
  if (__builtin_mul_overflow(a, b, &r)) return std::nullopt;
  return r;
}

inline std::optional<int64_t> CheckedFloorDiv(int64_t a, int64_t b) {
  if (b == 0 || (a == std::numeric_limits<int64_t>::min() && b == -1)) return std::nullopt;
  int64_t q = a / b;
  return (a % b != 0 && (a < 0) != (b < 0)) ? q - 1 : q;
}

inline std::optional<int64_t> CheckedCeilDiv(int64_t a, int64_t b) {
  if (b == 0 || (a == std::numeric_limits<int64_t>::min() && b == -1)) return std::nullopt;
  int64_t q = a / b;
  return (a % b != 0 && (a < 0) == (b < 0)) ? q + 1 : q;
}

// The remainder has the sign of `b`.
inline std::optional<int64_t> CheckedMod(int64_t a, int64_t b) {
  if (b == 0) return std::nullopt;
  if (b == -1) return 0;
  int64_t r = a % b;
  return (r != 0 && (r < 0) != (b < 0)) ? r + b : r;
}

// gcd of magnitudes; the smallest int64 counts as 1, which is a divisor too.
inline int64_t Gcd(int64_t a, int64_t b) {
  constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
  if (a == kMin || b == kMin) return 1;
  return std::gcd(a, b);
}

}  // namespace stator::core

#endif  // STATOR_COMPILER_DIALECT_CHECKED_INT_H_
