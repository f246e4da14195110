#include "compiler/passes/simplify/fold_constants.h"

#include "compiler/dialect/core_dialect.h"
#include "compiler/reference/interpreter.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/OwningOpRef.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace stator::compiler {
namespace {

// Larger results are better computed where they are used: a constant of theirs would only fill the image.
constexpr int64_t kMaxElements = 64;
constexpr int64_t kMaxOperandElements = 4096;

// The constant's elements, or null if folding it would cost too much.
mlir::DenseElementsAttr SmallConstant(mlir::Value value) {
  auto constant = value.getDefiningOp<core::ConstantOp>();
  if (!constant) return nullptr;
  auto elements = mlir::dyn_cast<mlir::DenseIntOrFPElementsAttr>(constant.getValue());
  return elements && elements.getNumElements() <= kMaxOperandElements ? elements : nullptr;
}

// Runs a copy of `op` alone.
absl::StatusOr<reference::Tensor> Evaluate(mlir::Operation* op, llvm::ArrayRef<mlir::DenseElementsAttr> constants) {
  reference::RunOptions options;
  options.limits.bytes = int64_t{1} << 20;
  options.limits.work = int64_t{1} << 20;
  reference::Budget budget(options.limits);
  std::vector<reference::Value> arguments;
  for (mlir::DenseElementsAttr constant : constants) {
    absl::StatusOr<reference::Tensor> tensor = reference::TensorOf(budget, constant);
    if (!tensor.ok()) return tensor.status();
    arguments.push_back(*std::move(tensor));
  }
  mlir::OwningOpRef<mlir::func::FuncOp> function = mlir::func::FuncOp::create(
      op->getLoc(), "fold", mlir::FunctionType::get(op->getContext(), op->getOperandTypes(), op->getResultTypes()));
  mlir::Block* block = function->addEntryBlock();
  mlir::OpBuilder builder = mlir::OpBuilder::atBlockBegin(block);
  mlir::Operation* copy = builder.clone(*op);
  copy->setOperands(block->getArguments());
  builder.create<mlir::func::ReturnOp>(op->getLoc(), copy->getResults());
  reference::Variables none;
  absl::StatusOr<std::vector<reference::Value>> results =
      reference::Run(*function, std::move(arguments), none, options);
  if (!results.ok()) return results.status();
  return std::get<reference::Tensor>((*results)[0]);
}

mlir::DenseElementsAttr ToAttribute(const reference::Tensor& tensor, mlir::RankedTensorType type) {
  if (type.getElementType().isInteger(1)) {
    llvm::SmallVector<bool> bits(tensor.data(), tensor.data() + tensor.num_elements());
    return mlir::DenseElementsAttr::get(type, bits);
  }
  return mlir::DenseElementsAttr::getFromRawBuffer(
      type, llvm::ArrayRef<char>(tensor.data(), static_cast<size_t>(tensor.num_bytes())));
}

struct FoldConstants : mlir::RewritePattern {
  explicit FoldConstants(mlir::MLIRContext* context) : RewritePattern(MatchAnyOpTypeTag(), /*benefit=*/1, context) {}

  mlir::LogicalResult matchAndRewrite(mlir::Operation* op, mlir::PatternRewriter& rewriter) const override {
    // A barrier asks to be left alone; an op with a region has a meaning of its own.
    if (op->getNumResults() != 1 || op->getNumOperands() == 0 || op->getNumRegions() != 0 ||
        llvm::isa<core::OptimizationBarrierOp>(op) || !mlir::isPure(op)) {
      return mlir::failure();
    }
    auto type = mlir::dyn_cast<mlir::RankedTensorType>(op->getResult(0).getType());
    if (!type || !type.hasStaticShape() || type.getNumElements() > kMaxElements ||
        !type.getElementType().isIntOrFloat()) {
      return mlir::failure();
    }
    // A splat is as good as a constant, and says what it is.
    if (llvm::isa<core::BroadcastInDimOp>(op) && type.getRank() > 0) return mlir::failure();
    llvm::SmallVector<mlir::DenseElementsAttr> constants;
    for (mlir::Value operand : op->getOperands()) {
      mlir::DenseElementsAttr constant = SmallConstant(operand);
      if (!constant) return mlir::failure();
      constants.push_back(constant);
    }
    absl::StatusOr<reference::Tensor> value = Evaluate(op, constants);
    if (!value.ok()) return rewriter.notifyMatchFailure(op, "the reference does not compute it");
    rewriter.replaceOpWithNewOp<core::ConstantOp>(op, type, ToAttribute(*value, type));
    return mlir::success();
  }
};

struct DropCheckThatHolds : mlir::OpRewritePattern<core::CheckOp> {
  using OpRewritePattern::OpRewritePattern;
  mlir::LogicalResult matchAndRewrite(core::CheckOp op, mlir::PatternRewriter& rewriter) const override {
    mlir::DenseElementsAttr pred = SmallConstant(op.getPred());
    if (!pred || !llvm::all_of(pred.getValues<bool>(), [](bool b) { return b; })) return mlir::failure();
    rewriter.eraseOp(op);
    return mlir::success();
  }
};

}  // namespace

void AddConstantFolding(mlir::RewritePatternSet& patterns) {
  patterns.add<FoldConstants, DropCheckThatHolds>(patterns.getContext());
}

}  // namespace stator::compiler
