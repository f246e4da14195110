#include "compiler/dialect/core_builder.h"

#include "gtest/gtest.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"

namespace stator::core {
namespace {

class CoreBuilderTest : public ::testing::Test {
 protected:
  CoreBuilderTest() : builder_(&context_) {
    context_.loadDialect<CoreDialect, mlir::func::FuncDialect>();
    module_ = mlir::ModuleOp::create(builder_.getUnknownLoc());
  }

  DimExpr Symbol(llvm::StringRef name) { return DimContextOf(&context_).Symbol(name); }
  DimExpr Const(int64_t value) { return DimContextOf(&context_).Constant(value); }

  // Starts a function with arguments of these f32 shapes.
  mlir::ValueRange Begin(std::vector<Dims> shapes) {
    llvm::SmallVector<mlir::Type> types;
    for (const Dims& dims : shapes) types.push_back(TensorType(dims, builder_.getF32Type()));
    builder_.setInsertionPointToEnd(module_->getBody());
    function_ = builder_.create<mlir::func::FuncOp>(builder_.getUnknownLoc(), "main", builder_.getFunctionType(types, {}));
    builder_.setInsertionPointToStart(function_.addEntryBlock());
    return function_.getArguments();
  }
  void End() {
    builder_.create<mlir::func::ReturnOp>(builder_.getUnknownLoc());
    EXPECT_TRUE(mlir::succeeded(mlir::verify(*module_)));
  }
  std::string Text() {
    std::string text;
    llvm::raw_string_ostream(text) << *module_;
    return text;
  }

  mlir::MLIRContext context_;
  mlir::OpBuilder builder_;
  mlir::OwningOpRef<mlir::ModuleOp> module_;
  mlir::func::FuncOp function_;
};

TEST_F(CoreBuilderTest, ShapeArithmeticLeavesNoOps) {
  mlir::ValueRange args = Begin({{Symbol("b"), Const(7), Const(8)}});
  CoreBuilder b(builder_, builder_.getUnknownLoc());
  Dims dims = DimsOf(args[0]);
  mlir::Value shape = b.DimVector(dims, builder_.getI32Type());
  mlir::Value batch = b.SliceDim(shape, 0, b.Dim(0), b.Dim(1));
  mlir::Value packed = b.Concatenate({batch, b.VectorInt(builder_.getI32Type(), {-1})}, 0);
  std::optional<Dims> known = KnownValues(packed);
  ASSERT_TRUE(b.ok() && known.has_value()) << b.error();
  EXPECT_EQ((*known)[0], Symbol("b"));
  mlir::Value flat = b.Reshape(args[0], {Symbol("b"), Const(56)});
  ASSERT_TRUE(flat) << b.error();
  EXPECT_EQ(DimsOf(flat)[1], Const(56));
  End();
}

TEST_F(CoreBuilderTest, BroadcastRecordsGuard) {
  mlir::ValueRange args = Begin({{Symbol("x"), Const(4)}, {Symbol("y"), Const(4)}, {Const(4)}});
  CoreBuilder b(builder_, builder_.getUnknownLoc());
  mlir::Value sum = b.Add(b.Add(args[0], args[1]), args[2]);
  ASSERT_TRUE(sum) << b.error();
  EXPECT_EQ(DimsOf(sum)[0], Symbol("x"));
  End();
  EXPECT_NE(Text().find("core.guard"), std::string::npos) << Text();
}

TEST_F(CoreBuilderTest, ProvablyWrongShapesAreErrors) {
  mlir::ValueRange args = Begin({{Const(3), Const(4)}, {Const(5), Const(4)}});
  CoreBuilder b(builder_, builder_.getUnknownLoc());
  EXPECT_FALSE(b.MatMul(args[0], args[1]));
  EXPECT_NE(b.error().find("5 must equal 4"), std::string::npos) << b.error();
}

TEST_F(CoreBuilderTest, GrowingLoopCarriesSymbol) {
  mlir::ValueRange args = Begin({{Const(1)}});
  CoreBuilder b(builder_, builder_.getUnknownLoc());
  mlir::Value limit = b.Scalar(builder_.getF32Type(), 10);
  CoreBuilder::Values results = b.While(
      args,
      [&](mlir::ValueRange carried) -> CoreBuilder::Values { return {b.Lt(b.ReduceAdd(carried[0], {0}), limit)}; },
      [&](mlir::ValueRange carried) -> CoreBuilder::Values { return {b.Concatenate({carried[0], args[0]}, 0)}; });
  ASSERT_EQ(results.size(), 1u) << b.error();
  EXPECT_TRUE(DimsOf(results[0])[0].IsSymbol());
  End();
}

TEST_F(CoreBuilderTest, TextRoundTrips) {
  mlir::ValueRange args = Begin({{Symbol("b"), Const(8)}, {Const(8), Const(3)}});
  CoreBuilder b(builder_, builder_.getUnknownLoc());
  mlir::Value y = b.MatMul(args[0], args[1]);
  mlir::Value relu = b.Max(y, b.SplatLike(y, 0));
  b.If(b.Lt(b.ReduceAdd(relu, {0, 1}), b.Scalar(builder_.getF32Type(), 1)),
       [&](mlir::ValueRange) -> CoreBuilder::Values { return {b.SliceDim(relu, 1, b.Dim(0), b.Dim(2))}; },
       [&](mlir::ValueRange) -> CoreBuilder::Values { return {relu}; });
  ASSERT_TRUE(b.ok()) << b.error();
  End();
  std::string text = Text();
  auto parsed = mlir::parseSourceString<mlir::ModuleOp>(text, &context_);
  ASSERT_TRUE(parsed) << text;
  std::string again;
  llvm::raw_string_ostream(again) << *parsed;
  EXPECT_EQ(text, again);
}

}  // namespace
}  // namespace stator::core
