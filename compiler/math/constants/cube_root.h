#ifndef STATOR_COMPILER_MATH_CONSTANTS_CUBE_ROOT_H_
#define STATOR_COMPILER_MATH_CONSTANTS_CUBE_ROOT_H_

#include <cstdint>

namespace stator::compiler::math {

// Constants and polynomials of cbrt. Series list their coefficients in
// ascending order; each number is exact in its format.
template <typename S>
struct CubeRootConstants;

template <>
struct CubeRootConstants<float> {
  static constexpr float kThird = 0x1.555556p-2f;
  // 2^(1/3) and 2^(2/3).
  static constexpr float kInverseCbrtHalf = 0x1.428a3p0f;
  static constexpr float kInverseCbrtQuarter = 0x1.965feap-1f;
  // Keeps so few bits that the square is exact.
  static constexpr uint32_t kShortMask = 0xfffff000;
  // m^(-1/3) to 12 (26) bits.
  static constexpr float kEstimateSeries[] = {0x1.d68afp0f, -0x1.b89d7p0f, 0x1.5c5a1ap0f,
                                              -0x1.277e5ap-1f, 0x1.9751ap-4f};
  // (1-h)^(-2/3) = 1 + h series(h).
  static constexpr float kResidualSeries[] = {0x1.555556p-1f, 0x1.1c71c8p-1f};
};

template <>
struct CubeRootConstants<double> {
  static constexpr double kThird = 0x1.5555555555555p-2;
  static constexpr double kInverseCbrtHalf = 0x1.428a2f98d728bp0;
  static constexpr double kInverseCbrtQuarter = 0x1.965fea53d6e3dp-1;
  static constexpr uint64_t kShortMask = 0xfffffffff8000000;
  static constexpr double kEstimateSeries[] = {
      0x1.20f1fb3e8f8e7p1,  -0x1.0f93b6c695523p2,  0x1.faa68316dfdbp2,
      -0x1.48556472d96e5p3, 0x1.22184a0a4d77dp3,   -0x1.57f98b2801fefp2,
      0x1.0647ce5c9619p1,   -0x1.d173968c393e4p-2, 0x1.6da41e884d491p-5};
  static constexpr double kResidualSeries[] = {0x1.5555555555555p-1, 0x1.1c71c71c71c72p-1,
                                               0x1.f9add3c0ca458p-2};
};

}  // namespace stator::compiler::math

#endif  // STATOR_COMPILER_MATH_CONSTANTS_CUBE_ROOT_H_
