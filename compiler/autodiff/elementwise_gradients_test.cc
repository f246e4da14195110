// Gradients of the elementwise primitives against finite differences, and where functions have corners.

#include <cmath>

#include "compiler/autodiff/gradient_checker.h"
#include "gtest/gtest.h"

namespace stator::compiler {
namespace {

using core::CoreBuilder;
using mlir::Value;
using mlir::ValueRange;
using Values = CoreBuilder::Values;

struct UnaryCase {
  const char* name;
  std::function<Value(CoreBuilder&, Value)> build;
  double lo = -2, hi = 2;
  int order = 2;  // how often it can be differentiated
};
void PrintTo(const UnaryCase& c, std::ostream* out) { *out << c.name; }

class UnaryGradientTest : public ::testing::TestWithParam<UnaryCase> {};

TEST_P(UnaryGradientTest, MatchesDifferences) {
  const UnaryCase& c = GetParam();
  for (int order = 1; order <= c.order; ++order) {
    GradientChecker checker;
    checker.Check({{{2, 4}, c.lo, c.hi, {}}}, [&](CoreBuilder& b, ValueRange x) { return Values{c.build(b, x[0])}; },
                  order, order == 1 ? 2e-7 : 1e-6);
  }
}

template <typename OpT>
UnaryCase Op(const char* name, double lo = -2, double hi = 2, int order = 2) {
  return {name, [](CoreBuilder& b, Value x) { return b.Unary<OpT>(x); }, lo, hi, order};
}

INSTANTIATE_TEST_SUITE_P(
    All, UnaryGradientTest,
    ::testing::Values(
        Op<core::NegateOp>("neg"), Op<core::AbsOp>("abs"), Op<core::ExponentialOp>("exp"),
        Op<core::ExponentialMinusOneOp>("expm1"), Op<core::LogOp>("log", 0.3, 3),
        Op<core::LogPlusOneOp>("log1p", -0.6, 3), Op<core::SqrtOp>("sqrt", 0.3, 3), Op<core::RsqrtOp>("rsqrt", 0.3, 3),
        Op<core::CbrtOp>("cbrt", 0.3, 3), Op<core::SineOp>("sin"), Op<core::CosineOp>("cos"),
        Op<core::TanOp>("tan", -1, 1), Op<core::AsinOp>("asin", -0.7, 0.7), Op<core::AcosOp>("acos", -0.7, 0.7),
        Op<core::AtanOp>("atan"), Op<core::SinhOp>("sinh"), Op<core::CoshOp>("cosh"), Op<core::TanhOp>("tanh"),
        Op<core::AsinhOp>("asinh"), Op<core::AcoshOp>("acosh", 1.5, 3), Op<core::AtanhOp>("atanh", -0.7, 0.7),
        Op<core::LogisticOp>("logistic"), Op<core::ErfOp>("erf"), Op<core::ErfcOp>("erfc"),
        Op<core::ErfInvOp>("erf_inv", -0.8, 0.8), Op<core::LgammaOp>("lgamma", 0.6, 4, 1),
        Op<core::SignOp>("sign", 0.5, 2), Op<core::FloorOp>("floor", 0.1, 0.9),
        Op<core::RoundNearestEvenOp>("round", 0.6, 1.4),
        UnaryCase{"convert", [](CoreBuilder& b, Value x) {
          Value whole = b.Convert(b.Mul(x, b.SplatLike(x, 3)), b.builder().getI32Type());
          return b.Mul(x, b.Convert(whole, b.builder().getF64Type()));
        }, 0.4, 0.6}),
    [](const auto& info) { return std::string(info.param.name); });

struct BinaryCase {
  const char* name;
  std::function<Value(CoreBuilder&, Value, Value)> build;
  double lo = -2, hi = 2;
};
void PrintTo(const BinaryCase& c, std::ostream* out) { *out << c.name; }

class BinaryGradientTest : public ::testing::TestWithParam<BinaryCase> {};

// With broadcasting on both sides.
TEST_P(BinaryGradientTest, MatchesDifferences) {
  const BinaryCase& c = GetParam();
  for (int order : {1, 2}) {
    GradientChecker checker;
    checker.Check({{{2, 1, 3}, c.lo, c.hi, {}}, {{2, 1}, c.lo, c.hi, {}}},
                  [&](CoreBuilder& b, ValueRange x) { return Values{c.build(b, x[0], x[1])}; }, order,
                  order == 1 ? 2e-7 : 2e-6);
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, BinaryGradientTest,
    ::testing::Values(
        BinaryCase{"add", [](CoreBuilder& b, Value x, Value y) { return b.Add(x, y); }},
        BinaryCase{"sub", [](CoreBuilder& b, Value x, Value y) { return b.Sub(x, y); }},
        BinaryCase{"mul", [](CoreBuilder& b, Value x, Value y) { return b.Mul(x, y); }},
        BinaryCase{"div", [](CoreBuilder& b, Value x, Value y) { return b.Div(x, y); }, 0.5, 2},
        BinaryCase{"rem", [](CoreBuilder& b, Value x, Value y) { return b.Rem(b.Mul(x, b.SplatLike(x, 7)), y); }, 0.5, 2},
        BinaryCase{"pow", [](CoreBuilder& b, Value x, Value y) { return b.Pow(x, y); }, 0.5, 2},
        BinaryCase{"max", [](CoreBuilder& b, Value x, Value y) { return b.Max(x, b.Mul(y, y)); }},
        BinaryCase{"min", [](CoreBuilder& b, Value x, Value y) { return b.Min(x, b.Mul(y, y)); }},
        BinaryCase{"atan2", [](CoreBuilder& b, Value x, Value y) { return b.Binary<core::Atan2Op>(x, y); }, 0.5, 2},
        BinaryCase{"select", [](CoreBuilder& b, Value x, Value y) {
          return b.Select(b.Lt(x, y), b.Mul(x, y), b.Sin(y));
        }},
        BinaryCase{"clamp", [](CoreBuilder& b, Value x, Value y) {
          return b.Clamp(b.Mul(y, b.SplatLike(y, 0.25)), x, b.Add(b.Mul(y, y), b.SplatLike(y, 0.5)));
        }, 0.1, 2}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(GradientCornersTest, PowerAtZeroIsFinite) {
  GradientChecker checker;
  checker.Check({{{3}, 0, 0, {0, 0.5, 2}}},
                [](CoreBuilder& b, ValueRange x) {
                  // The differences of x^0 and x^2 at 0 are those of one side and the other.
                  return Values{b.Pow(x[0], b.SplatLike(x[0], 0)), b.Pow(x[0], b.SplatLike(x[0], 2))};
                });
}

TEST(GradientCornersTest, StopGradientIsConstant) {
  GradientChecker checker;
  const auto results = checker.Evaluate({{{3}, 0, 0, {1, 2, 3}}}, [](CoreBuilder& b, ValueRange x) {
    return GradientChecker::Gradients(b, b.Mul(x[0], b.StopGradient(x[0])), x);
  });
  EXPECT_EQ(results, (std::vector<std::vector<double>>{{1, 2, 3}}));
}

TEST(GradientCornersTest, UnusedInputsGetZeros) {
  GradientChecker checker;
  checker.Check({{{2}, -1, 1, {}}, {{3}, -1, 1, {}}},
                [](CoreBuilder& b, ValueRange x) { return Values{b.Sin(x[0])}; });
}

TEST(GradientCornersTest, IntegerPathsCarryNone) {
  GradientChecker checker;
  checker.Check({{{4}, 0.6, 0.9, {}}}, [](CoreBuilder& b, ValueRange x) {
    Value bits = b.BitcastConvert(x[0], b.builder().getI64Type());
    Value exponent = b.Convert(b.Binary<core::ShiftRightArithmeticOp>(bits, b.SplatLike(bits, 52)), b.builder().getF64Type());
    return Values{b.Add(exponent, b.Convert(b.Gt(x[0], b.SplatLike(x[0], 0.1)), b.builder().getF64Type()))};
  });
}

TEST(GradientErrorsTest, NameTheNode) {
  GradientChecker checker;
  const absl::Status status = checker.Error({{{2}, 1, 2, {}}}, [](CoreBuilder& b, ValueRange x) {
    return Values{b.Unary<core::DigammaOp>(x[0])};
  });
  EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented);
  EXPECT_NE(std::string(status.message()).find("no gradient of core.digamma (node 'tested', op Op)"), std::string::npos)
      << status;
}

}  // namespace
}  // namespace stator::compiler
