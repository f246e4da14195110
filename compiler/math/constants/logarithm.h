#ifndef STATOR_COMPILER_MATH_CONSTANTS_LOGARITHM_H_
#define STATOR_COMPILER_MATH_CONSTANTS_LOGARITHM_H_

#include <cstdint>

namespace stator::compiler::math {

// Constants and polynomials of log and its relatives. Series list their coefficients in
// ascending order; each number is exact in its format.
template <typename S>
struct LogarithmConstants;

template <>
struct LogarithmConstants<float> {
  // ln 2 in two words, both positive: infinity times them never meets -infinity.
  static constexpr float kLn2High = 0x1.62e42ep-1f;
  static constexpr float kLn2Low = 0x1.efa39ep-25f;
  // log(1+f) = f - f^2/2 + f^3 series(f).
  static constexpr float kLogSeries[] = {0x1.5555a4p-2f,  -0x1.000042p-2f, 0x1.996966p-3f,
                                         -0x1.54ef16p-3f, 0x1.2886bap-3f,  -0x1.0d93fcp-3f,
                                         0x1.aca096p-4f,  -0x1.713e14p-5f};
};

template <>
struct LogarithmConstants<double> {
  static constexpr double kLn2High = 0x1.62e42fefa39efp-1;
  static constexpr double kLn2Low = 0x1.abc9e3b39803fp-56;
  // With s = f/(2+f): log(1+f) = f - f^2/2 + s (f^2/2 + s^2 series(s^2)).
  static constexpr double kLogSeries[] = {
      0x1.5555555555773p-1, 0x1.99999998f1696p-2, 0x1.249249b1ba8e7p-2, 0x1.c71c01a003176p-3,
      0x1.7474da0943af7p-3, 0x1.385376e89a1cfp-3, 0x1.3ab9a8988999dp-3};
};

}  // namespace stator::compiler::math

#endif  // STATOR_COMPILER_MATH_CONSTANTS_LOGARITHM_H_
