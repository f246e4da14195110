#ifndef STATOR_COMPILER_MATH_NUMBER_FORMAT_H_
#define STATOR_COMPILER_MATH_NUMBER_FORMAT_H_

#include <cstdint>

namespace stator::compiler::math {

// What recipes know about the layout of float and double.
template <typename S>
struct NumberFormat;

template <>
struct NumberFormat<float> {
  using Bits = uint32_t;
  static constexpr int kMantissaBits = 23;
  static constexpr int kSignShift = 31;
  static constexpr int kExponentBias = 127;
  static constexpr Bits kSignMask = 0x80000000;
  static constexpr Bits kMantissaMask = 0x007fffff;
  // x + kRoundingShift holds the integer nearest to x (ties to even) in its low bits, for |x| <
  // 2^21 (2^50 in double); subtracting it again gives that integer as a number. Cheaper than
  // conversions, which AVX2 lacks for double.
  static constexpr float kRoundingShift = 0x1.8p23f;
  // From this magnitude on, every number is an integer.
  static constexpr float kAllIntegers = 0x1p23f;
  static constexpr float kSmallestNormal = 0x1p-126f;
  // Makes every subnormal number normal.
  static constexpr float kNormalizer = 0x1p23f;
};

template <>
struct NumberFormat<double> {
  using Bits = uint64_t;
  static constexpr int kMantissaBits = 52;
  static constexpr int kSignShift = 63;
  static constexpr int kExponentBias = 1023;
  static constexpr Bits kSignMask = 0x8000000000000000;
  static constexpr Bits kMantissaMask = 0x000fffffffffffff;
  static constexpr double kRoundingShift = 0x1.8p52;
  static constexpr double kAllIntegers = 0x1p52;
  static constexpr double kSmallestNormal = 0x1p-1022;
  static constexpr double kNormalizer = 0x1p52;
};

}  // namespace stator::compiler::math

#endif  // STATOR_COMPILER_MATH_NUMBER_FORMAT_H_
