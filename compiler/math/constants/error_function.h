#ifndef STATOR_COMPILER_MATH_CONSTANTS_ERROR_FUNCTION_H_
#define STATOR_COMPILER_MATH_CONSTANTS_ERROR_FUNCTION_H_

#include <cstdint>

namespace stator::compiler::math {

// Constants and polynomials of erf and erfc. Series list their coefficients in
// ascending order; each number is exact in its format.
template <typename S>
struct ErrorFunctionConstants;

template <>
struct ErrorFunctionConstants<float> {
  // Beyond this erf is 1.
  static constexpr float kErfHighest = 4.0f;
  // Pieces per unit of x.
  static constexpr float kErfPiecesPerUnit = 0x1.c71c72p0f;
  // Centers moved until erf(center) is almost a machine number.
  static constexpr float kErfCenter[] = {0.0f,          0x1.200636p-1f, 0x1.207b9ep0f,
                                         0x1.aface6p0f, 0x1.205704p1f,  0x1.67ca3ap1f,
                                         0x1.afad88p1f, 0x1.f85b7ap1f};
  static constexpr float kErfAtCenter[] = {0.0f,           0x1.25bdc4p-1f, 0x1.c72958p-1f,
                                           0x1.f73f88p-1f, 0x1.ff42cp-1f,  0x1.fff6c8p-1f,
                                           0x1.ffffc2p-1f, 0x1p0f};
  // erf(c+d) = erf(c) + d series(d) (piece 0: d + d series(d)). Row k holds coefficient k of all
  // pieces.
  static constexpr float kErfSeries[][8] = {
      {0x1.06eba8p-3f, 0x1.a5019p-1f, 0x1.4487f8p-2f, 0x1.0d1f98p-4f, 0x1.ce8404p-8f,
       0x1.b640f4p-12f, 0x1.b3349ap-17f, 0x1.b368ep-23f},
      {0x1.1bf958p-24f, -0x1.d9abbcp-2f, -0x1.6db5d8p-2f, -0x1.c5cdf6p-4f, -0x1.047876p-6f,
       -0x1.33f85ep-10f, -0x1.6ed1ep-15f, -0x1.9f9caap-18f},
      {-0x1.81277ep-2f, -0x1.9c1ffep-4f, 0x1.4d20e8p-3f, 0x1.a470f6p-4f, 0x1.609f9ep-6f,
       0x1.0e49b6p-9f, 0x1.8a5eb2p-14f, 0x1.1f0268p-19f},
      {-0x1.c35d96p-18f, 0x1.759b28p-3f, 0x1.c19de8p-6f, -0x1.966c3cp-5f, -0x1.36784ep-6f,
       -0x1.486fp-9f, -0x1.2e38dap-13f, 0x1.5f4e34p-13f},
      {0x1.ceec8ep-4f, -0x1.62478ap-7f, -0x1.f4c37ep-5f, 0x1.5b0d42p-9f, 0x1.5be8ep-7f,
       0x1.206642p-9f, 0x1.5bafe8p-13f, 0x1.c73f2ap-19f},
      {-0x1.2e6fc6p-10f, -0x1.72d61p-5f, 0x1.e1e1fp-7f, 0x1.80b43ap-7f, -0x1.69b7a4p-9f,
       -0x1.71d42p-10f, -0x1.4035cap-13f, -0x1.665bd4p-10f},
      {-0x1.8d2afcp-6f, 0x1.3137acp-7f, 0x1.32a066p-7f, -0x1.8a163cp-8f, -0x1.7edd1ep-11f,
       0x1.32ebf4p-11f, 0x1.c12f9p-14f, 0x1.20757p-16f},
  };
  // Beyond this erfc is 0.
  static constexpr float kErfcHighest = 0x1.5p3f;
  // Relative change of erfcx per relative change of t.
  static constexpr float kErfcRepair = 0x1.333334p0f;
  // erfcx a = t series(1-2t), t = 3/(3+a).
  static constexpr float kErfcSeries[] = {0x1.6e9828p-2f,   -0x1.2d883p-2f,  0x1.92edd2p-3f,
                                          -0x1.a7e3dcp-4f,  0x1.466714p-5f,  -0x1.251c6ap-7f,
                                          -0x1.b0ce4p-12f,  0x1.0b320cp-10f, -0x1.4b234p-13f,
                                          -0x1.9576bcp-14f, 0x1.74e6dcp-18f};
};

template <>
struct ErrorFunctionConstants<double> {
  static constexpr double kErfHighest = 0x1.7f5c28f5c28f6p2;
  static constexpr double kErfPiecesPerUnit = 0x1.4p0;
  static constexpr double kErfCenter[] = {0.0,
                                          0x1.99310994234e1p-1,
                                          0x1.99cd60d39d086p0,
                                          0x1.3369486351abcp1,
                                          0x1.99b8944e78121p1,
                                          0x1.ff87ae7c63576p1,
                                          0x1.3301bab885365p2,
                                          0x1.6642c9025c2p2};
  static constexpr double kErfAtCenter[] = {0.0,
                                            0x1.7bb6679993c6bp-1,
                                            0x1.f3ecf4ff73d5ep-1,
                                            0x1.ffa68571929c6p-1,
                                            0x1.ffff37156063cp-1,
                                            0x1.ffffff778094p-1,
                                            0x1.ffffffffe6497p-1,
                                            0x1.fffffffffffeap-1};
  static constexpr double kErfSeries[][8] = {
      {0x1.06eba8214db68p-3, 0x1.31058833a38c5p-1, 0x1.646348c99b773p-4, 0x1.ce5dfe77c01e4p-9,
       0x1.5000673a24185p-15, 0x1.18d1599852d03p-23, 0x1.f7ae1cc29fedap-34, 0x1.f43b4dc03460fp-46},
      {-0x1.5b96a24e35a1p-48, -0x1.e78c4413453afp-2, -0x1.1d4044cb9b47cp-3, -0x1.159c6fba65f76p-7,
       -0x1.0ce173eea72abp-13, -0x1.188f5bd1dc5fp-21, -0x1.2e0499bea07dcp-31,
       -0x1.5dfd7ab1e7e3bp-43},
      {-0x1.812746b0352bp-2, 0x1.c3592131974dbp-5, 0x1.ea0a456d2a556p-4, 0x1.95f3dcfe1a13p-7,
       0x1.10e4066328669p-12, 0x1.6a092e56951c1p-20, 0x1.d86e73036e63bp-30, 0x1.415a8b15ff47p-41},
      {-0x1.091708e95aac7p-35, 0x1.17f12fb280201p-3, -0x1.941ddb6e75186p-5, -0x1.8af0eb40fb53ap-7,
       -0x1.87f0d2336f469p-12, -0x1.5252d2ea3774ep-19, -0x1.0eb24c79c6ffbp-28,
       -0x1.b3b1ad740fd21p-40},
      {0x1.ce2f21dfea292p-4, -0x1.ed5f81082bd8p-5, -0x1.1a17ff5f33725p-8, 0x1.019e4fca56c5dp-7,
       0x1.a3f711444408bp-12, 0x1.e683eed801d4ep-19, 0x1.e3fa59842a0cap-28, 0x1.cf0f6426b14e4p-39},
      {-0x1.34e48f075ba54p-26, -0x1.4e5708cb3152ep-6, 0x1.fa51e3bf53a17p-7, -0x1.93ace2087c8dp-9,
       -0x1.5793ddfa160abp-12, -0x1.16ef9fbfd7e97p-18, -0x1.5ed884b0c5f73p-27,
       -0x1.8c70615f2e87bp-38},
      {-0x1.b82be6db3f40bp-6, 0x1.3748ae95386ccp-6, -0x1.8bfc04f37fb6dp-8, 0x1.fa53b3631c9e8p-13,
       0x1.ac755b3021bebp-13, 0x1.0492aab2d6ac4p-18, 0x1.a73db49603548p-27, 0x1.26bc08f989f8dp-37},
      {-0x1.2077f4df5e391p-19, 0x1.2e62f7ec652f8p-11, -0x1.d42d8d7109218p-11, 0x1.0e0192c5116bfp-11,
       -0x1.873daddd38851p-14, -0x1.911fad458c466p-19, -0x1.b06451102e338p-27,
       -0x1.bd5a5d2df0278p-37},
      {0x1.5748816165025p-8, -0x1.f1a535620655p-9, 0x1.8742ce0677291p-10, -0x1.516e59f21eb98p-12,
       0x1.beb371e66c88ep-16, 0x1.fdc93667f8289p-20, 0x1.7aa08a15521c5p-27, 0x1.91dcf9595d498p-37},
      {-0x1.1a1113fccc0f2p-14, 0x1.086ac5dae2995p-11, -0x1.4e98fa1faff1fp-12, 0x1.084dfb54e27fdp-14,
       -0x1.f06dbfedfce07p-22, -0x1.08d33586df72cp-20, -0x1.1e57a6f95625ep-27,
       0x1.1dd2a5276fd0bp-36},
      {-0x1.460087b5800b3p-11, 0x1.1f4e4b860fb68p-11, -0x1.3d7415ca2e012p-13, 0x1.a5d83b2712a67p-16,
       -0x1.125397052f3d2p-18, 0x1.b408042bc8b0dp-22, 0x1.77a69587c3955p-28, 0x1.473364959a2f4p-37},
      {-0x1.308258800763bp-11, -0x1.394cdbb866682p-13, 0x1.74290404ee8eep-14,
       -0x1.490bb0b10fcc7p-16, 0x1.2e136f6654ee4p-19, -0x1.044311bc82805p-23,
       -0x1.ac3f062006048p-29, -0x1.af5e436bf6f0bp-33},
      {0x1.29655744ccc97p-10, -0x1.eddd6c4f8ea16p-15, -0x1.c13185888119fp-22, 0x1.eec5b09e7f27bp-19,
       -0x1.1da6ee5adf12cp-21, 0x1.26ecb42ab3d25p-26, 0x1.a2323ba409eafp-30, 0x1.3b1e87da0af07p-38},
      {-0x1.34455a662350fp-10, 0x1.b9e624714bc99p-16, -0x1.8499302a737d6p-17, 0x1.63635cdb41bc2p-20,
       -0x1.c79a0cfa45af4p-25, 0x1.d97f62120e955p-28, -0x1.4ba035be36ec6p-31,
       0x1.777b20e13bb3ep-31},
      {0x1.a258bc22cfbcep-11, 0x1.242cc55838165p-18, 0x1.2bbc166817dp-19, -0x1.bec13eb671197p-21,
       0x1.7f52a5b28a69fp-24, -0x1.8104f60261d53p-28, 0x1.e5f0b27b25592p-33, 0x1.1e810641a3e95p-39},
      {-0x1.0835387fc41dcp-12, -0x1.b3ebd34c99996p-19, 0x1.bf9e1bf8be388p-21, 0x1.7a4d98fa476ep-24,
       -0x1.f0e3d77301eecp-26, 0x1.fc63be4acd301p-31, -0x1.b5ac22e2de428p-34,
       -0x1.15dabc98547dfp-30},
  };
  static constexpr double kErfcHighest = 0x1.b8p4;
  static constexpr double kErfcRepair = 0x1.3333333333333p0;
  static constexpr double kErfcSeries[] = {
      0x1.6e9827d229d2dp-2,   -0x1.2d882f67c6cf9p-2,  0x1.92ede1b27d8bap-3,   -0x1.a7e42c5727c35p-4,
      0x1.4663f61211bc3p-5,   -0x1.2506628f17dc1p-7,  -0x1.a7c5342c99137p-12, 0x1.091ed16a9c0adp-10,
      -0x1.7f4bd523922c4p-13, -0x1.82f6a516869c7p-14, 0x1.2cc3487676ab9p-15,  0x1.53ff295d2c4f5p-17,
      -0x1.86c7f4f1432ffp-18, -0x1.a8eb16ab6e4f7p-20, 0x1.ee49558e94d3ap-21,  0x1.6514ee5286de8p-22,
      -0x1.20124bc88bc2dp-23, -0x1.4abf07095c37bp-24, 0x1.cfec691ae745ep-27,  0x1.0f4688f36cf69p-26,
      0x1.679421b4545fp-31,   -0x1.11883f2112aebp-29, -0x1.0202a937c46bp-31};
};

}  // namespace stator::compiler::math

#endif  // STATOR_COMPILER_MATH_CONSTANTS_ERROR_FUNCTION_H_
