#ifndef STATOR_COMPILER_MATH_CONSTANTS_POWER_H_
#define STATOR_COMPILER_MATH_CONSTANTS_POWER_H_

#include <cstdint>

namespace stator::compiler::math {

// Constants and polynomials of pow. Series list their coefficients in
// ascending order; each number is exact in its format.
template <typename S>
struct PowerConstants;

template <>
struct PowerConstants<float> {
  // Reciprocals of the piece centers; 1 is one of them.
  static constexpr float kReciprocal[] = {0x1.555556p0f,  0x1.3b13b2p0f, 0x1.24924ap0f,
                                          0x1.111112p0f,  0x1p0f,        0x1.c71c72p-1f,
                                          0x1.99999ap-1f, 0x1.745d18p-1f};
  // -log(reciprocal) in two words, the first short so that sums with it are exact.
  static constexpr float kLogHigh[] = {-0x1.2698p-2f, -0x1.a94p-3f, -0x1.1178p-3f, -0x1.086p-4f,
                                       0.0f,          0x1.e27p-4f,  0x1.c9p-3f,    0x1.4618p-2f};
  static constexpr float kLogLow[] = {
      0x1.dcecb2p-18f, 0x1.273752p-19f,  -0x1.dc44fcp-20f, 0x1.99a988p-18f, 0.0f,
      0x1.d38abcp-22f, -0x1.0b0cacp-20f, 0x1.74438cp-19f};
  // ln 2 in two words, the first short for the same reason.
  static constexpr float kLn2Short = 0x1.62e4p-1f;
  static constexpr float kLn2Rest = 0x1.7f7d1cp-20f;
  // log(1+f) = f - f^2/2 + f^3 series(f).
  static constexpr float kLogSeries[] = {0x1.555556p-2f, -0x1.ffff6ap-3f, 0x1.999378p-3f,
                                         -0x1.56ea7cp-3f, 0x1.2aadb4p-3f};
  // Larger exponents give 0, 1 or infinity all the same.
  static constexpr float kExponentLimit = 0x1p34f;
};

template <>
struct PowerConstants<double> {
  static constexpr double kReciprocal[] = {
      0x1.5555555555555p0,  0x1.3b13b13b13b14p0,  0x1.2492492492492p0, 0x1.1111111111111p0, 0x1p0,
      0x1.c71c71c71c71cp-1, 0x1.999999999999ap-1, 0x1.745d1745d1746p-1};
  static constexpr double kLogHigh[] = {
      -0x1.269621134ep-2, -0x1.a93ed3c8aep-3, -0x1.1178e8227ep-3, -0x1.08598b59e4p-4, 0.0,
      0x1.e27076e2bp-4,   0x1.c8ff7c79aap-3,  0x1.4618bc21c6p-2};
  static constexpr double kLogLow[] = {0x1.1ba1f10522625p-44,
                                       0x1.86a4350562169p-45,
                                       -0x1.1e778ce2d07f2p-45,
                                       0x1.7e9dd7009902cp-46,
                                       0.0,
                                       -0x1.a2c2c2af0003cp-45,
                                       -0x1.7814f689f8434p-45,
                                       -0x1.3e02f484c84ccp-46};
  static constexpr double kLn2Short = 0x1.62e42fefa38p-1;
  static constexpr double kLn2Rest = 0x1.ef35793c7673p-45;
  static constexpr double kLogSeries[] = {
      0x1.5555555555555p-2, -0x1.fffffffffffffp-3, 0x1.999999999a1bcp-3, -0x1.55555555560e5p-3,
      0x1.24924922555dcp-3, -0x1.fffffff9f439dp-4, 0x1.c71c7b2faec68p-4, -0x1.9999a5a0fe811p-4,
      0x1.7452f43b2dc4bp-4, -0x1.554937022e84fp-4, 0x1.406b1dc69e9e1p-4, -0x1.2a6406d4da7c9p-4};
  static constexpr double kExponentLimit = 0x1p65;
};

}  // namespace stator::compiler::math

#endif  // STATOR_COMPILER_MATH_CONSTANTS_POWER_H_
