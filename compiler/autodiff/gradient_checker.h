#ifndef STATOR_COMPILER_AUTODIFF_GRADIENT_CHECKER_H_
#define STATOR_COMPILER_AUTODIFF_GRADIENT_CHECKER_H_

// Compares derived gradients with central differences, in f64, through the reference interpreter.

#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "compiler/dialect/core_builder.h"
#include "compiler/reference/interpreter.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace stator::compiler {

// An f64 argument. Without values it gets distinct numbers between lo and hi that depend on its place alone.
struct GradientInput {
  std::vector<int64_t> dims;
  double lo = -1, hi = 1;
  std::vector<double> values = {};
};

// Builds results from arguments.
using BuildForward = std::function<core::CoreBuilder::Values(core::CoreBuilder&, mlir::ValueRange)>;

class GradientChecker {
 public:
  GradientChecker();

  // Builds `forward` and its gradients, weighted by fixed numbers, and expects each element of each gradient within
  // `tolerance` (absolute, and relative to the larger) of the central difference. With `order` 2 the gradients
  // themselves, weighted and summed, are differentiated instead.
  void Check(const std::vector<GradientInput>& inputs, const BuildForward& forward, int order = 1,
             double tolerance = 2e-7);
  // The error that differentiation gives; OK if none.
  absl::Status Error(const std::vector<GradientInput>& inputs, const BuildForward& forward);
  // What `forward` returns, with the gradients taken that it asks for.
  std::vector<std::vector<double>> Evaluate(const std::vector<GradientInput>& inputs, const BuildForward& forward);

  using Values = core::CoreBuilder::Values;
  // Gradients of y with respect to xs.
  static Values Gradients(core::CoreBuilder& b, mlir::Value y, mlir::ValueRange xs);

 private:

  // The scalar that is differentiated.
  mlir::Value Loss(core::CoreBuilder& b, mlir::ValueRange ys);
  // @main returns what `results` makes of its arguments, gradients taken.
  absl::Status Build(const std::vector<GradientInput>& inputs, const BuildForward& results);
  // The loss and its gradients.
  BuildForward WithGradients(const BuildForward& forward, int order);
  absl::StatusOr<std::vector<reference::Tensor>> Run(const std::vector<std::vector<double>>& arguments);

  mlir::MLIRContext context_;
  mlir::OwningOpRef<mlir::ModuleOp> module_;
  std::vector<GradientInput> inputs_;
};

}  // namespace stator::compiler

#endif  // STATOR_COMPILER_AUTODIFF_GRADIENT_CHECKER_H_
