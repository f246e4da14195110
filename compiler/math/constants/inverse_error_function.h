#ifndef STATOR_COMPILER_MATH_CONSTANTS_INVERSE_ERROR_FUNCTION_H_
#define STATOR_COMPILER_MATH_CONSTANTS_INVERSE_ERROR_FUNCTION_H_

#include <cstdint>

namespace stator::compiler::math {

// Constants and polynomials of erf_inv. Series list their coefficients in
// ascending order; each number is exact in its format.
template <typename S>
struct InverseErrorFunctionConstants;

template <>
struct InverseErrorFunctionConstants<float> {
  static constexpr float kMinusPieceWidth = -0x1.19999ap-1f;
  static constexpr float kPiecesPerUnit = 0x1.d1745cp0f;
  // erf_inv x = x series(s - center), s = sqrt(-log(1-x^2)). Row k holds coefficient k of all
  // pieces.
  static constexpr float kSeries[][8] = {
      {0x1.c5bf8ap-1f, 0x1.ea30a2p-1f, 0x1.2df948p0f, 0x1.8e5a64p0f, 0x1.05d0c8p1f, 0x1.4aa96p1f,
       0x1.912c34p1f, 0x1.d81d34p1f},
      {0.0f, 0x1.0c7996p-2f, 0x1.18d202p-1f, 0x1.9d48ccp-1f, 0x1.e6afc8p-1f, 0x1.fd7bep-1f,
       0x1.017a16p0f, 0x1.02513cp0f},
      {0x1.db29fap-3f, 0x1.ff5d1p-3f, 0x1.0d163p-2f, 0x1.869114p-3f, 0x1.30829ep-4f, 0x1.262802p-6f,
       0x1.3d6de6p-8f, 0x1.bd4cdcp-10f},
      {0.0f, 0x1.1c7f4ap-6f, -0x1.88e50ep-7f, -0x1.221214p-4f, -0x1.cdefd4p-5f, -0x1.066d5ap-6f,
       -0x1.af988cp-9f, -0x1.1e650ep-10f},
      {0x1.7a7a7cp-7f, 0x1.aa4f3cp-12f, -0x1.bb32b4p-6f, -0x1.e108f4p-7f, 0x1.5b0a88p-6f,
       0x1.7911e4p-7f, 0x1.13ad76p-9f, 0x1.c57f2p-12f},
      {0.0f, -0x1.0fca9ep-7f, -0x1.ebcfb4p-8f, 0x1.08f9eap-6f, 0x1.bb5fdp-9f, -0x1.709868p-8f,
       -0x1.74864ep-10f, -0x1.8904d8p-13f},
      {-0x1.348e36p-9f, -0x1.3d17d4p-9f, 0x1.40dbep-8f, 0x1.e43626p-9f, -0x1.bd383cp-8f,
       0x1.b86aa6p-11f, 0x1.b78d38p-11f, 0x1.cc4218p-14f},
      {0.0f, 0x1.c0f366p-12f, 0x1.7d32a2p-9f, -0x1.24b664p-8f, 0x1.46cacap-10f, 0x1.ed75d4p-11f,
       -0x1.5cbdfap-12f, -0x1.12c09ap-14f},
  };
};

template <>
struct InverseErrorFunctionConstants<double> {
  static constexpr double kMinusPieceWidth = -0x1.9eb851eb851ecp-1;
  static constexpr double kPiecesPerUnit = 0x1.3c0ca4587e6b7p0;
  static constexpr double kSeries[][8] = {
      {0x1.c5bf891b4ef6bp-1, 0x1.0af15a4f12ecep0, 0x1.8832c037b7547p0, 0x1.22392ca395ee4p1,
       0x1.897360ce634d7p1, 0x1.f1f416c437cf2p1, 0x1.2d5771ff68387p2, 0x1.61b559d6914e2p2},
      {0.0, 0x1.94da9d5bb6f1p-2, 0x1.97542d8d8d84dp-1, 0x1.f427460a02f45p-1, 0x1.0151899ba5a1p0,
       0x1.0275fd522d55cp0, 0x1.02a4b5fe50254p0, 0x1.0288c9d4df7e7p0},
      {0x1.db29fb2fee5e4p-3, 0x1.0c11996405a53p-2, 0x1.9372e9f86f2f8p-3, 0x1.5a8838bc6d4aep-5,
       0x1.6776676b2d92ap-8, 0x1.2950e4e7c95c1p-10, -0x1.46560eb4beabdp-15, -0x1.b2385a1d1d56ep-12},
      {0.0, 0x1.75dfff2dd2556p-7, -0x1.1a4396d3b4c17p-4, -0x1.2c1e4b4bc3967p-5,
       -0x1.f8f6ebbb511fdp-9, -0x1.a76c41406a966p-11, -0x1.126b98056a8dbp-12,
       -0x1.47b5a9189a296p-14},
      {0x1.7a72e72c1ef93p-7, -0x1.9873e38bed9e6p-7, -0x1.17800e235de86p-6, 0x1.4cf4b334572f2p-6,
       0x1.51cfc7668a25fp-9, 0x1.33b24270f9cc2p-12, 0x1.7e8adb173b0d6p-14, 0x1.10cbd0ce26edfp-15},
      {0.0, -0x1.689e958b14e7ap-7, 0x1.f89477dfc9ba4p-7, -0x1.07284b669796p-8,
       -0x1.c9c2d29c3e617p-10, -0x1.aef3f50cdb8edp-14, -0x1.91802d4ca73ecp-16,
       -0x1.101971ec5d7b9p-17},
      {-0x1.3211025e2b262p-9, -0x1.0cac40dc2e124p-11, 0x1.3bf146d763dfdp-8, -0x1.b3d79d7399922p-9,
       0x1.006e1f228a52p-10, 0x1.7daf72433937p-15, 0x1.7ab6c3ee8e3dp-18, 0x1.cef229cfe5b42p-20},
      {0.0, 0x1.f57de9222fe33p-10, -0x1.1bc4772a52be3p-8, 0x1.5dacc44a4104ap-9,
       -0x1.76094715cf99ep-12, -0x1.b1716366f1915p-16, -0x1.5f6978b523ae4p-20,
       -0x1.6b4192b130595p-22},
      {-0x1.0c86b7e85a156p-13, 0x1.be209a8b63149p-11, -0x1.96e94da0ffa66p-10, -0x1.76e9231cea1dp-13,
       0x1.28770f5cae925p-16, 0x1.f7856f206104p-17, 0x1.7623232986e4cp-22, 0x1.0f05f7e0577f8p-24},
      {0.0, -0x1.df4e08df7d52fp-16, 0x1.31cfefa13a94bp-10, -0x1.663612be1a3ap-11,
       0x1.328c2fb744825p-14, -0x1.f303ce89ac4dap-18, -0x1.18236647274f8p-23,
       -0x1.87ff970a6efa5p-27},
      {0x1.870129f88fef8p-15, -0x1.bb22818c4b3fap-13, 0x1.19a0d269bb19ep-11, 0x1.40fbd8f8688e1p-12,
       -0x1.9848f491c9a75p-15, 0x1.70ef3b612bde2p-19, 0x1.1b114829447bep-24, 0x1.1c18c6f5aca3bp-29},
      {0.0, -0x1.5cec6a1a9c0d6p-14, -0x1.3cd156c66fa9cp-12, 0x1.3fc74841f6c7bp-14,
       0x1.9588f1f472135p-17, -0x1.210134495ded5p-21, -0x1.2f0ae410206bcp-25,
       -0x1.c951c00b5dcafp-32},
      {0x1.0f37ff75d82f6p-19, 0x1.69911abbb834ep-17, -0x1.815b51b199687p-13, -0x1.cc24c24867b8bp-14,
       0x1.d0f23b72b1a5p-19, -0x1.2c249596a5e6ap-23, 0x1.262d6b06710cfp-26, 0x1.f9858e53bfa8dp-34},
      {0.0, 0x1.8ec4975f72f15p-16, 0x1.33e84967a15ecp-14, 0x1.24d5c9e7e17f7p-16,
       -0x1.1b3ad5854b637p-18, 0x1.7f6cd127fe54cp-23, -0x1.e16571c9b93f2p-28,
       -0x1.9c0d1d9dddd8fp-35},
      {-0x1.1118d070a2d78p-20, 0x1.115e95cf30178p-17, 0x1.f7dc84556e971p-15, 0x1.7f6d7beef47d8p-16,
       0x1.8e8d9f8266482p-20, -0x1.5d82bdb847f4bp-24, 0x1.316987e611629p-29, 0x1.962fcb77329c2p-36},
      {0.0, -0x1.2efc4b4a974d1p-19, -0x1.e61998059cb1ap-17, -0x1.565e545c0d723p-17,
       0x1.c5de47c2a15efp-24, 0x1.096bd901a9158p-26, -0x1.9b3f54ac10932p-32,
       -0x1.ba2c5cdca555cp-37},
      {-0x1.67479b2df34f9p-26, -0x1.4de6915edb1a2p-19, -0x1.0a094a9e6f3d1p-16,
       -0x1.1236e1ce32699p-19, -0x1.2a37ab6d0f5eep-22, 0x1.9d6c50a79f07ap-29,
       -0x1.136322923f7ecp-34, 0x1.767efb180bd58p-38},
  };
};

}  // namespace stator::compiler::math

#endif  // STATOR_COMPILER_MATH_CONSTANTS_INVERSE_ERROR_FUNCTION_H_
