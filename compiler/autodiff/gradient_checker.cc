#include "compiler/autodiff/gradient_checker.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "compiler/autodiff/differentiate.h"
#include "graph/status_macros.h"
#include "gtest/gtest.h"
#include "mlir/IR/Verifier.h"

namespace stator::compiler {
namespace {

using core::CoreBuilder;
using mlir::Value;
using reference::Tensor;

// Numbers in (0, 1), no two alike and none close to another: the golden ratio's multiples.
double Spread(int64_t i, int64_t salt) {
  const double x = static_cast<double>(i + 1) * 0.6180339887498949 + static_cast<double>(salt) * 0.3819660112501051 / 3;
  return x - std::floor(x);
}

int64_t CountOf(const std::vector<int64_t>& dims) {
  int64_t count = 1;
  for (int64_t dim : dims) count *= dim;
  return count;
}

std::vector<double> ValuesOf(const GradientInput& input, int64_t salt) {
  if (!input.values.empty()) return input.values;
  std::vector<double> values;
  for (int64_t i = 0; i < CountOf(input.dims); ++i) {
    values.push_back(input.lo + (input.hi - input.lo) * Spread(i, salt));
  }
  return values;
}

}  // namespace

GradientChecker::GradientChecker() { context_.loadDialect<core::CoreDialect, mlir::func::FuncDialect>(); }

Value GradientChecker::Loss(CoreBuilder& b, mlir::ValueRange ys) {
  Value loss = b.Scalar(b.builder().getF64Type(), 0);
  for (auto [salt, y] : llvm::enumerate(ys)) {
    if (!y) return {};
    auto element = llvm::dyn_cast<mlir::FloatType>(core::ElementTypeOf(y));
    if (!element) continue;
    // sum of y * sin(i + salt): every element counts, with a weight of its own.
    const core::Dims dims = core::DimsOf(y);
    Value number = b.Reshape(b.Iota(b.builder().getF64Type(), {core::Product(b.dims(), dims)}, 0), dims);
    Value weight = b.Sin(b.Add(number, b.Scalar(b.builder().getF64Type(), static_cast<double>(salt) + 0.7)));
    llvm::SmallVector<int64_t> all;
    for (int64_t i = 0; i < core::RankOf(y); ++i) all.push_back(i);
    loss = b.Add(loss, b.ReduceAdd(b.Mul(b.Convert(y, b.builder().getF64Type()), weight), all));
  }
  return loss;
}

CoreBuilder::Values GradientChecker::Gradients(CoreBuilder& b, Value y, mlir::ValueRange xs) {
  if (!y) return {};
  auto op = b.builder().create<core::GradientsOp>(b.loc(), xs.getTypes(), mlir::ValueRange(y), mlir::ValueRange(), xs);
  return Values(op.getResults());
}

BuildForward GradientChecker::WithGradients(const BuildForward& forward, int order) {
  return [this, forward, order](CoreBuilder& b, mlir::ValueRange xs) {
    Value loss = Loss(b, forward(b, xs));
    Values gradients = Gradients(b, loss, xs);
    if (order == 2) {
      loss = Loss(b, gradients);
      gradients = Gradients(b, loss, xs);
    }
    Values results{loss};
    results.append(gradients);
    return results;
  };
}

absl::Status GradientChecker::Build(const std::vector<GradientInput>& inputs, const BuildForward& results) {
  inputs_ = inputs;
  mlir::OpBuilder builder(&context_);
  mlir::Location loc = mlir::NameLoc::get(builder.getStringAttr("tested:Op"));
  module_ = mlir::ModuleOp::create(loc);
  builder.setInsertionPointToEnd(module_->getBody());
  llvm::SmallVector<mlir::Type> types;
  for (const GradientInput& input : inputs) types.push_back(mlir::RankedTensorType::get(input.dims, builder.getF64Type()));
  auto main = builder.create<mlir::func::FuncOp>(loc, "main", builder.getFunctionType(types, {}));
  builder.setInsertionPointToStart(main.addEntryBlock());
  CoreBuilder b(builder, loc);
  const Values values = results(b, main.getArguments());
  if (!b.ok()) return absl::InternalError(b.error());
  builder.create<mlir::func::ReturnOp>(loc, values);
  main.setFunctionType(builder.getFunctionType(types, mlir::ValueRange(values).getTypes()));
  if (mlir::failed(mlir::verify(*module_))) return absl::InternalError("the forward function is not valid");
  STATOR_RETURN_IF_ERROR(Differentiate(*module_));
  if (mlir::failed(mlir::verify(*module_))) return absl::InternalError("the gradients are not valid");
  return absl::OkStatus();
}

absl::StatusOr<std::vector<Tensor>> GradientChecker::Run(const std::vector<std::vector<double>>& arguments) {
  std::vector<reference::Value> values;
  for (size_t i = 0; i < arguments.size(); ++i) {
    values.push_back(reference::MakeTensor(executable::DType::kFloat64, inputs_[i].dims, arguments[i].data()));
  }
  reference::Variables variables;
  STATOR_ASSIGN_OR_RETURN(std::vector<reference::Value> results,
                          reference::Run(module_->lookupSymbol("main"), std::move(values), variables));
  std::vector<Tensor> tensors;
  for (reference::Value& value : results) tensors.push_back(std::get<Tensor>(value));
  return tensors;
}

void GradientChecker::Check(const std::vector<GradientInput>& inputs, const BuildForward& forward, int order,
                            double tolerance) {
  const absl::Status built = Build(inputs, WithGradients(forward, order));
  ASSERT_TRUE(built.ok()) << built;
  std::vector<std::vector<double>> arguments;
  for (size_t i = 0; i < inputs.size(); ++i) arguments.push_back(ValuesOf(inputs[i], static_cast<int64_t>(i)));
  absl::StatusOr<std::vector<Tensor>> derived = Run(arguments);
  ASSERT_TRUE(derived.ok()) << derived.status();
  constexpr double kStep = 1e-5;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const Tensor& gradient = (*derived)[1 + i];
    ASSERT_EQ(gradient.dims(), inputs[i].dims);
    for (size_t j = 0; j < arguments[i].size(); ++j) {
      const double x = arguments[i][j];
      double loss[2];
      for (int side : {0, 1}) {
        arguments[i][j] = side == 0 ? x - kStep : x + kStep;
        absl::StatusOr<std::vector<Tensor>> results = Run(arguments);
        ASSERT_TRUE(results.ok()) << results.status();
        loss[side] = (*results)[0].As<double>()[0];
      }
      arguments[i][j] = x;
      const double expected = (loss[1] - loss[0]) / (2 * kStep), found = gradient.As<double>()[j];
      const double scale = std::max({1.0, std::abs(expected), std::abs(found)});
      ASSERT_TRUE(std::abs(found - expected) <= tolerance * scale)
          << "input " << i << " element " << j << " (" << x << "): derived " << found << ", measured " << expected;
    }
  }
}

absl::Status GradientChecker::Error(const std::vector<GradientInput>& inputs, const BuildForward& forward) {
  return Build(inputs, WithGradients(forward, 1));
}

std::vector<std::vector<double>> GradientChecker::Evaluate(const std::vector<GradientInput>& inputs,
                                                           const BuildForward& forward) {
  std::vector<std::vector<double>> arguments, results;
  for (size_t i = 0; i < inputs.size(); ++i) arguments.push_back(ValuesOf(inputs[i], static_cast<int64_t>(i)));
  const absl::Status built = Build(inputs, forward);
  EXPECT_TRUE(built.ok()) << built;
  if (!built.ok()) return results;
  absl::StatusOr<std::vector<Tensor>> tensors = Run(arguments);
  EXPECT_TRUE(tensors.ok()) << tensors.status();
  if (!tensors.ok()) return results;
  for (const Tensor& t : *tensors) results.emplace_back(t.As<double>(), t.As<double>() + t.num_elements());
  return results;
}

}  // namespace stator::compiler
