#include "compiler/passes/fix_sum_order/fix_sum_order.h"

#include "compiler/dialect/sum_order.h"

namespace stator::compiler {
namespace {

core::AccumulateAttr ToAttr(mlir::MLIRContext* context, core::SumOrder order) {
  return core::AccumulateAttr::get(context, order.lanes, order.block);
}

}  // namespace

void FixSumOrder(mlir::ModuleOp module) {
  mlir::MLIRContext* context = module.getContext();
  auto contraction = ToAttr(context, core::ContractionOrder());
  module.walk([&](mlir::Operation* op) {
    if (auto dot = llvm::dyn_cast<core::DotGeneralOp>(op)) {
      dot.setAccumulateAttr(contraction);
    } else if (auto conv = llvm::dyn_cast<core::ConvolutionOp>(op)) {
      conv.setAccumulateAttr(contraction);
    } else if (auto reduce = llvm::dyn_cast<core::ReduceOp>(op)) {
      const int64_t rank = core::RankOf(reduce.getOperand());
      const bool along_innermost = llvm::is_contained(reduce.getDimensions(), rank - 1);
      const bool is_f64 = core::ElementTypeOf(reduce.getOperand()).isF64();
      reduce.setAccumulateAttr(ToAttr(context, core::ReductionOrder(is_f64, along_innermost)));
    }
  });
}

}  // namespace stator::compiler
