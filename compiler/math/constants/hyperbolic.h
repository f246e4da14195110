#ifndef STATOR_COMPILER_MATH_CONSTANTS_HYPERBOLIC_H_
#define STATOR_COMPILER_MATH_CONSTANTS_HYPERBOLIC_H_

#include <cstdint>

namespace stator::compiler::math {

// Constants and polynomials of sinh, cosh, tanh and their inverses. Series list their coefficients
// in ascending order; each number is exact in its format.
template <typename S>
struct HyperbolicConstants;

template <>
struct HyperbolicConstants<float> {
  // Beyond this sinh and cosh are infinite.
  static constexpr float kSinhHighest = 0x1.66p6f;
  // Moves the reduced interval towards zero.
  static constexpr float kSinhShift = -0x1.99999ap-3f;
  // sinh r = r + r^3 series(r^2).
  static constexpr float kSinhSeries[] = {0x1.555556p-3f, 0x1.110fbcp-7f, 0x1.a2b288p-13f};
  // cosh r = 1 + r^2 series(r^2).
  static constexpr float kCoshSeries[] = {0x1.000002p-1f, 0x1.5551fep-5f, 0x1.6f1f16p-10f};
  // Beyond this tanh is 1.
  static constexpr float kTanhHighest = 10.0f;
  // Below this tanh is its series: tanh x = x + x^3 series(x^2).
  static constexpr float kTanhSeriesLimit = 0x1.19999ap-1f;
  static constexpr float kTanhSeries[] = {-0x1.55554ap-2f, 0x1.110dp-3f, -0x1.b92358p-5f,
                                          0x1.5918a4p-6f, -0x1.9a79bap-8f};
  // Above this asinh x = acosh x = log x + ln 2.
  static constexpr float kInverseLarge = 0x1p30f;
};

template <>
struct HyperbolicConstants<double> {
  static constexpr double kSinhHighest = 0x1.634cccccccccdp9;
  static constexpr double kSinhShift = -0x1.999999999999ap-3;
  static constexpr double kSinhSeries[] = {0x1.5555555555555p-3,  0x1.1111111111221p-7,
                                           0x1.a01a019fcb569p-13, 0x1.71de3b04f78b3p-19,
                                           0x1.ae62bf483a4b3p-26, 0x1.62fc6651d3982p-33};
  static constexpr double kCoshSeries[] = {0x1p-1,
                                           0x1.55555555555bfp-5,
                                           0x1.6c16c16bf5972p-10,
                                           0x1.a01a02192ac35p-16,
                                           0x1.27e42ded7d54bp-22,
                                           0x1.20373713d8b0dp-29};
  static constexpr double kTanhHighest = 20.0;
  static constexpr double kTanhSeriesLimit = 0x1.199999999999ap-1;
  static constexpr double kTanhSeries[] = {
      -0x1.5555555555555p-2,  0x1.111111111108ep-3,  -0x1.ba1ba1ba125bcp-5,  0x1.664f48800b5afp-6,
      -0x1.226e34e57d339p-7,  0x1.d6d3b5b1a2c72p-9,  -0x1.7da155385b10fp-10, 0x1.353ca00dc17e3p-11,
      -0x1.f37f64626feb8p-13, 0x1.89d11333970dbp-14, -0x1.13c802146592p-15,  0x1.f0a28fbc826dfp-18};
  static constexpr double kInverseLarge = 0x1p60;
};

}  // namespace stator::compiler::math

#endif  // STATOR_COMPILER_MATH_CONSTANTS_HYPERBOLIC_H_
