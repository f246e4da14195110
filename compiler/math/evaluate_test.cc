#include "compiler/math/evaluate.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace stator::compiler {
namespace {

using Function = MathFunction;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

// The distance of two results in units in the last place; huge if only one is NaN or infinite.
template <typename S>
uint64_t UlpDistance(S a, S b) {
  using Bits = std::conditional_t<sizeof(S) == 4, int32_t, int64_t>;
  if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b) ? 0 : ~uint64_t{0};
  const auto order = [](S x) {
    const int64_t bits = std::bit_cast<Bits>(x);
    return bits < 0 ? int64_t{std::numeric_limits<Bits>::min()} - bits : bits;
  };
  const int64_t difference = order(a) - order(b);
  return difference < 0 ? -difference : difference;
}

// Exact equality, signs of zero included; all NaNs are alike.
template <typename S>
bool Same(S a, S b) {
  return (std::isnan(a) && std::isnan(b)) || (a == b && std::signbit(a) == std::signbit(b));
}

struct UmathFile {
  const char* name;
  Function function;
};

class UmathTest : public testing::TestWithParam<UmathFile> {};

template <typename S>
void ExpectWithinLimit(Function function, uint64_t input, uint64_t output, uint64_t limit) {
  using Bits = std::conditional_t<sizeof(S) == 4, uint32_t, uint64_t>;
  const S x = std::bit_cast<S>(static_cast<Bits>(input));
  const S expected = std::bit_cast<S>(static_cast<Bits>(output));
  const S result = Evaluate(function, x);
  EXPECT_LE(UlpDistance(result, expected), limit)
      << x << ": " << result << " instead of " << expected;
}

// NumPy's validation sets: type, input, correctly rounded output, allowed error in ulp.
TEST_P(UmathTest, StaysWithinItsLimit) {
  const char* data = std::getenv("STATOR_TEST_DATA");
  if (data == nullptr) GTEST_SKIP() << "STATOR_TEST_DATA names no folder with numpy_umath/";
  const std::string path =
      std::string(data) + "/numpy_umath/umath-validation-set-" + GetParam().name + ".csv";
  std::ifstream file(path);
  ASSERT_TRUE(file.is_open()) << path;
  int checked = 0;
  for (std::string line; std::getline(file, line);) {
    if (line.rfind("np.float", 0) != 0) continue;
    std::replace(line.begin(), line.end(), ',', ' ');
    std::istringstream fields(line);
    std::string type;
    uint64_t input = 0, output = 0, limit = 0;
    fields >> type >> std::hex >> input >> output >> std::dec >> limit;
    if (type == "np.float32") ExpectWithinLimit<float>(GetParam().function, input, output, limit);
    if (type == "np.float64") ExpectWithinLimit<double>(GetParam().function, input, output, limit);
    ++checked;
  }
  EXPECT_GT(checked, 100);
}

INSTANTIATE_TEST_SUITE_P(
    Numpy, UmathTest,
    testing::Values(UmathFile{"exp", Function::kExp}, UmathFile{"expm1", Function::kExpm1},
                    UmathFile{"log", Function::kLog}, UmathFile{"log1p", Function::kLog1p},
                    UmathFile{"sin", Function::kSin}, UmathFile{"tanh", Function::kTanh}),
    [](const auto& info) { return std::string(info.param.name); });

struct Point {
  Function function;
  double a;
  double result;
};

// Exact in float and double alike.
TEST(SpecialValues, OfOneArgument) {
  const Point points[] = {
      {Function::kExp, 0, 1},
      {Function::kExp, -kInfinity, 0},
      {Function::kExp, kInfinity, kInfinity},
      {Function::kExpm1, -0.0, -0.0},
      {Function::kExpm1, -kInfinity, -1},
      {Function::kExpm1, kInfinity, kInfinity},
      {Function::kLog, 1, 0},
      {Function::kLog, 0, -kInfinity},
      {Function::kLog, -0.0, -kInfinity},
      {Function::kLog, -1, kNaN},
      {Function::kLog, kInfinity, kInfinity},
      {Function::kLog1p, -0.0, -0.0},
      {Function::kLog1p, -1, -kInfinity},
      {Function::kLog1p, -1.5, kNaN},
      {Function::kLog1p, kInfinity, kInfinity},
      {Function::kSqrt, -0.0, -0.0},
      {Function::kSqrt, -1, kNaN},
      {Function::kRsqrt, 0, kInfinity},
      {Function::kRsqrt, 4, 0.5},
      {Function::kRsqrt, kInfinity, 0},
      {Function::kCbrt, -0.0, -0.0},
      {Function::kCbrt, -27, -3},
      {Function::kCbrt, -kInfinity, -kInfinity},
      {Function::kSin, -0.0, -0.0},
      {Function::kSin, kInfinity, kNaN},
      {Function::kCos, 0, 1},
      {Function::kCos, -kInfinity, kNaN},
      {Function::kTan, -0.0, -0.0},
      {Function::kTan, kInfinity, kNaN},
      {Function::kAsin, -0.0, -0.0},
      {Function::kAsin, 1.5, kNaN},
      {Function::kAcos, 1, 0},
      {Function::kAcos, -1.5, kNaN},
      {Function::kAtan, -0.0, -0.0},
      {Function::kSinh, -0.0, -0.0},
      {Function::kSinh, -kInfinity, -kInfinity},
      {Function::kCosh, 0, 1},
      {Function::kCosh, -kInfinity, kInfinity},
      {Function::kTanh, -0.0, -0.0},
      {Function::kTanh, -kInfinity, -1},
      {Function::kAsinh, -0.0, -0.0},
      {Function::kAsinh, -kInfinity, -kInfinity},
      {Function::kAcosh, 1, 0},
      {Function::kAcosh, 0.5, kNaN},
      {Function::kAcosh, kInfinity, kInfinity},
      {Function::kAtanh, -0.0, -0.0},
      {Function::kAtanh, -1, -kInfinity},
      {Function::kAtanh, 1.5, kNaN},
      {Function::kLogistic, 0, 0.5},
      {Function::kLogistic, kInfinity, 1},
      {Function::kLogistic, -kInfinity, 0},
      {Function::kErf, -0.0, -0.0},
      {Function::kErf, kInfinity, 1},
      {Function::kErfc, 0, 1},
      {Function::kErfc, -kInfinity, 2},
      {Function::kErfc, kInfinity, 0},
      {Function::kErfInv, -0.0, -0.0},
      {Function::kErfInv, -1, -kInfinity},
      {Function::kErfInv, 1.5, kNaN},
      {Function::kLgamma, 1, 0},
      {Function::kLgamma, 2, 0},
      {Function::kLgamma, 0, kInfinity},
      {Function::kLgamma, -3, kInfinity},
      {Function::kLgamma, -kInfinity, kInfinity},
      {Function::kDigamma, 0, -kInfinity},
      {Function::kDigamma, -0.0, kInfinity},
      {Function::kDigamma, -3, kNaN},
      {Function::kDigamma, kInfinity, kInfinity},
      {Function::kFloor, -0.5, -1},
      {Function::kCeil, -0.5, -0.0},
      {Function::kRoundNearestEven, 2.5, 2},
      {Function::kRoundNearestEven, -3.5, -4},
      {Function::kRoundNearestAfz, 2.5, 3},
      {Function::kRoundNearestAfz, -0.25, -0.0},
      {Function::kRoundNearestAfz, kInfinity, kInfinity},
      {Function::kSign, -0.0, -0.0},
      {Function::kSign, -kInfinity, -1},
      {Function::kAbs, -kInfinity, kInfinity},
  };
  for (const Point& point : points) {
    const float f32 = Evaluate(point.function, static_cast<float>(point.a));
    const double f64 = Evaluate(point.function, point.a);
    EXPECT_TRUE(Same(f32, static_cast<float>(point.result)))
        << MathFunctionName(point.function) << '(' << point.a << ") = " << f32 << " in float";
    EXPECT_TRUE(Same(f64, point.result))
        << MathFunctionName(point.function) << '(' << point.a << ") = " << f64 << " in double";
  }
}

TEST(SpecialValues, NaNGivesNaN) {
  for (int i = 0; i < kMathFunctionCount; ++i) {
    const auto function = static_cast<Function>(i);
    EXPECT_TRUE(std::isnan(Evaluate(function, std::nanf(""), 2.0f))) << MathFunctionName(function);
    EXPECT_TRUE(std::isnan(Evaluate(function, kNaN, 2.0))) << MathFunctionName(function);
    if (MathFunctionArity(function) == 1) continue;
    EXPECT_TRUE(std::isnan(Evaluate(function, 2.0f, std::nanf("")))) << MathFunctionName(function);
    EXPECT_TRUE(std::isnan(Evaluate(function, 2.0, kNaN))) << MathFunctionName(function);
  }
}

template <typename S>
std::vector<S> SpecialNumbers() {
  using Limits = std::numeric_limits<S>;
  std::vector<S> numbers;
  for (S x : {S(0), S(0.5), S(1), S(1.5), S(2), S(3), S(1e10), Limits::min(), Limits::denorm_min(),
              Limits::max(), Limits::infinity(), S(0x1p23) + 1, S(0x1p52) + 1, S(0x1.8p-100)}) {
    numbers.push_back(x);
    numbers.push_back(-x);
  }
  return numbers;
}

template <typename S>
S NumberOfRandomBits(std::mt19937_64& random) {
  return std::bit_cast<S>(
      static_cast<std::conditional_t<sizeof(S) == 4, uint32_t, uint64_t>>(random()));
}

template <typename S>
class ExactTest : public testing::Test {};
using FloatTypes = testing::Types<float, double>;
TYPED_TEST_SUITE(ExactTest, FloatTypes);

TYPED_TEST(ExactTest, RemainderEqualsFmod) {
  using S = TypeParam;
  const auto check = [](S x, S y) {
    const S result = Evaluate(Function::kRemainder, x, y);
    EXPECT_TRUE(Same(result, std::fmod(x, y))) << x << " rem " << y << " = " << result;
  };
  for (S x : SpecialNumbers<S>()) {
    for (S y : SpecialNumbers<S>()) check(x, y);
  }
  std::mt19937_64 random(1);
  for (int i = 0; i < 20000; ++i)
    check(NumberOfRandomBits<S>(random), NumberOfRandomBits<S>(random));
  // Quotients near integers.
  for (int i = 0; i < 20000; ++i) {
    const S y = NumberOfRandomBits<S>(random);
    check(y * static_cast<S>(random() % (1 << 24)), y);
  }
}

TYPED_TEST(ExactTest, RoundingEqualsTheStandardLibrary) {
  using S = TypeParam;
  std::vector<S> numbers = SpecialNumbers<S>();
  std::mt19937_64 random(2);
  for (int i = 0; i < 10000; ++i)
    numbers.push_back(static_cast<S>(static_cast<int>(random() % 4001) - 2000) / 4);
  numbers.push_back(std::nextafter(S(0.5), S(0)));
  for (S x : numbers) {
    EXPECT_TRUE(Same(Evaluate(Function::kFloor, x), std::floor(x))) << x;
    EXPECT_TRUE(Same(Evaluate(Function::kCeil, x), std::ceil(x))) << x;
    EXPECT_TRUE(Same(Evaluate(Function::kRoundNearestEven, x), std::nearbyint(x))) << x;
    EXPECT_TRUE(Same(Evaluate(Function::kRoundNearestAfz, x), std::round(x))) << x;
  }
}

TYPED_TEST(ExactTest, MaximumAndMinimumOrderZeros) {
  using S = TypeParam;
  EXPECT_TRUE(Same(Evaluate(Function::kMaximum, S(-0.0), S(0)), S(0)));
  EXPECT_TRUE(Same(Evaluate(Function::kMaximum, S(0), S(-0.0)), S(0)));
  EXPECT_TRUE(Same(Evaluate(Function::kMinimum, S(-0.0), S(0)), S(-0.0)));
  EXPECT_TRUE(Same(Evaluate(Function::kMinimum, S(0), S(-0.0)), S(-0.0)));
  EXPECT_EQ(Evaluate(Function::kMaximum, S(-1), S(2)), S(2));
  EXPECT_EQ(Evaluate(Function::kMinimum, S(-1), S(2)), S(-1));
}

// C Annex F: pow is defined for nearly every pair of special values.
TYPED_TEST(ExactTest, PowFollowsAnnexF) {
  using S = TypeParam;
  for (S x : SpecialNumbers<S>()) {
    for (S y : SpecialNumbers<S>()) {
      const S expected = std::pow(x, y);
      const S result = Evaluate(Function::kPow, x, y);
      EXPECT_LE(UlpDistance(result, expected), 2u) << x << '^' << y << " = " << result;
      EXPECT_EQ(std::signbit(result) && !std::isnan(result),
                std::signbit(expected) && !std::isnan(expected));
    }
  }
}

TYPED_TEST(ExactTest, Atan2FollowsAnnexF) {
  using S = TypeParam;
  for (S y : SpecialNumbers<S>()) {
    for (S x : SpecialNumbers<S>()) {
      const S result = Evaluate(Function::kAtan2, y, x);
      EXPECT_LE(UlpDistance(result, std::atan2(y, x)), 1u) << y << ", " << x << ": " << result;
      EXPECT_EQ(std::signbit(result), std::signbit(y));
    }
  }
}

struct Accuracy {
  Function function;
  long double (*reference)(long double);
  double lowest;
  double highest;
  double limit_f32;  // ulp
  double limit_f64;
};

long double Rsqrt(long double x) { return 1 / std::sqrt(x); }
long double Logistic(long double x) { return 1 / (1 + std::exp(-x)); }

class AccuracyTest : public testing::TestWithParam<Accuracy> {};

template <typename S>
double LargestError(const Accuracy& p) {
  std::mt19937_64 random(7);
  double largest = 0;
  for (int i = 0; i < 100000; ++i) {
    const double unit = static_cast<double>(random() >> 11) * 0x1p-53;
    const S x = static_cast<S>(p.lowest + (p.highest - p.lowest) * unit);
    const long double exact = p.reference(x);
    const int exponent = std::max(std::ilogb(exact), std::numeric_limits<S>::min_exponent - 1);
    const long double ulp = std::ldexp(1.0L, exponent + 1 - std::numeric_limits<S>::digits);
    largest =
        std::max(largest, static_cast<double>(std::fabs(Evaluate(p.function, x) - exact) / ulp));
  }
  return largest;
}

TEST_P(AccuracyTest, StaysWithinItsBound) {
  EXPECT_LE(LargestError<float>(GetParam()), GetParam().limit_f32);
  EXPECT_LE(LargestError<double>(GetParam()), GetParam().limit_f64);
}

INSTANTIATE_TEST_SUITE_P(
    Sampled, AccuracyTest,
    testing::Values(Accuracy{Function::kExp, std::exp, -86, 88, 0.78, 0.76},
                    Accuracy{Function::kExpm1, std::expm1, -20, 80, 1.32, 1.36},
                    Accuracy{Function::kExpm1, std::expm1, -0.5, 0.5, 1.32, 1.36},
                    Accuracy{Function::kLog, std::log, 0.01, 2, 0.90, 0.95},
                    Accuracy{Function::kLog, std::log, 2, 1e30, 0.90, 0.95},
                    Accuracy{Function::kLog1p, std::log1p, -0.99, 4, 0.90, 1.01},
                    Accuracy{Function::kSqrt, std::sqrt, 0, 1e6, 0.501, 0.501},
                    Accuracy{Function::kRsqrt, Rsqrt, 1e-6, 10, 0.51, 0.51},
                    Accuracy{Function::kCbrt, std::cbrt, -1e6, 1e6, 0.53, 0.505},
                    Accuracy{Function::kSin, std::sin, -100, 100, 0.88, 0.87},
                    Accuracy{Function::kSin, std::sin, 1e17, 1e18, 0.88, 0.87},
                    Accuracy{Function::kCos, std::cos, -100, 100, 0.88, 0.87},
                    Accuracy{Function::kCos, std::cos, 1e17, 1e18, 0.88, 0.87},
                    Accuracy{Function::kTan, std::tan, -100, 100, 1.92, 1.39},
                    Accuracy{Function::kTan, std::tan, 1e17, 1e18, 1.92, 1.39},
                    Accuracy{Function::kAsin, std::asin, -1, 1, 1.18, 1.22},
                    Accuracy{Function::kAcos, std::acos, -1, 1, 1.14, 1.19},
                    Accuracy{Function::kAtan, std::atan, -10, 10, 1.20, 1.17},
                    Accuracy{Function::kSinh, std::sinh, -10, 10, 1.41, 1.43},
                    Accuracy{Function::kCosh, std::cosh, -10, 10, 1.43, 1.43},
                    Accuracy{Function::kTanh, std::tanh, -5, 5, 1.46, 1.46},
                    Accuracy{Function::kAsinh, std::asinh, -10, 10, 1.71, 1.72},
                    Accuracy{Function::kAcosh, std::acosh, 1, 10, 2.08, 2.15},
                    Accuracy{Function::kAtanh, std::atanh, -1, 1, 2.02, 1.94},
                    Accuracy{Function::kLogistic, Logistic, -20, 20, 1.50, 1.50},
                    Accuracy{Function::kErf, std::erf, -4, 4, 0.92, 0.95},
                    Accuracy{Function::kErfc, std::erfc, -3, 9, 2.86, 2.86},
                    Accuracy{Function::kLgamma, std::lgamma, 0.1, 50, 2.55, 2.74}),
    [](const auto& info) {
      return std::to_string(info.index) + "_" + std::string(MathFunctionName(info.param.function));
    });

TEST(Accuracy, ErfInvInvertsErf) {
  for (double x = -0.999; x < 1; x += 0.001) {
    // The error of erf's argument counts by the slope of erf.
    const double y = Evaluate(Function::kErfInv, x);
    const long double slope = 2 / std::sqrt(M_PIl) * std::exp(-static_cast<long double>(y) * y);
    const long double error = (std::erf(static_cast<long double>(y)) - x) / slope;
    EXPECT_LE(std::fabs(error), 3.0L * std::ldexp(1.0L, std::ilogb(y) - 52)) << x;
  }
}

TEST(Accuracy, DigammaObeysItsRecurrence) {
  for (double x = 0.05; x < 20; x += 0.01) {
    const double difference = Evaluate(Function::kDigamma, x + 1) - Evaluate(Function::kDigamma, x);
    EXPECT_NEAR(difference, (1 / x), 1e-14 + 1e-15 / x) << x;
  }
  // Minus Euler's constant.
  EXPECT_LE(UlpDistance(Evaluate(Function::kDigamma, 1.0), -0.57721566490153286061), 2u);
}

template <typename S>
std::vector<S> NumbersAroundSixteenBits() {
  std::mt19937_64 random(3);
  std::vector<S> numbers = SpecialNumbers<S>();
  for (int i = 0; i < 200000; ++i) {
    // A 16-bit number, a midpoint between two of them, or one of their neighbors.
    const bool half = random() % 2 == 0;
    const uint16_t bits = static_cast<uint16_t>(random());
    S x = half ? FloatFromHalf(bits) : FloatFromBfloat16(bits);
    if (random() % 2 == 0) {
      const uint16_t next = bits + 1;
      x = (x + S(half ? FloatFromHalf(next) : FloatFromBfloat16(next))) / 2;
    }
    if (random() % 2 == 0) x = std::nextafter(x, random() % 2 == 0 ? S(kInfinity) : S(-kInfinity));
    numbers.push_back(x);
  }
  return numbers;
}

TYPED_TEST(ExactTest, SixteenBitRoundingIsToNearestEven) {
  using S = TypeParam;
  for (S x : NumbersAroundSixteenBits<S>()) {
    if (std::isnan(x)) continue;
    EXPECT_EQ(HalfFromFloat(x), std::bit_cast<uint16_t>(static_cast<_Float16>(x))) << x;
    // Nothing lies nearer than the result, and at equal distance its last bit is zero.
    const uint16_t result = Bfloat16FromFloat(x);
    const double value = FloatFromBfloat16(result);
    if (std::isinf(value)) {
      EXPECT_GE(std::fabs(static_cast<double>(x)), 0x1.ffp127) << x;
      continue;
    }
    const double distance = std::fabs(value - x);
    for (int step : {-1, 1}) {
      const double neighbor = FloatFromBfloat16(static_cast<uint16_t>(result + step));
      const double other = std::isinf(neighbor) ? std::copysign(0x1p128, neighbor) : neighbor;
      EXPECT_TRUE(distance < std::fabs(other - x) || std::isnan(neighbor) ||
                  (distance == std::fabs(other - x) && result % 2 == 0))
          << x << " became " << value;
    }
  }
}

TEST(SixteenBits, ExtendExactly) {
  for (uint32_t bits = 0; bits <= 0xffff; ++bits) {
    const auto half = static_cast<uint16_t>(bits);
    EXPECT_TRUE(Same(FloatFromHalf(half), static_cast<float>(std::bit_cast<_Float16>(half))))
        << bits;
    EXPECT_TRUE(Same(FloatFromBfloat16(half), std::bit_cast<float>(bits << 16))) << bits;
  }
}

TEST(SixteenBits, NaNStaysNaN) {
  for (uint32_t bits : {0x7f800001u, 0xff800001u, 0x7fffffffu}) {
    const float nan = std::bit_cast<float>(bits);
    EXPECT_TRUE(std::isnan(FloatFromHalf(HalfFromFloat(nan))));
    EXPECT_TRUE(std::isnan(FloatFromBfloat16(Bfloat16FromFloat(nan))));
    EXPECT_TRUE(std::isnan(FloatFromBfloat16(Bfloat16FromFloat(static_cast<double>(nan)))));
  }
}

TEST(IntegerDivision, DefinesEveryCase) {
  EXPECT_EQ(IntegerQuotient<int32_t>(-7, 2), -3);
  EXPECT_EQ(IntegerRemainder<int32_t>(-7, 2), -1);
  EXPECT_EQ(IntegerQuotient<int32_t>(7, 0), -1);
  EXPECT_EQ(IntegerRemainder<int32_t>(7, 0), 7);
  EXPECT_EQ(IntegerQuotient<uint8_t>(7, 0), 255);
  EXPECT_EQ(IntegerQuotient<int64_t>(INT64_MIN, -1), INT64_MIN);
  EXPECT_EQ(IntegerRemainder<int64_t>(INT64_MIN, -1), 0);
  EXPECT_EQ(IntegerQuotient<int8_t>(INT8_MIN, -1), INT8_MIN);
  EXPECT_EQ(IntegerQuotient<uint8_t>(200, 255), 0);
}

TEST(Names, FindTheirFunctions) {
  for (int i = 0; i < kMathFunctionCount; ++i) {
    const auto function = static_cast<Function>(i);
    EXPECT_EQ(FindMathFunction(MathFunctionName(function)), function);
  }
  EXPECT_EQ(FindMathFunction("dot_general"), std::nullopt);
}

}  // namespace
}  // namespace stator::compiler
