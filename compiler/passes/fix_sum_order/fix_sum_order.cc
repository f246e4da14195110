#include "compiler/passes/fix_sum_order/fix_sum_order.h"

namespace stator::compiler {
namespace {

// Length of one FMA chain of a contraction. Long enough that chunk boundaries cost nothing, short enough that the error
// of a chain stays small and long sums can be split among threads.
constexpr int64_t kContractionChunk = 4096;
// Virtual lanes of a reduction along the innermost dimension: four AVX-512 registers of f32, four of f64.
constexpr int64_t kLanes = 64;
constexpr int64_t kLanesF64 = 32;
// Elements of a block, whose sums are combined by a tree.
constexpr int64_t kLaneBlock = 65536;
constexpr int64_t kColumnBlock = 512;

}  // namespace

void FixSumOrder(mlir::ModuleOp module) {
  mlir::MLIRContext* context = module.getContext();
  auto contraction = core::AccumulateAttr::get(context, 1, kContractionChunk);
  module.walk([&](mlir::Operation* op) {
    if (auto dot = llvm::dyn_cast<core::DotGeneralOp>(op)) {
      dot.setAccumulateAttr(contraction);
    } else if (auto conv = llvm::dyn_cast<core::ConvolutionOp>(op)) {
      conv.setAccumulateAttr(contraction);
    } else if (auto reduce = llvm::dyn_cast<core::ReduceOp>(op)) {
      const int64_t rank = core::RankOf(reduce.getOperand());
      const bool along_innermost = llvm::is_contained(reduce.getDimensions(), rank - 1);
      const int64_t lanes = core::ElementTypeOf(reduce.getOperand()).isF64() ? kLanesF64 : kLanes;
      reduce.setAccumulateAttr(along_innermost ? core::AccumulateAttr::get(context, lanes, kLaneBlock)
                                               : core::AccumulateAttr::get(context, 1, kColumnBlock));
    }
  });
}

}  // namespace stator::compiler
