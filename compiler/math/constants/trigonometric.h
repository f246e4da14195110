#ifndef STATOR_COMPILER_MATH_CONSTANTS_TRIGONOMETRIC_H_
#define STATOR_COMPILER_MATH_CONSTANTS_TRIGONOMETRIC_H_

#include <cstdint>

namespace stator::compiler::math {

// Constants and polynomials of sin, cos and tan. Series list their coefficients in
// ascending order; each number is exact in its format.
template <typename S>
struct TrigonometricConstants;

template <>
struct TrigonometricConstants<float> {
  // Above this three words of pi/2 do not reduce an angle exactly enough.
  static constexpr float kReductionLimit = 0x1p17f;
  static constexpr float kTwoOverPi = 0x1.45f306p-1f;
  // -pi/2 in three words.
  static constexpr float kMinusHalfPi1 = -0x1.921fb6p0f;
  static constexpr float kMinusHalfPi2 = 0x1.777a5cp-25f;
  static constexpr float kMinusHalfPi3 = 0x1.ee59dap-50f;
  // sin r = r + r^3 series(r^2).
  static constexpr float kSinSeries[] = {-0x1.555546p-3f, 0x1.11077ap-7f, -0x1.9954e8p-13f};
  // cos r = 1 - r^2/2 + r^4 series(r^2).
  static constexpr float kCosSeries[] = {0x1.55554ap-5f, -0x1.6c0c2ap-10f, 0x1.99e914p-16f};
  // tan r = r + r^3 series(r^2).
  static constexpr float kTanSeries[] = {0x1.5554dep-2f, 0x1.112ddcp-3f, 0x1.b587f8p-5f,
                                         0x1.90594ap-6f, 0x1.97f8c2p-9f, 0x1.33ab34p-7f};
};

template <>
struct TrigonometricConstants<double> {
  static constexpr double kReductionLimit = 0x1p40;
  static constexpr double kTwoOverPi = 0x1.45f306dc9c883p-1;
  static constexpr double kMinusHalfPi1 = -0x1.921fb54442d18p0;
  static constexpr double kMinusHalfPi2 = -0x1.1a62633145c07p-54;
  static constexpr double kMinusHalfPi3 = 0x1.f1976b7ed8fbcp-110;
  static constexpr double kSinSeries[] = {-0x1.5555555555548p-3,  0x1.111111110f75fp-7,
                                          -0x1.a01a019bf28b4p-13, 0x1.71de355f7915bp-19,
                                          -0x1.ae5e54dbfa73ap-26, 0x1.5d8e5779a7797p-33};
  static constexpr double kCosSeries[] = {0x1.555555555554bp-5,  -0x1.6c16c16c15018p-10,
                                          0x1.a01a019c8f932p-16, -0x1.27e4f7f1ec8dep-22,
                                          0x1.1ee9dc1091329p-29, -0x1.8fa6a7125b7f9p-37};
  static constexpr double kTanSeries[] = {
      0x1.55555555554f2p-2,   0x1.11111111182c9p-3,  0x1.ba1ba1b46beeep-5,   0x1.664f49a857f6ap-6,
      0x1.226e125c77da9p-7,   0x1.d6d9337773cp-9,    0x1.7d5b5f5913bc2p-10,  0x1.37fa758eb8231p-11,
      0x1.d271b7d06eb8ep-13,  0x1.1e2738eec6248p-13, -0x1.b8e3e97d19549p-16, 0x1.76c84069d39abp-14,
      -0x1.7803e5db046efp-15, 0x1.5dd1a38e2732bp-16};
};

}  // namespace stator::compiler::math

#endif  // STATOR_COMPILER_MATH_CONSTANTS_TRIGONOMETRIC_H_
