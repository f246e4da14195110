#ifndef STATOR_COMPILER_MATH_CONSTANTS_LOG_GAMMA_H_
#define STATOR_COMPILER_MATH_CONSTANTS_LOG_GAMMA_H_

#include <cstdint>

namespace stator::compiler::math {

// Constants and polynomials of lgamma. Series list their coefficients in
// ascending order; each number is exact in its format.
template <typename S>
struct LogGammaConstants;

template <>
struct LogGammaConstants<float> {
  // lgamma at 1, 1.5, ..., 4.5.
  static constexpr float kAtCenter[] = {0.0f,           -0x1.eeb95cp-4f, 0.0f,
                                        0x1.2383e8p-2f, 0x1.62e43p-1f,   0x1.337302p0f,
                                        0x1.cab0cp0f,   0x1.3a140ap1f};
  // lgamma(c+d) = lgamma(c) + d series(d). Row k holds coefficient k of all pieces.
  static constexpr float kSeries[][8] = {
      {-0x1.2788dp-1f, 0x1.2aed06p-5f, 0x1.b0ee6p-2f, 0x1.680426p-1f, 0x1.d8773p-1f, 0x1.1a687ap0f,
       0x1.4190eep0f, 0x1.638d0cp0f},
      {0x1.a51a66p-1f, 0x1.de9e64p-2f, 0x1.4a34ccp-2f, 0x1.f62058p-3f, 0x1.946998p-3f,
       0x1.52494ep-3f, 0x1.22a27cp-3f, 0x1.fd6396p-4f},
      {-0x1.9a4f5p-2f, -0x1.1ae574p-3f, -0x1.13e006p-4f, -0x1.427f4ep-5f, -0x1.a4d55cp-6f,
       -0x1.27781ep-6f, -0x1.b51fa8p-7f, -0x1.502eacp-7f},
      {0x1.1514eap-2f, 0x1.e0f87cp-5f, 0x1.513232p-6f, 0x1.31b4c6p-7f, 0x1.44c8acp-8f,
       0x1.7ff6b4p-9f, 0x1.ea0c8cp-10f, 0x1.4b33e2p-10f},
      {-0x1.a7809cp-3f, -0x1.da1b82p-6f, -0x1.e3f248p-8f, -0x1.56af6ep-9f, -0x1.29ab82p-10f,
       -0x1.29133p-11f, -0x1.47aefap-12f, -0x1.85bb6ap-13f},
      {0x1.5a26bcp-3f, 0x1.f97fbp-7f, 0x1.7acccp-9f, 0x1.a545ep-11f, 0x1.2c3e68p-12f,
       0x1.fb170cp-14f, 0x1.e42f92p-15f, 0x1.fb47eap-16f},
      {-0x1.45a64ep-3f, -0x1.26e446p-7f, -0x1.401d38p-10f, -0x1.16485ep-12f, -0x1.44dfa4p-14f,
       -0x1.cfeae4p-16f, -0x1.7f508ep-17f, -0x1.61b5bap-18f},
      {0x1.1ca062p-3f, 0x1.543212p-8f, 0x1.11d958p-11f, 0x1.78a542p-14f, 0x1.6aa486p-16f,
       0x1.b7caa2p-18f, 0x1.3b637ap-19f, 0x1.00dd5cp-20f},
  };
  // Corrections of the Stirling formula, in 1/x^2.
  static constexpr float kStirlingSeries[] = {0x1.555554p-4f, -0x1.6c027ep-9f, 0x1.8caf58p-11f};
  // (log(2 pi) - 1) / 2.
  static constexpr float kStirlingConstant = 0x1.acfe3ap-2f;
  static constexpr float kLogPi = 0x1.250d04p0f;
  // sin(pi f) = f series(f^2).
  static constexpr float kSinPiSeries[] = {0x1.921fb6p1f,   -0x1.4abbcep2f, 0x1.466bcp1f,
                                           -0x1.32d12ep-1f, 0x1.501408p-4f, -0x1.cc9b6p-8f};
};

template <>
struct LogGammaConstants<double> {
  static constexpr double kAtCenter[] = {0.0,
                                         -0x1.eeb95b094c191p-4,
                                         0.0,
                                         0x1.2383e809a67e8p-2,
                                         0x1.62e42fefa39efp-1,
                                         0x1.3373018970a36p0,
                                         0x1.cab0bfa2a2002p0,
                                         0x1.3a140a3a623cbp1};
  static constexpr double kSeries[][8] = {
      {-0x1.2788cfc6fb619p-1, 0x1.2aed059bd608ap-5, 0x1.b0ee6072093cep-2, 0x1.680425af12b5ep-1,
       0x1.d8773039049e7p-1, 0x1.1a68793defc15p0, 0x1.4190ed71d7a49p0, 0x1.638d0b871453ap0},
      {0x1.a51a6625307d4p-1, 0x1.de9e64df22ef3p-2, 0x1.4a34cc4a60fa6p-2, 0x1.f62057f7296c9p-3,
       0x1.94699894c1f4dp-3, 0x1.52494db9b8c8cp-3, 0x1.22a27c22fad85p-3, 0x1.fd639639f967bp-4},
      {-0x1.9a4d55beab2d8p-2, -0x1.1ae55b180726cp-3, -0x1.13e001a557607p-4, -0x1.427f4cc53f5fp-5,
       -0x1.a4d55beab2d6fp-6, -0x1.27781d4bb093ap-6, -0x1.b51fa807f70fep-7, -0x1.502eac88f330bp-7},
      {0x1.151322ac7d397p-2, 0x1.e0f840dad61d7p-5, 0x1.51322ac7d8483p-6, 0x1.31b4c4359dfe5p-7,
       0x1.44c8ab1f6120ep-8, 0x1.7ff6b372ef93bp-9, 0x1.ea0c8ce2a7476p-10, 0x1.4b33e11647379p-10},
      {-0x1.a8b9c17aa5857p-3, -0x1.da59d5374a54p-6, -0x1.e404fc218f5f1p-8, -0x1.56b48947b3c37p-9,
       -0x1.29ad8a1fd716p-10, -0x1.29143cf153aa7p-11, -0x1.47afa062b4a07p-12,
       -0x1.85bbe1d4addd6p-13},
      {0x1.5b40cb10b0f25p-3, 0x1.f9ca39daa9d7ep-7, 0x1.7add6eadb6c51p-9, 0x1.a54d1cabdc3cdp-11,
       0x1.2c40cac30b6d4p-12, 0x1.fb1924e598dcep-14, 0x1.e430b5d8add23p-15, 0x1.fb48a22d92b13p-16},
      {-0x1.2703a1dd8753ep-3, -0x1.1a8ba4f0eac81p-7, -0x1.38ac5c2bf8e28p-10, -0x1.123653d59f543p-12,
       -0x1.41a1307669758p-14, -0x1.cc91773747f44p-16, -0x1.7d39f12160b58p-17,
       -0x1.6034f0618cc98p-18},
      {0x1.010b365d76fe7p-3, 0x1.456f1ad5b8d1cp-8, 0x1.0b36af86353e8p-11, 0x1.72e00847c236cp-14,
       0x1.66d5f0c72dc78p-16, 0x1.b471a24b9d3a7p-18, 0x1.3992b08f31c13p-19, 0x1.ff6b3965c3d2dp-21},
      {-0x1.c8066fd0db5d2p-4, -0x1.7edb812e87517p-9, -0x1.d3fd4c76cb022p-13, -0x1.01a8f9b0dc02bp-15,
       -0x1.9c1b55f6d14ap-18, -0x1.aa5f608128804p-20, -0x1.0a33c57185079p-21,
       -0x1.7f8b6cb4cc22cp-23},
      {0x1.9a020fb488a8bp-4, 0x1.c9735ba5a89b2p-10, 0x1.a127b0fa8caaep-14, 0x1.6d28afc12d60bp-17,
       0x1.e385d5f91e31cp-20, 0x1.aa163518c57cp-22, 0x1.ceccc6e98b1b2p-24, 0x1.26c289765bee4p-25},
      {-0x1.748c5d31b314cp-4, -0x1.148a321638a1ap-10, -0x1.78de5be0695afp-15,
       -0x1.06a7f5bdf31e8p-18, -0x1.2051247dc60b1p-21, -0x1.b1439996be978p-24,
       -0x1.99b35a8f74aacp-26, -0x1.cdb66fa178fb9p-28},
      {0x1.5563df3b4aa5fp-4, 0x1.517c1e928b155p-11, 0x1.580dc925ecd1cp-16, 0x1.7e4737053ed1fp-20,
       0x1.5c3cc855c5597p-23, 0x1.be9b52bb416f2p-26, 0x1.6ff24261d262cp-28, 0x1.6f1362b185a67p-30},
      {-0x1.3b16f32ff3c9cp-4, -0x1.9efed18180a4fp-12, -0x1.3cbc90c2408bep-17, -0x1.18c7d2474b75p-21,
       -0x1.a8e50188c6099p-25, -0x1.d1678765c3ba6p-28, -0x1.4e491368b83f8p-30,
       -0x1.2762e30d04b6ap-32},
      {0x1.253fd66db8098p-4, 0x1.00cf7af36a665p-12, 0x1.2599d7e8a85e1p-18, 0x1.9f95625458a68p-23,
       0x1.055aa4cd393e8p-26, 0x1.e94f9ea4b3025p-30, 0x1.329450da8ae73p-32, 0x1.e0203dde8d47fp-35},
      {-0x1.11b44a9f5f521p-4, -0x1.3f7c711e3938dp-13, -0x1.11b504f6af562p-19, -0x1.3578efc29fb2p-24,
       -0x1.43b50052e4153p-28, -0x1.031c6a2c32ca5p-31, -0x1.1b5eb63535ccap-34,
       -0x1.896bf7026e1cep-37},
      {0x1.ed2cc59d1214dp-5, 0x1.8ca4259d64a5ap-14, 0x1.ffc94449548a4p-21, 0x1.cef67d04aef5bp-26,
       0x1.93113a86b3e86p-30, 0x1.140ca71447c75p-33, 0x1.079a51171a5b9p-36, 0x1.449551bbe6172p-39},
      {-0x1.cfeedc8b0ac0ep-5, -0x1.f1a6348da18e4p-15, -0x1.e16be2d1da76p-22, -0x1.5c1c972d561e5p-27,
       -0x1.f87dfe9ecd289p-32, -0x1.27ae27b2f7defp-35, -0x1.ed345a71dd36ap-39,
       -0x1.0d6152f5be351p-41},
      {0x1.2b1f3e6dc3cb1p-4, 0x1.638fe154fc1bdp-15, 0x1.e70ddcb274f5ap-23, 0x1.127d82e61c8b3p-28,
       0x1.46b45dc398b18p-33, 0x1.452d496f5651p-37, 0x1.d76776e308b97p-41, 0x1.c7544cdf75963p-44},
      {-0x1.1bc9551dba19cp-4, -0x1.c16605602a20dp-16, -0x1.cd7b8053638aep-24,
       -0x1.9fe31007b415cp-30, -0x1.9c27f7ee6ec21p-35, -0x1.5f3d809241e87p-39,
       -0x1.bcf4a6e803dd4p-43, -0x1.7d785a19a8a64p-46},
  };
  static constexpr double kStirlingSeries[] = {
      0x1.5555555555555p-4,  -0x1.6c16c16c16778p-9,  0x1.a01a019cb5b98p-11, -0x1.38137d526a337p-11,
      0x1.b94f961a32344p-11, -0x1.f645be04c8465p-10, 0x1.9ea9013b65339p-8,  -0x1.b3bd85f86ec01p-6,
      0x1.c362a98a34f26p-4,  -0x1.2095695d251ecp-2};
  static constexpr double kStirlingConstant = 0x1.acfe390c97d69p-2;
  static constexpr double kLogPi = 0x1.250d048e7a1bdp0;
  static constexpr double kSinPiSeries[] = {
      0x1.921fb54442d18p1,   -0x1.4abbce625be53p2,   0x1.466bc6775aae2p1,   -0x1.32d2cce62bd86p-1,
      0x1.50783487ee768p-4,  -0x1.e3074fde868b4p-8,  0x1.e8f434ceb6a7ap-12, -0x1.6fadb94bc9ce7p-16,
      0x1.aaebcf3c7d9bbp-21, -0x1.8a1b2161164b1p-26, 0x1.209d7ae5bfd37p-31};
};

}  // namespace stator::compiler::math

#endif  // STATOR_COMPILER_MATH_CONSTANTS_LOG_GAMMA_H_
