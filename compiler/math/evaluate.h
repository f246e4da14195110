#ifndef STATOR_COMPILER_MATH_EVALUATE_H_
#define STATOR_COMPILER_MATH_EVALUATE_H_

#include <cstdint>
#include <limits>
#include <type_traits>

#include "compiler/math/functions.h"

namespace stator::compiler {

// The value of an elementwise function at one point, with exactly the bits that generated code
// computes. Every use of one argument ignores `b`. Expects the default floating-point environment
// (round to nearest, subnormals kept). NaNs are NaNs; their payloads are unspecified. Thread-safe.
// Half-precision types convert to float, evaluate, and round once.
float Evaluate(MathFunction function, float a, float b = 0);
double Evaluate(MathFunction function, double a, double b = 0);

// The bits of the nearest f16 or bf16, ties to even, rounded once from either type.
uint16_t HalfFromFloat(float x);
uint16_t HalfFromFloat(double x);
uint16_t Bfloat16FromFloat(float x);
uint16_t Bfloat16FromFloat(double x);

// Exact.
float FloatFromHalf(uint16_t bits);
float FloatFromBfloat16(uint16_t bits);

// x truncated towards zero; out of range saturates, NaN gives 0. T is an integer, S float or double.
template <typename T, typename S>
T IntegerFromFloat(S x) {
  const S limit = std::numeric_limits<T>::max() / 2 + 1;  // half of it, exact in any format
  if (x != x) return 0;
  if (x / 2 >= limit) return std::numeric_limits<T>::max();
  if (x <= static_cast<S>(std::numeric_limits<T>::min())) return std::numeric_limits<T>::min();
  return static_cast<T>(x);
}

// The bits of the nearest f16 or bf16, ties to even. T is an integer.
template <typename T>
double WithinFiftyThreeBits(T x) {
  const bool exact = static_cast<uint64_t>(x) < (uint64_t{1} << 53) ||
                     (std::is_signed_v<T> && x < 0 && static_cast<int64_t>(x) >= -(int64_t{1} << 53));
  if (exact) return static_cast<double>(x);
  // What is below bit 11 becomes one sticky bit: rounding the double rounds x.
  const T low = x & 0x7ff;
  return static_cast<double>(static_cast<T>((x - low) | (low != 0 ? 0x800 : 0)));
}
template <typename T>
uint16_t HalfFromInteger(T x) {
  return HalfFromFloat(WithinFiftyThreeBits(x));
}
template <typename T>
uint16_t Bfloat16FromInteger(T x) {
  return Bfloat16FromFloat(WithinFiftyThreeBits(x));
}

// Integer division rounded towards zero, and its remainder, with every case defined: x / 0 has all
// bits set, x rem 0 is x, the smallest number / -1 is itself with remainder 0.
template <typename T>
T IntegerQuotient(T dividend, T divisor) {
  if (divisor == 0) return static_cast<T>(~T{0});
  if (std::is_signed_v<T> && divisor == static_cast<T>(-1) &&
      dividend == std::numeric_limits<T>::min())
    return dividend;
  return static_cast<T>(dividend / divisor);
}

template <typename T>
T IntegerRemainder(T dividend, T divisor) {
  if (divisor == 0) return dividend;
  if (std::is_signed_v<T> && divisor == static_cast<T>(-1)) return 0;
  return static_cast<T>(dividend % divisor);
}

}  // namespace stator::compiler

#endif  // STATOR_COMPILER_MATH_EVALUATE_H_
