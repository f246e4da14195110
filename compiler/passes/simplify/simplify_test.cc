#include "compiler/passes/simplify/simplify.h"

#include <gtest/gtest.h>

#include <string>

#include "compiler/dialect/core_dialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "mlir/Parser/Parser.h"

namespace stator::compiler {
namespace {

// The body of @main after Simplify.
std::string Simplified(const std::string& function) {
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  context.loadDialect<core::CoreDialect, mlir::func::FuncDialect>();
  mlir::OwningOpRef<mlir::ModuleOp> module = mlir::parseSourceString<mlir::ModuleOp>(function, &context);
  EXPECT_TRUE(module);
  if (!module) return "";
  EXPECT_TRUE(mlir::succeeded(Simplify(*module)));
  std::string text;
  llvm::raw_string_ostream stream(text);
  module->print(stream);
  return text;
}

TEST(SimplifyTest, ArithmeticOnConstantsIsDone) {
  const std::string text = Simplified(R"(
    func.func @main() -> tensor<f32> {
      %0 = core.constant dense<9.000000e-01> : tensor<f32>
      %1 = core.constant dense<1.000000e+00> : tensor<f32>
      %2 = core.subtract %1, %0 : tensor<f32>
      return %2 : tensor<f32>
    })");
  EXPECT_EQ(text.find("core.subtract"), std::string::npos) << text;
  EXPECT_NE(text.find("dense<0.100000024>"), std::string::npos) << text;
}

TEST(SimplifyTest, BooleansAreFoldedBitByBit) {
  const std::string text = Simplified(R"(
    func.func @main() -> tensor<3xi1> {
      %0 = core.constant dense<[true, false, false]> : tensor<3xi1>
      %1 = core.constant dense<[false, true, false]> : tensor<3xi1>
      %2 = core.or %0, %1 : tensor<3xi1>
      return %2 : tensor<3xi1>
    })");
  EXPECT_NE(text.find("dense<[true, true, false]>"), std::string::npos) << text;
}

TEST(SimplifyTest, ChecksThatHoldAreDropped) {
  const std::string text = Simplified(R"(
    func.func @main() {
      %0 = core.constant dense<true> : tensor<i1>
      core.check %0, 3, "never" : (tensor<i1>) -> ()
      return
    })");
  EXPECT_EQ(text.find("core.check"), std::string::npos) << text;
}

TEST(SimplifyTest, ChecksThatFailStay) {
  const std::string text = Simplified(R"(
    func.func @main() {
      %0 = core.constant dense<false> : tensor<i1>
      core.check %0, 3, "always" : (tensor<i1>) -> ()
      return
    })");
  EXPECT_NE(text.find("core.check"), std::string::npos) << text;
}

TEST(SimplifyTest, LargeResultsAreLeftToTheKernels) {
  const std::string text = Simplified(R"(
    func.func @main() -> tensor<4096xf32> {
      %0 = core.constant dense<1.000000e+00> : tensor<4096xf32>
      %1 = core.add %0, %0 : tensor<4096xf32>
      return %1 : tensor<4096xf32>
    })");
  EXPECT_NE(text.find("core.add"), std::string::npos) << text;
}

TEST(SimplifyTest, TransposesGoIntoContractions) {
  const std::string text = Simplified(R"(
    func.func @main(%a: tensor<3x2xf32>, %b: tensor<3x4xf32>) -> tensor<2x4xf32> {
      %0 = core.transpose %a, dims = [1, 0] : (tensor<3x2xf32>) -> tensor<2x3xf32>
      %1 = core.dot_general %0, %b, batch = [] x [], contract = [1] x [0] : (tensor<2x3xf32>, tensor<3x4xf32>) -> tensor<2x4xf32>
      return %1 : tensor<2x4xf32>
    })");
  EXPECT_EQ(text.find("core.transpose"), std::string::npos) << text;
  EXPECT_NE(text.find("contract = [0] x [0]"), std::string::npos) << text;
}

}  // namespace
}  // namespace stator::compiler
