// Gradients through if, while and composites.

#include <cmath>

#include "compiler/autodiff/gradient_checker.h"
#include "gtest/gtest.h"

namespace stator::compiler {
namespace {

using core::CoreBuilder;
using mlir::Value;
using mlir::ValueRange;
using Values = CoreBuilder::Values;

Value Int(CoreBuilder& b, int64_t value) { return b.ScalarInt(b.builder().getI32Type(), value); }
Value Number(CoreBuilder& b, double value) { return b.Scalar(b.builder().getF64Type(), value); }
Value Sum(CoreBuilder& b, Value x) {
  llvm::SmallVector<int64_t> all;
  for (int64_t i = 0; i < core::RankOf(x); ++i) all.push_back(i);
  return b.ReduceAdd(x, all);
}

// `trips` times: carried = body(carried).
Values Repeat(CoreBuilder& b, int64_t trips, Values carried, const CoreBuilder::Build& body) {
  carried.insert(carried.begin(), Int(b, 0));
  Values results = b.While(
      carried, [&](ValueRange v) { return Values{b.Lt(v[0], Int(b, trips))}; },
      [&](ValueRange v) {
        Values next = body(v.drop_front());
        next.insert(next.begin(), b.Add(v[0], Int(b, 1)));
        return next;
      });
  if (!results.empty()) results.erase(results.begin());
  return results;
}

const std::vector<GradientInput> kTwoVectors = {{{3}, 0.2, 1, {}}, {{3}, 0.2, 1, {}}};

TEST(IfGradientTest, EitherBranchWithCaptures) {
  for (double threshold : {-10.0, 10.0}) {
    GradientChecker checker;
    checker.Check(kTwoVectors, [&](CoreBuilder& b, ValueRange x) {
      Value y = b.Sin(x[0]);
      return b.If(b.Gt(Sum(b, x[0]), Number(b, threshold)),
                  [&](ValueRange) { return Values{b.Mul(y, x[1]), b.Exp(y)}; },
                  [&](ValueRange) { return Values{b.Add(y, x[0]), b.Mul(x[1], x[1])}; });
    }, 2, 1e-6);
  }
}

TEST(IfGradientTest, BranchesOfUnequalSizes) {
  for (double threshold : {-10.0, 10.0}) {
    GradientChecker checker;
    checker.Check(kTwoVectors, [&](CoreBuilder& b, ValueRange x) {
      Values parts = b.If(b.Gt(Sum(b, x[0]), Number(b, threshold)), [&](ValueRange) { return Values{b.Sin(x[0])}; },
                          [&](ValueRange) { return Values{b.SliceDim(b.Mul(x[0], x[1]), 0, b.Dim(1), b.Dim(3))}; });
      return Values{Sum(b, b.Mul(parts[0], parts[0]))};
    });
  }
}

TEST(WhileGradientTest, TripCountFromData) {
  GradientChecker checker;
  checker.Check(kTwoVectors, [](CoreBuilder& b, ValueRange x) {
    return b.While({x[0]}, [&](ValueRange v) { return Values{b.Lt(Sum(b, v[0]), Number(b, 9))}; },
                   [&](ValueRange v) { return Values{b.Add(b.Mul(v[0], b.Exp(x[1])), b.Sin(v[0]))}; });
  });
}

TEST(WhileGradientTest, NoIterationPassesThrough) {
  GradientChecker checker;
  checker.Check(kTwoVectors, [](CoreBuilder& b, ValueRange x) {
    return Repeat(b, 0, {b.Sin(x[0])}, [&](ValueRange v) { return Values{b.Mul(v[0], x[1])}; });
  });
}

TEST(WhileGradientTest, InvariantsAreCarriedAsTensorFlowDoes) {
  GradientChecker checker;
  checker.Check(kTwoVectors, [](CoreBuilder& b, ValueRange x) {
    return Repeat(b, 3, {x[0], b.Exp(x[1])}, [&](ValueRange v) { return Values{b.Sin(b.Mul(v[0], v[1])), v[1]}; });
  });
}

TEST(WhileGradientTest, CarriedValuesChangePlaces) {
  GradientChecker checker;
  checker.Check(kTwoVectors, [](CoreBuilder& b, ValueRange x) {
    return Repeat(b, 3, {x[0], x[1]}, [&](ValueRange v) { return Values{v[1], b.Mul(v[0], b.Sin(v[1]))}; });
  });
}

TEST(WhileGradientTest, ActiveOnlyAfterSomeIterations) {
  GradientChecker checker;
  checker.Check(kTwoVectors, [](CoreBuilder& b, ValueRange x) {
    Value one = b.SplatLike(x[0], 1);
    return Repeat(b, 4, {one, one, x[0]}, [&](ValueRange v) {
      return Values{b.Mul(v[0], v[1]), b.Add(v[1], v[2]), b.Sin(b.Mul(v[2], x[1]))};
    });
  });
}

TEST(WhileGradientTest, Nested) {
  GradientChecker checker;
  checker.Check(kTwoVectors, [](CoreBuilder& b, ValueRange x) {
    return Repeat(b, 2, {x[0]}, [&](ValueRange v) {
      Value scale = b.Cos(v[0]);
      return Repeat(b, 3, {v[0]}, [&](ValueRange u) { return Values{b.Sin(b.Mul(b.Add(u[0], x[1]), scale))}; });
    });
  });
}

TEST(WhileGradientTest, IfInsideAndOutside) {
  GradientChecker checker;
  checker.Check(kTwoVectors, [](CoreBuilder& b, ValueRange x) {
    return b.If(b.Gt(Sum(b, x[0]), Number(b, 0)),
                [&](ValueRange) {
                  return Repeat(b, 4, {x[0]}, [&](ValueRange v) {
                    return b.If(b.Gt(Sum(b, v[0]), Number(b, 1.5)), [&](ValueRange) { return Values{b.Sin(v[0])}; },
                                [&](ValueRange) { return Values{b.Add(v[0], b.Mul(x[1], x[1]))}; });
                  });
                },
                [&](ValueRange) { return Values{x[0]}; });
  });
}

TEST(WhileGradientTest, ChecksRunOnce) {
  GradientChecker checker;
  checker.Check(kTwoVectors, [](CoreBuilder& b, ValueRange x) {
    return Repeat(b, 2, {x[0]}, [&](ValueRange v) {
      b.Check(b.Gt(Sum(b, v[0]), Number(b, -100)), 3, "the sum must be more than -100");
      return Values{b.Mul(v[0], x[1])};
    });
  });
}

TEST(WhileGradientTest, XIsWhatALoopGave) {
  GradientChecker checker;
  const auto results = checker.Evaluate({{{}, 0, 0, {0.5}}}, [](CoreBuilder& b, ValueRange x) {
    Values cubed = Repeat(b, 3, {x[0]}, [&](ValueRange v) { return Values{b.Mul(v[0], Number(b, 2))}; });
    return GradientChecker::Gradients(b, b.Mul(cubed[0], cubed[0]), {x[0], cubed[0]});
  });
  // y = r^2 with r = 8 x = 4.
  EXPECT_EQ(results, (std::vector<std::vector<double>>{{64}, {8}}));
}

TEST(WhileGradientTest, TwoGradientsOfOneLoop) {
  GradientChecker checker;
  const auto results = checker.Evaluate({{{}, 0, 0, {0.5}}, {{}, 0, 0, {3}}}, [](CoreBuilder& b, ValueRange x) {
    Values power = Repeat(b, 3, {x[0]}, [&](ValueRange v) { return Values{b.Mul(v[0], x[1])}; });
    Values first = GradientChecker::Gradients(b, power[0], x);
    Values second = GradientChecker::Gradients(b, b.Mul(power[0], Number(b, 2)), x);
    first.append(second);
    return first;
  });
  EXPECT_EQ(results, (std::vector<std::vector<double>>{{27}, {13.5}, {54}, {27}}));
}

TEST(WhileGradientTest, GradientOfGradientIsRefused) {
  GradientChecker checker;
  const absl::Status status = checker.Error(kTwoVectors, [](CoreBuilder& b, ValueRange x) {
    Values y = Repeat(b, 2, {x[0]}, [&](ValueRange v) { return Values{b.Mul(v[0], x[1])}; });
    return GradientChecker::Gradients(b, y[0], x);
  });
  EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented);
  EXPECT_NE(std::string(status.message()).find("node 'tested'"), std::string::npos) << status;
}

TEST(CompositeGradientTest, TheGivenGradientOverrides) {
  GradientChecker checker;
  const auto results = checker.Evaluate({{{2}, 0, 0, {2, 3}}}, [](CoreBuilder& b, ValueRange x) {
    Values y = b.Composite(
        "square_with_a_gradient_of_its_own", x, [&](ValueRange v) { return Values{b.Mul(v[0], v[0])}; },
        [&](ValueRange v) { return Values{b.Mul(v[2], b.Add(v[0], v[1]))}; });
    return GradientChecker::Gradients(b, b.Mul(y[0], b.SplatLike(y[0], 10)), x);
  });
  // 10 * (x + x^2).
  EXPECT_EQ(results, (std::vector<std::vector<double>>{{60, 120}}));
}

// log(1 + e^x), stable and with the stable gradient g * logistic(x).
Value Softplus(CoreBuilder& b, Value x) {
  return b.Composite(
      "softplus", {x},
      [&](ValueRange v) {
        return Values{b.Add(b.Max(v[0], b.SplatLike(v[0], 0)), b.Log1p(b.Exp(b.Neg(b.Abs(v[0])))))};
      },
      [&](ValueRange v) { return Values{b.Mul(v[2], b.Logistic(v[0]))}; })[0];
}

TEST(CompositeGradientTest, GradientsOfGivenGradients) {
  for (int order : {1, 2}) {
    GradientChecker checker;
    checker.Check(kTwoVectors, [](CoreBuilder& b, ValueRange x) {
      return Values{Softplus(b, b.Mul(x[0], x[1]))};
    }, order, 1e-6);
  }
}

// Two results, of which one is not used.
TEST(CompositeGradientTest, SoftmaxCrossEntropy) {
  GradientChecker checker;
  checker.Check({{{2, 4}}, {{2, 4}, 0.1, 1, {}}}, [](CoreBuilder& b, ValueRange x) {
    auto body = [&](ValueRange v) {
      Value shifted = b.Sub(v[0], b.StopGradient(b.Reduce(core::ReduceKind::kMax, v[0], {1}, true)));
      Value log_sum = b.Log(b.ReduceAdd(b.Exp(shifted), {1}, true));
      Value log_softmax = b.Sub(shifted, log_sum);
      Value total = b.ReduceAdd(v[1], {1}, true);
      return Values{b.Neg(b.ReduceAdd(b.Mul(v[1], log_softmax), {1})),
                    b.Sub(b.Mul(b.Exp(log_softmax), total), v[1])};
    };
    auto vjp = [&](ValueRange v) {
      Value g = b.Reshape(v[4], b.StaticDims({2, 1}));
      Value max = b.StopGradient(b.Reduce(core::ReduceKind::kMax, v[0], {1}, true));
      Value shifted = b.Sub(v[0], max);
      Value log_softmax = b.Sub(shifted, b.Log(b.ReduceAdd(b.Exp(shifted), {1}, true)));
      return Values{b.Mul(g, v[3]), b.Neg(b.Mul(g, log_softmax))};
    };
    return Values{b.Composite("softmax_cross_entropy", x, body, vjp)[0]};
  });
}

TEST(CompositeGradientTest, BatchNorm) {
  for (int order : {1, 2}) {
    GradientChecker checker;
    checker.Check({{{4, 3}}, {{3}}, {{3}}}, [](CoreBuilder& b, ValueRange x) {
      Value mean = b.Mul(b.ReduceAdd(x[0], {0}), Number(b, 0.25));
      Value centred = b.Sub(x[0], mean);
      Value variance = b.Mul(b.ReduceAdd(b.Mul(centred, centred), {0}), Number(b, 0.25));
      return Values{b.Add(b.Mul(b.Mul(centred, b.Rsqrt(b.Add(variance, Number(b, 1e-3)))), x[1]), x[2])};
    }, order, 1e-6);
  }
}

}  // namespace
}  // namespace stator::compiler
