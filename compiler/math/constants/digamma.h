#ifndef STATOR_COMPILER_MATH_CONSTANTS_DIGAMMA_H_
#define STATOR_COMPILER_MATH_CONSTANTS_DIGAMMA_H_

#include <cstdint>

namespace stator::compiler::math {

// Constants and polynomials of digamma. Series list their coefficients in
// ascending order; each number is exact in its format.
template <typename S>
struct DigammaConstants;

template <>
struct DigammaConstants<float> {
  // digamma at 1, 1.5, ..., 4.5.
  static constexpr float kAtCenter[] = {-0x1.2788dp-1f, 0x1.2aed06p-5f, 0x1.b0ee6p-2f,
                                        0x1.680426p-1f, 0x1.d8773p-1f,  0x1.1a687ap0f,
                                        0x1.4190eep0f,  0x1.638d0cp0f};
  // digamma(c+d) = digamma(c) + d series(d). Row k holds coefficient k of all pieces.
  static constexpr float kSeries[][8] = {
      {0x1.a51a64p0f, 0x1.de9e64p-1f, 0x1.4a34ccp-1f, 0x1.f62058p-2f, 0x1.946998p-2f,
       0x1.52494ep-2f, 0x1.22a27cp-2f, 0x1.fd6396p-3f},
      {-0x1.33b9fep0f, -0x1.a85808p-2f, -0x1.9dd002p-3f, -0x1.e3bef4p-4f, -0x1.3ba004p-4f,
       -0x1.bb342cp-5f, -0x1.47d7bep-5f, -0x1.f84602p-6f},
      {0x1.1517aep0f, 0x1.e0f8d8p-3f, 0x1.51323cp-4f, 0x1.31b4c8p-5f, 0x1.44c8acp-6f,
       0x1.7ff6b4p-7f, 0x1.ea0c8ep-8f, 0x1.4b33e2p-8f},
      {-0x1.0978a4p0f, -0x1.28788ap-3f, -0x1.2e832ep-5f, -0x1.ac61b2p-7f, -0x1.7418eep-8f,
       -0x1.73594cp-9f, -0x1.999b88p-10f, -0x1.e72adap-11f},
      {0x1.030918p0f, 0x1.7af9b6p-4f, 0x1.1c112p-6f, 0x1.3bf0c2p-8f, 0x1.c25b36p-10f,
       0x1.7c503cp-11f, 0x1.6b231cp-12f, 0x1.7c7592p-13f},
      {-0x1.00bbd8p0f, -0x1.edf766p-5f, -0x1.1181fep-7f, -0x1.dfd0b6p-10f, -0x1.19692p-11f,
       -0x1.92fc58p-13f, -0x1.4d915p-14f, -0x1.342d8ap-15f},
      {0x1.240b58p0f, 0x1.580182p-5f, 0x1.1389a4p-8f, 0x1.7a1ac2p-11f, 0x1.6b9a1p-13f,
       0x1.b8a216p-15f, 0x1.3bd82ap-16f, 0x1.01278cp-17f},
      {-0x1.237f9p0f, -0x1.c76a7ap-6f, -0x1.0f8452p-9f, -0x1.27968cp-12f, -0x1.d5df74p-15f,
       -0x1.e45af2p-17f, -0x1.2db084p-18f, -0x1.b1fa4cp-20f},
  };
  // In 1/x^2.
  static constexpr float kAsymptoticSeries[] = {0x1.555552p-4f, -0x1.10ee6ap-7f, 0x1.e6c146p-9f};
  static constexpr float kPi = 0x1.921fb6p1f;
};

template <>
struct DigammaConstants<double> {
  static constexpr double kAtCenter[] = {
      -0x1.2788cfc6fb619p-1, 0x1.2aed059bd608ap-5, 0x1.b0ee6072093cep-2, 0x1.680425af12b5ep-1,
      0x1.d8773039049e7p-1,  0x1.1a68793defc15p0,  0x1.4190ed71d7a49p0,  0x1.638d0b871453ap0};
  static constexpr double kSeries[][8] = {
      {0x1.a51a6625307d3p0, 0x1.de9e64df22ef3p-1, 0x1.4a34cc4a60fa6p-1, 0x1.f62057f7296c9p-2,
       0x1.94699894c1f4dp-2, 0x1.52494db9b8c8cp-2, 0x1.22a27c22fad85p-2, 0x1.fd639639f967bp-3},
      {-0x1.33ba004f00628p0, -0x1.a85808a40aba2p-2, -0x1.9dd002780310ap-3, -0x1.e3bef327df0e7p-4,
       -0x1.3ba004f006214p-4, -0x1.bb342bf188dd7p-5, -0x1.47d7be05f94bfp-5, -0x1.f84602cd6cc91p-6},
      {0x1.151322ac7d84fp0, 0x1.e0f840dad61dap-3, 0x1.51322ac7d8483p-4, 0x1.31b4c4359dfe5p-5,
       0x1.44c8ab1f6120ep-6, 0x1.7ff6b372ef93bp-7, 0x1.ea0c8ce2a7476p-8, 0x1.4b33e11647379p-8},
      {-0x1.097418eca64bp0, -0x1.287825428e742p-3, -0x1.2e831d94f99b7p-5, -0x1.ac61ab99a0b45p-7,
       -0x1.7418eca7ccdb8p-8, -0x1.73594c2da8951p-9, -0x1.999b887b61c88p-10,
       -0x1.e72ada49d954cp-11},
      {0x1.0470984c07a26p0, 0x1.7b57ab63fedeap-4, 0x1.1c26130249124p-6, 0x1.3bf9d580e52d9p-8,
       0x1.c26130249123ep-10, 0x1.7c52dbac32a5bp-11, 0x1.6b248862825dap-12, 0x1.7c7679a22e04ep-13},
      {-0x1.02232da2f45b7p0, -0x1.ee7460a59c68p-5, -0x1.1196d0a679c9bp-7, -0x1.dfdf12b5d6d3ap-10,
       -0x1.196d0a679c46ep-11, -0x1.92ff48505ef5cp-13, -0x1.4d92b2fd349edp-14,
       -0x1.342e52555b305p-15},
      {0x1.010b36b12da15p0, 0x1.456f1ad6682b4p-5, 0x1.0b36af863973dp-8, 0x1.72e00847c297bp-11,
       0x1.66d5f0c72dd18p-13, 0x1.b471a24b9d3c4p-15, 0x1.3992b08f31c18p-16, 0x1.ff6b3965c3d2fp-18},
      {-0x1.00839e6ab3f22p0, -0x1.aeb6f153065ebp-6, -0x1.073e7b02cc246p-9, -0x1.21de18e6f713ep-12,
       -0x1.cf9ec0b5ab603p-15, -0x1.dfab4c914d8d4p-17, -0x1.2b7a3e1fb5a82p-18,
       -0x1.af7cda4b65a7p-20},
      {0x1.00412d60d845p0, 0x1.1de818d0a21e5p-6, 0x1.04b8ce96e3d61p-10, 0x1.c872dbb0720d5p-14,
       0x1.2e33a5bb97cb5p-16, 0x1.0a4de12f767d6p-18, 0x1.213ffc51f5932p-20, 0x1.70732bd3f264cp-22},
      {-0x1.00209bd36961p0, -0x1.7c3e05772b1ep-7, -0x1.0318df2fbf381p-11, -0x1.6926f1e5f71e7p-15,
       -0x1.8c6f922d12c1ep-18, -0x1.29de7997a868bp-20, -0x1.19ab4e42a1824p-22,
       -0x1.3d6d6cbf039d6p-24},
      {0x1.0010595d36ecap0, 0x1.fa3a88c668d04p-8, 0x1.020a5b383876cp-12, 0x1.1eb56a0c9c663p-16,
       0x1.052d9669b21aap-19, 0x1.4ef47e1b8750ep-22, 0x1.13f5b1cd8a855p-24, 0x1.134e8a06bad96p-26},
      {-0x1.fffe38170518p-1, -0x1.512ee35a5acbp-8, -0x1.015932d57b225p-13, -0x1.c844b4e7542e6p-18,
       -0x1.593a111c0c96cp-21, -0x1.7a241df7bb8a7p-24, -0x1.0f9b5fc26fce6p-26,
       -0x1.e000b0f35dc39p-29},
      {0x1.fff629a9173bdp-1, 0x1.c156ab674e5edp-9, 0x1.00e4a7ef7013ep-14, 0x1.6ba201df05f05p-19,
       0x1.c95e5621fc4f2p-23, 0x1.ac258fba78137p-26, 0x1.0c41bf40b0804p-28, 0x1.a41c306eec176p-31},
      {-0x1.00da679e1fe75p0, -0x1.2b8a46041403dp-9, -0x1.009a8232caec9p-15, -0x1.22219bc8a87b4p-20,
       -0x1.2f79c48b540e5p-24, -0x1.e5d553b5f897p-28, -0x1.09a8cde020c11p-30,
       -0x1.70d539a2a635fp-33},
      {0x1.00d966d0aed4ep0, 0x1.8f4fa26089616p-10, 0x1.006793531c93p-16, 0x1.cf54a657865d1p-22,
       0x1.93380a5d41f79p-26, 0x1.141ace345f93cp-29, 0x1.07a22609fa207p-32, 0x1.449b47408d526p-35},
      {-0x1.e7f135b095d17p-1, -0x1.07f2d6f430a0ap-10, -0x1.ff43f87c869afp-18,
       -0x1.71cc641588315p-23, -0x1.0bfcc3edf4398p-27, -0x1.3a253029f9953p-31,
       -0x1.0601f339049f9p-34, -0x1.1e362612fec65p-37},
      {0x1.e7f0b5d462177p-1, 0x1.5fe847deb3de9p-11, 0x1.ff1722110b0dfp-19, 0x1.278e53d315ca5p-24,
       0x1.649fd9edb44a4p-29, 0x1.65dc9d94d50bp-33, 0x1.04c2472e04f57p-36, 0x1.f98a772be456ap-40},
      {-0x1.5afa9894992e1p0, -0x1.0e4095087640ep-11, -0x1.13f6b51a570a1p-19, -0x1.f01d497c66472p-26,
       -0x1.eafa560f62b39p-31, -0x1.a20f8e51ae8a2p-35, -0x1.08a879aabe305p-38,
       -0x1.c59ff5db37a69p-42},
      {0x1.5afa875489daap0, 0x1.68540a7af685cp-12, 0x1.13ec74fdc1603p-20, 0x1.8cb43912cd6c2p-27,
       0x1.46f88cb4c51dap-32, 0x1.dcded40ab0dep-37, 0x1.07dea211a37e3p-40, 0x1.91865d5cf1ef3p-44},
  };
  static constexpr double kAsymptoticSeries[] = {
      0x1.5555555555555p-4, -0x1.111111110fc2dp-7, 0x1.041040fc63428p-8, -0x1.1111083b9d9b8p-8,
      0x1.f076e55635104p-8, -0x1.59220083160c1p-6, 0x1.4f154434569p-4,   -0x1.8db0b7720d89p-2,
      0x1.bd335998d0459p0,  -0x1.293f61253d39bp2};
  static constexpr double kPi = 0x1.921fb54442d18p1;
};

}  // namespace stator::compiler::math

#endif  // STATOR_COMPILER_MATH_CONSTANTS_DIGAMMA_H_
