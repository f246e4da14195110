#ifndef STATOR_COMPILER_MATH_CONSTANTS_INVERSE_TRIGONOMETRIC_H_
#define STATOR_COMPILER_MATH_CONSTANTS_INVERSE_TRIGONOMETRIC_H_

#include <cstdint>

namespace stator::compiler::math {

// Constants and polynomials of asin, acos, atan and atan2. Series list their coefficients in
// ascending order; each number is exact in its format.
template <typename S>
struct InverseTrigonometricConstants;

template <>
struct InverseTrigonometricConstants<float> {
  // pi/2 in two words.
  static constexpr float kHalfPiHigh = 0x1.921fb6p0f;
  static constexpr float kHalfPiLow = -0x1.777a5cp-25f;
  // atan t = t + t^3 series(t^2), |t| <= 1.
  static constexpr float kAtanSeries[] = {-0x1.55553ep-2f, 0x1.9991ecp-3f,  -0x1.24211ap-3f,
                                          0x1.c0946cp-4f,  -0x1.5825f2p-4f, 0x1.da9c2ep-5f,
                                          -0x1.fe7d24p-6f, 0x1.6551e2p-7f,  -0x1.d5a1aap-10f};
  // asin s = s + s^3 series(s^2), |s| <= 1/2.
  static constexpr float kAsinSeries[] = {0x1.5555c8p-3f, 0x1.330204p-4f, 0x1.747bbep-5f,
                                          0x1.8c3ddp-6f, 0x1.595d06p-5f};
};

template <>
struct InverseTrigonometricConstants<double> {
  static constexpr double kHalfPiHigh = 0x1.921fb54442d18p0;
  static constexpr double kHalfPiLow = 0x1.1a62633145c07p-54;
  static constexpr double kAtanSeries[] = {
      -0x1.555555555554dp-2, 0x1.9999999998c67p-3, -0x1.2492492457733p-3,  0x1.c71c71b6533adp-4,
      -0x1.745d15d2f761ap-4, 0x1.3b139bee44a78p-4, -0x1.1110336b066aap-4,  0x1.e1d493513beaep-5,
      -0x1.aeda8a49023e2p-5, 0x1.84b518dc7adcp-5,  -0x1.5f2654b3eba99p-5,  0x1.39092d01d0fep-5,
      -0x1.0c9c8c4419d1p-5,  0x1.ac8fa3ae2392dp-6, -0x1.311347397c74ap-6,  0x1.7306a460be118p-7,
      -0x1.7007b5b438876p-8, 0x1.1a376ba75ff11p-9, -0x1.371c7002a24eap-11, 0x1.b4180c5fb5cap-14,
      -0x1.22b3e7919d247p-17};
  static constexpr double kAsinSeries[] = {
      0x1.555555555539p-3,  0x1.333333336e833p-4, 0x1.6db6db4277f8cp-5,  0x1.f1c72c39efa29p-6,
      0x1.6e89f42584168p-6, 0x1.1c6be3644c056p-6, 0x1.c6fd9c5da095ap-7,  0x1.8ec401fcc0651p-7,
      0x1.abc60b051f7eep-8, 0x1.3ffb56c5bc5d2p-6, -0x1.09de102121d6ap-6, 0x1.05714c02d7047p-5};
};

}  // namespace stator::compiler::math

#endif  // STATOR_COMPILER_MATH_CONSTANTS_INVERSE_TRIGONOMETRIC_H_
