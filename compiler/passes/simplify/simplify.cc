#include "compiler/passes/simplify/simplify.h"

#include "compiler/dialect/core_builder.h"
#include "compiler/passes/simplify/fold_constants.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "mlir/Transforms/Passes.h"

namespace stator::compiler {
namespace {

using core::CoreBuilder;
using core::Dims;

// dot_general(transpose(a), b): the contraction reads `a` in its own order. The free dimensions must keep theirs.
struct FoldTransposeIntoDot : mlir::OpRewritePattern<core::DotGeneralOp> {
  using OpRewritePattern::OpRewritePattern;

  // Dimensions of the transposed operand's source, or none if its free dimensions would change order.
  static bool Remap(core::TransposeOp transpose, llvm::ArrayRef<int64_t> batch, llvm::ArrayRef<int64_t> contract,
                    llvm::SmallVector<int64_t>& new_batch, llvm::SmallVector<int64_t>& new_contract) {
    llvm::ArrayRef<int64_t> permutation = transpose.getPermutation();
    int64_t last_free = -1;
    for (size_t i = 0; i < permutation.size(); ++i) {
      if (llvm::is_contained(batch, static_cast<int64_t>(i)) || llvm::is_contained(contract, static_cast<int64_t>(i))) {
        continue;
      }
      if (permutation[i] < last_free) return false;
      last_free = permutation[i];
    }
    for (int64_t axis : batch) new_batch.push_back(permutation[axis]);
    for (int64_t axis : contract) new_contract.push_back(permutation[axis]);
    return true;
  }

  mlir::LogicalResult matchAndRewrite(core::DotGeneralOp op, mlir::PatternRewriter& rewriter) const override {
    bool changed = false;
    mlir::Value lhs = op.getLhs(), rhs = op.getRhs();
    llvm::SmallVector<int64_t> lb(op.getLhsBatchingDimensions()), lc(op.getLhsContractingDimensions());
    llvm::SmallVector<int64_t> rb(op.getRhsBatchingDimensions()), rc(op.getRhsContractingDimensions());
    auto fold = [&](mlir::Value& operand, llvm::SmallVector<int64_t>& batch, llvm::SmallVector<int64_t>& contract) {
      auto transpose = operand.getDefiningOp<core::TransposeOp>();
      llvm::SmallVector<int64_t> new_batch, new_contract;
      if (!transpose || !Remap(transpose, batch, contract, new_batch, new_contract)) return;
      operand = transpose.getOperand();
      batch = new_batch;
      contract = new_contract;
      changed = true;
    };
    fold(lhs, lb, lc);
    fold(rhs, rb, rc);
    if (!changed) return rewriter.notifyMatchFailure(op, "no operand is a transpose that keeps the free order");
    rewriter.replaceOpWithNewOp<core::DotGeneralOp>(op, op.getType(), lhs, rhs, lb, rb, lc, rc, op.getAccumulateAttr());
    return mlir::success();
  }
};

// transpose(dot_general(a, b)) of two free dimensions is dot_general(b, a).
struct FoldTransposeOfDot : mlir::OpRewritePattern<core::TransposeOp> {
  using OpRewritePattern::OpRewritePattern;
  mlir::LogicalResult matchAndRewrite(core::TransposeOp op, mlir::PatternRewriter& rewriter) const override {
    auto dot = op.getOperand().getDefiningOp<core::DotGeneralOp>();
    if (!dot || !dot->hasOneUse()) return mlir::failure();
    const int64_t batch = static_cast<int64_t>(dot.getLhsBatchingDimensions().size());
    if (core::RankOf(dot.getResult()) != batch + 2) return mlir::failure();
    const int64_t lhs_free = core::RankOf(dot.getLhs()) - batch - static_cast<int64_t>(dot.getLhsContractingDimensions().size());
    if (lhs_free != 1) return mlir::failure();
    for (int64_t i = 0; i < batch; ++i) {
      if (op.getPermutation()[i] != i) return mlir::failure();
    }
    if (op.getPermutation()[batch] != batch + 1) return mlir::failure();
    rewriter.replaceOpWithNewOp<core::DotGeneralOp>(op, op.getType(), dot.getRhs(), dot.getLhs(),
                                                    dot.getRhsBatchingDimensions(), dot.getLhsBatchingDimensions(),
                                                    dot.getRhsContractingDimensions(), dot.getLhsContractingDimensions(),
                                                    dot.getAccumulateAttr());
    return mlir::success();
  }
};

// reshape or transpose of a broadcast scalar is a broadcast scalar.
template <typename OpT>
struct MoveOfSplat : mlir::OpRewritePattern<OpT> {
  using mlir::OpRewritePattern<OpT>::OpRewritePattern;
  mlir::LogicalResult matchAndRewrite(OpT op, mlir::PatternRewriter& rewriter) const override {
    auto broadcast = op.getOperand().template getDefiningOp<core::BroadcastInDimOp>();
    if (!broadcast || core::RankOf(broadcast.getOperand()) != 0) return mlir::failure();
    rewriter.replaceOpWithNewOp<core::BroadcastInDimOp>(op, op.getType(), broadcast.getOperand(),
                                                        rewriter.getDenseI64ArrayAttr({}));
    return mlir::success();
  }
};

}  // namespace

void InlineComposites(mlir::ModuleOp module) {
  bool found = true;
  while (found) {
    found = false;
    llvm::SmallVector<mlir::Operation*> ops;
    module.walk([&](mlir::Operation* op) {
      if (llvm::isa<core::CompositeOp, core::StopGradientOp>(op)) ops.push_back(op);
    });
    for (mlir::Operation* op : ops) {
      // A composite inside another one's region is met again in the next round.
      if (op->getParentOfType<core::CompositeOp>()) continue;
      found = true;
      if (auto stop = llvm::dyn_cast<core::StopGradientOp>(op)) {
        stop.getResult().replaceAllUsesWith(stop.getOperand());
        op->erase();
        continue;
      }
      auto composite = llvm::cast<core::CompositeOp>(op);
      mlir::Block& body = composite.getBody().front();
      mlir::Operation* terminator = body.getTerminator();
      for (auto [argument, operand] : llvm::zip(body.getArguments(), composite.getOperands())) {
        argument.replaceAllUsesWith(operand);
      }
      composite.replaceAllUsesWith(terminator->getOperands());
      terminator->erase();
      op->getBlock()->getOperations().splice(op->getIterator(), body.getOperations());
      op->erase();
    }
  }
}

mlir::LogicalResult Simplify(mlir::ModuleOp module) {
  mlir::MLIRContext* context = module.getContext();
  mlir::RewritePatternSet patterns(context);
  patterns.add<FoldTransposeIntoDot, FoldTransposeOfDot, MoveOfSplat<core::ReshapeOp>, MoveOfSplat<core::TransposeOp>>(
      context);
  AddConstantFolding(patterns);
  if (mlir::failed(mlir::applyPatternsAndFoldGreedily(module, std::move(patterns)))) return mlir::failure();
  mlir::PassManager passes(context);
  passes.addPass(mlir::createCSEPass());
  return passes.run(module);
}

void MakePaddingExplicit(mlir::ModuleOp module) {
  module.walk([](core::ConvolutionOp op) {
    auto is_zero = [](core::DimExpr e) { return e.IsConstant(0); };
    const bool padded = !llvm::all_of(op.getPaddingLow().getDims(), is_zero) ||
                        !llvm::all_of(op.getPaddingHigh().getDims(), is_zero) ||
                        llvm::any_of(op.getLhsDilation(), [](int64_t d) { return d != 1; });
    if (!padded) return;
    mlir::OpBuilder builder(op);
    CoreBuilder b(builder, op.getLoc());
    const size_t rank = core::RankOf(op.getLhs());
    Dims low(rank, b.Dim(0)), high(rank, b.Dim(0));
    llvm::SmallVector<int64_t> interior(rank, 0);
    llvm::ArrayRef<int64_t> spatial = op.getDimensionNumbers().getInputSpatial();
    for (size_t i = 0; i < spatial.size(); ++i) {
      low[spatial[i]] = op.getPaddingLow().getDims()[i];
      high[spatial[i]] = op.getPaddingHigh().getDims()[i];
      interior[spatial[i]] = op.getLhsDilation()[i] - 1;
    }
    CoreBuilder::Conv conv;
    conv.strides.assign(op.getWindowStrides().begin(), op.getWindowStrides().end());
    conv.lhs_dilation.assign(spatial.size(), 1);
    conv.rhs_dilation.assign(op.getRhsDilation().begin(), op.getRhsDilation().end());
    conv.padding_low = conv.padding_high = Dims(spatial.size(), b.Dim(0));
    conv.dimension_numbers = op.getDimensionNumbers();
    conv.feature_group_count = static_cast<int64_t>(op.getFeatureGroupCount());
    mlir::Value zero = b.Scalar(core::ElementTypeOf(op.getLhs()), 0);
    mlir::Value result = b.Convolution(b.Pad(op.getLhs(), zero, low, high, interior), op.getRhs(), conv);
    if (!result) return;  // cannot happen for verified ops; the padded form stays and is reported as not lowered
    // The padded sizes give the same result by another expression where sizes are symbolic.
    if (result.getType() != op.getType()) {
      result = builder.create<core::AssumeDimsOp>(op.getLoc(), op.getType(), result);
    }
    op.getResult().replaceAllUsesWith(result);
    op.erase();
  });
}

}  // namespace stator::compiler
