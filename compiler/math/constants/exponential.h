#ifndef STATOR_COMPILER_MATH_CONSTANTS_EXPONENTIAL_H_
#define STATOR_COMPILER_MATH_CONSTANTS_EXPONENTIAL_H_

#include <cstdint>

namespace stator::compiler::math {

// Constants and polynomials of exp and expm1; the two words of ln 2 and log2(e) serve every
// function built on exp. Series list their coefficients in ascending order; each number is exact in
// its format.
template <typename S>
struct ExponentialConstants;

template <>
struct ExponentialConstants<float> {
  static constexpr float kLog2E = 0x1.715476p0f;
  // -ln 2 in two words.
  static constexpr float kMinusLn2High = -0x1.62e43p-1f;
  static constexpr float kMinusLn2Low = 0x1.05c61p-29f;
  // Beyond these exp is 0 or infinite.
  static constexpr float kExpLowest = -104.0f;
  static constexpr float kExpHighest = 89.0f;
  // Below this expm1 is -1.
  static constexpr float kExpm1Lowest = -18.0f;
  // Moves the reduced interval so that e^r lies in [0.75, 1.5).
  static constexpr float kExpm1Shift = -0x1.5c28f6p-4f;
  // e^r = 1 + r + r^2 series(r).
  static constexpr float kExpSeries[] = {0x1.fffffap-2f, 0x1.555492p-3f, 0x1.555a26p-5f,
                                         0x1.12397cp-7f, 0x1.694c82p-10f};
  // The same on the interval of expm1.
  static constexpr float kExpm1Series[] = {0x1p-1f,        0x1.55555ap-3f,  0x1.555524p-5f,
                                           0x1.11060ep-7f, 0x1.6ce206p-10f, 0x1.b74af2p-13f};
};

template <>
struct ExponentialConstants<double> {
  static constexpr double kLog2E = 0x1.71547652b82fep0;
  static constexpr double kMinusLn2High = -0x1.62e42fefa39efp-1;
  static constexpr double kMinusLn2Low = -0x1.abc9e3b39803fp-56;
  static constexpr double kExpLowest = -746.0;
  static constexpr double kExpHighest = 710.0;
  static constexpr double kExpm1Lowest = -38.0;
  static constexpr double kExpm1Shift = -0x1.5c28f5c28f5c3p-4;
  static constexpr double kExpSeries[] = {
      0x1.000000000000ap-1,  0x1.55555555554fep-3,  0x1.55555555506bfp-5,  0x1.1111111126b36p-7,
      0x1.6c16c18475fabp-10, 0x1.a01a012fed2ccp-13, 0x1.a019996298f69p-16, 0x1.71df18f7ae04fp-19,
      0x1.28adf8e7fd996p-22, 0x1.ad92d1c916701p-26};
  static constexpr double kExpm1Series[] = {0x1p-1,
                                            0x1.5555555555554p-3,
                                            0x1.55555555555dp-5,
                                            0x1.1111111111a6ap-7,
                                            0x1.6c16c16bc536cp-10,
                                            0x1.a01a019c26fb8p-13,
                                            0x1.a01a03f46e575p-16,
                                            0x1.71de3c40cb66p-19,
                                            0x1.27ddd08d3812p-22,
                                            0x1.aebe92c37fe68p-26,
                                            0x1.2ef3be90b22bp-29};
};

}  // namespace stator::compiler::math

#endif  // STATOR_COMPILER_MATH_CONSTANTS_EXPONENTIAL_H_
