// Gradients as programs ask for them: graph, functions, compiler, session, against finite differences in f64.

#include "ops/gradients.h"

#include <cmath>

#include "gmock/gmock.h"
#include "graph/function_builder.h"
#include "graph/node_builder.h"
#include "gtest/gtest.h"
#include "stator.h"

namespace stator {
namespace {

using graph::FunctionBuilder;
using graph::NodeBuilder;
using graph::Operation;
using graph::Output;
using graph::PartialShape;
using graph::Scope;
using ::testing::HasSubstr;
using runtime::Tensor;
using Types = std::vector<DataType>;

Output Placeholder(const Scope& scope, const char* name, const PartialShape& shape, DataType dtype = DT_DOUBLE) {
  return NodeBuilder(scope.WithOpName(name), "Placeholder").Attr("dtype", dtype).Attr("shape", shape).Finalize().output(0);
}
Output Unary(const Scope& scope, const char* op, const Output& x) { return NodeBuilder(scope, op).Input(x).Finalize().output(0); }
Output Binary(const Scope& scope, const char* op, const graph::Input& x, const graph::Input& y) {
  return NodeBuilder(scope, op).Input(x).Input(y).Finalize().output(0);
}
Tensor Doubles(const std::vector<double>& values) {
  return Tensor::Of<double>({static_cast<int64_t>(values.size())}, values);
}

class GradientsTest : public testing::Test {
 protected:
  GradientsTest() : program_(NewProgram()), x_(Placeholder(program_, "x", {-1})), w_(Placeholder(program_, "w", {-1})) {}

  absl::Status Start() {
    runtime::SessionOptions options;
    options.check_plans = true;
    options.poison = true;
    auto session = NewSession(program_, std::move(options));
    if (!session.ok()) return session.status();
    session_ = *std::move(session);
    return absl::OkStatus();
  }

  // The gradients of the sum of y with respect to x and w, against differences.
  void Check(const Output& y, const std::vector<std::pair<std::string, Tensor>>& more_feeds = {}) {
    const std::vector<Output> gradients = ops::AddGradients(program_, {y}, {x_, w_});
    ASSERT_TRUE(program_.ok()) << program_.status();
    ASSERT_TRUE(Start().ok());
    std::vector<double> values[2] = {{0.3, -0.4, 0.7}, {0.9, 0.5, -0.2}};
    auto run = [&](const std::string& fetch) -> std::vector<double> {
      std::vector<runtime::NamedTensor> feeds = {{"x", Doubles(values[0])}, {"w", Doubles(values[1])}};
      for (const auto& [name, tensor] : more_feeds) feeds.push_back({name, tensor});
      auto fetched = session_->Run(feeds, {fetch});
      EXPECT_TRUE(fetched.ok()) << fetched.status();
      if (!fetched.ok()) return {};
      const Tensor& t = (*fetched)[0];
      return {t.data<double>(), t.data<double>() + t.num_elements()};
    };
    auto sum = [&] {
      double total = 0;
      for (double v : run(y.name())) total += v;
      return total;
    };
    constexpr double kStep = 1e-5;
    for (int i : {0, 1}) {
      const std::vector<double> derived = run(gradients[i].name());
      ASSERT_EQ(derived.size(), values[i].size());
      for (size_t j = 0; j < derived.size(); ++j) {
        double& value = values[i][j];
        const double at = value;
        value = at + kStep;
        const double above = sum();
        value = at - kStep;
        const double below = sum();
        value = at;
        EXPECT_NEAR(derived[j], (above - below) / (2 * kStep), 1e-7) << "input " << i << ", element " << j;
      }
    }
  }

  Scope program_;
  Output x_, w_;
  std::unique_ptr<runtime::Session> session_;
};

TEST_F(GradientsTest, OfOps) { Check(Binary(program_, "Mul", Unary(program_, "Sin", x_), Unary(program_, "Exp", w_))); }

TEST_F(GradientsTest, OfCalls) {
  FunctionBuilder f(program_, "sine_times");
  const Output a = f.Arg("a", DT_DOUBLE), b = f.Arg("b", DT_DOUBLE);
  const NameAttrList function = f.Finish({Binary(f.scope(), "Mul", Unary(f.scope(), "Sin", a), b)});
  const Operation call = NodeBuilder(program_, "PartitionedCall")
                             .InputList({x_, w_})
                             .Attr("Tout", Types{DT_DOUBLE})
                             .Attr("f", function)
                             .Finalize();
  Check(Binary(program_, "Mul", call.output(0), x_));
}

TEST_F(GradientsTest, OfIf) {
  FunctionBuilder yes(program_, "yes"), no(program_, "no");
  const Output a = yes.Arg("a", DT_DOUBLE), b = yes.Arg("b", DT_DOUBLE);
  const NameAttrList then_branch = yes.Finish({Binary(yes.scope(), "Mul", Unary(yes.scope(), "Sin", a), b)});
  const Output c = no.Arg("a", DT_DOUBLE), d = no.Arg("b", DT_DOUBLE);
  const NameAttrList else_branch = no.Finish({Binary(no.scope(), "Sub", Unary(no.scope(), "Exp", d), c)});
  const Output pred = Placeholder(program_, "pred", {}, DT_BOOL);
  const Operation branch = NodeBuilder(program_, "If")
                               .Input(pred)
                               .InputList({x_, w_})
                               .Attr("Tout", Types{DT_DOUBLE})
                               .Attr("then_branch", then_branch)
                               .Attr("else_branch", else_branch)
                               .Finalize();
  for (bool value : {true, false}) {
    SCOPED_TRACE(value);
    Check(branch.output(0), {{"pred", Tensor::Scalar(value)}});
  }
}

// As TensorFlow writes loops: everything is carried, weights too.
TEST_F(GradientsTest, OfWhileWithAFedNumberOfIterations) {
  FunctionBuilder cond(program_, "cond"), body(program_, "body");
  const Types types = {DT_INT32, DT_INT32, DT_DOUBLE, DT_DOUBLE};
  const Output ci = cond.Arg("i", DT_INT32), cn = cond.Arg("n", DT_INT32);
  cond.Arg("a", DT_DOUBLE);
  cond.Arg("w", DT_DOUBLE);
  const NameAttrList more = cond.Finish({Binary(cond.scope(), "Less", ci, cn)});
  const Output i = body.Arg("i", DT_INT32), n = body.Arg("n", DT_INT32);
  const Output a = body.Arg("a", DT_DOUBLE), w = body.Arg("w", DT_DOUBLE);
  const Output next = Binary(body.scope(), "Mul", Unary(body.scope(), "Cos", a), w);
  const NameAttrList once = body.Finish({Binary(body.scope(), "AddV2", i, 1), n, next, w});
  const Output trips = Placeholder(program_, "trips", {}, DT_INT32);
  const Operation loop = NodeBuilder(program_, "While")
                             .InputList({0, trips, x_, w_})
                             .Attr("T", types)
                             .Attr("cond", more)
                             .Attr("body", once)
                             .Finalize();
  for (int32_t value : {0, 1, 4}) {
    SCOPED_TRACE(value);
    Check(loop.output(2), {{"trips", Tensor::Scalar(value)}});
  }
}

TEST_F(GradientsTest, OfGradients) {
  const Output y = Binary(program_, "Mul", Unary(program_, "Sin", x_), Unary(program_, "Exp", w_));
  Check(ops::AddGradients(program_, {y}, {x_})[0]);
}

TEST_F(GradientsTest, XsThatDoNotMatterGetZeros) {
  const Output whole = NodeBuilder(program_, "Cast").Input(w_).Attr("DstT", DT_INT32).Finalize().output(0);
  const Output back = NodeBuilder(program_, "Cast").Input(whole).Attr("DstT", DT_DOUBLE).Finalize().output(0);
  const std::vector<Output> gradients = ops::AddGradients(program_, {Unary(program_, "Floor", x_), back}, {x_, w_});
  ASSERT_TRUE(Start().ok());
  auto fetched = session_->Run({{"x", Doubles({1, 2})}, {"w", Doubles({3})}}, {gradients[0].name(), gradients[1].name()});
  ASSERT_TRUE(fetched.ok()) << fetched.status();
  EXPECT_EQ((*fetched)[0].dims(), (std::vector<int64_t>{2}));
  EXPECT_EQ((*fetched)[0].data<double>()[1], 0);
  EXPECT_EQ((*fetched)[1].data<double>()[0], 0);
}

TEST_F(GradientsTest, AnOpWithoutGradientIsNamed) {
  const Output y = NodeBuilder(program_.WithOpName("psi"), "Digamma").Input(x_).Finalize().output(0);
  const std::vector<Output> gradients = ops::AddGradients(program_, {y}, {x_});
  ASSERT_TRUE(Start().ok());
  auto fetched = session_->Run({{"x", Doubles({1, 2})}}, {gradients[0].name()});
  EXPECT_EQ(fetched.status().code(), absl::StatusCode::kUnimplemented) << fetched.status();
  EXPECT_THAT(std::string(fetched.status().message()), HasSubstr("no gradient of core.digamma (node 'psi', op Digamma"));
  EXPECT_THAT(std::string(fetched.status().message()), HasSubstr("gradients_test.cc"));
}

TEST_F(GradientsTest, IntegersAreRefusedWhereTheyAreWritten) {
  const Output n = Placeholder(program_, "n", {}, DT_INT32);
  ops::AddGradients(program_, {x_}, {n});
  EXPECT_EQ(program_.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(program_.status().message()), HasSubstr("xs"));
}

}  // namespace
}  // namespace stator
