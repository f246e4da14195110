#include "compiler/passes/fuse/op_class.h"

#include "compiler/dialect/core_dialect.h"
#include "llvm/ADT/TypeSwitch.h"

namespace stator::compiler {
namespace {

// A constant of at most this many elements is built into the code.
constexpr int64_t kMaxInlineConstant = 16;

bool IsInlineConstant(core::ConstantOp op) {
  auto type = llvm::cast<mlir::RankedTensorType>(op.getType());
  if (!type.getElementType().isIntOrFloat()) return false;
  return type.getNumElements() <= kMaxInlineConstant || op.getValue().isSplat();
}

}  // namespace

OpClass Classify(mlir::Operation* op) {
  if (op->hasTrait<core::ElementwiseOp>()) return OpClass::kElementwise;
  return llvm::TypeSwitch<mlir::Operation*, OpClass>(op)
      .Case([](core::ConstantOp c) { return IsInlineConstant(c) ? OpClass::kFree : OpClass::kOutside; })
      .Case<core::DimValuesOp, core::IotaOp>([](auto) { return OpClass::kFree; })
      .Case<core::BroadcastInDimOp>([](auto) { return OpClass::kBroadcast; })
      .Case<core::RngBitsOp>([](auto) { return OpClass::kElementwise; })
      .Case<core::TransposeOp, core::SliceOp, core::PadOp, core::ReverseOp>([](auto) { return OpClass::kMovement; })
      .Case<core::ConcatenateOp, core::GatherOp, core::DynamicSliceOp>([](auto) { return OpClass::kScattered; })
      .Case<core::ReshapeOp, core::AssumeDimsOp>([](auto) { return OpClass::kView; })
      .Case<core::ReduceOp>([](auto) { return OpClass::kReduce; })
      .Case<core::DotGeneralOp, core::ConvolutionOp>([](auto) { return OpClass::kContraction; })
      .Case<core::ReduceWindowOp, core::SelectAndScatterOp>([](auto) { return OpClass::kWindow; })
      .Case<core::CumulativeOp, core::DynamicUpdateSliceOp,
            core::ScatterOp, core::SortOp, core::TopKOp, core::CompactOp>([](auto) { return OpClass::kAlone; })
      .Default([](mlir::Operation*) { return OpClass::kOutside; });
}

llvm::StringRef KindOf(mlir::Operation* op) {
  return llvm::TypeSwitch<mlir::Operation*, llvm::StringRef>(op)
      .Case<core::ReduceOp>([](auto) { return "reduce"; })
      .Case<core::DotGeneralOp, core::ConvolutionOp>([](auto) { return "contraction"; })
      .Case<core::ScatterOp>([](auto) { return "scatter"; })
      .Case<core::SortOp>([](auto) { return "sort"; })
      .Case<core::TopKOp>([](auto) { return "top_k"; })
      .Case<core::CompactOp>([](auto) { return "compact"; })
      .Default([](mlir::Operation*) { return "loop"; });
}

bool ReducesTrailingDims(mlir::Operation* op) {
  auto reduce = llvm::dyn_cast<core::ReduceOp>(op);
  if (!reduce) return false;
  const int64_t rank = core::RankOf(reduce.getOperand());
  llvm::SmallVector<int64_t> dims(reduce.getDimensions());
  llvm::sort(dims);
  if (dims.empty() || static_cast<int64_t>(dims.size()) == rank) return false;
  for (size_t i = 0; i < dims.size(); ++i) {
    if (dims[i] != rank - static_cast<int64_t>(dims.size()) + static_cast<int64_t>(i)) return false;
  }
  return true;
}

}  // namespace stator::compiler
