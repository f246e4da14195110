// Contractions element by element, for those whose sums are short and whose lanes share nothing:
// depthwise convolutions.

#include "compiler/codegen/cpu/contraction_shape.h"
#include "compiler/codegen/cpu/element_emitter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

namespace stator::compiler {
namespace {

namespace arith = mlir::arith;
using core::DimExpr;
using core::Dims;
using mlir::Value;

// Sums of at most this many products are written out.
constexpr int64_t kUnrolled = 64;

// Positions in the operands for a position of the result and one of k.
class OperandPositions {
 public:
  OperandPositions(IndexSets* sets, mlir::Operation* op, IndexSet result)
      : sets_(*sets), op_(op), result_(result) {
    auto conv = mlir::dyn_cast<core::ConvolutionOp>(op);
    const Dims kernel = core::DimsOf(op->getOperand(1)), lhs = core::DimsOf(op->getOperand(0));
    if (conv) {
      for (int i = 0; i < static_cast<int>(kernel.size()); ++i) {
        if (i != conv.getDimensionNumbers().getKernelOutputFeature()) k_.push_back(kernel[i]);
      }
    } else {
      for (int64_t dim : mlir::cast<core::DotGeneralOp>(op).getLhsContractingDimensions()) {
        k_.push_back(lhs[dim]);
      }
    }
  }

  const Dims& k() const { return k_; }

  std::pair<IndexSet, IndexSet> At(llvm::ArrayRef<LaneIndex> k) {
    const Dims lhs = core::DimsOf(op_->getOperand(0)), rhs = core::DimsOf(op_->getOperand(1));
    std::vector<LaneIndex> a(lhs.size()), b(rhs.size());
    if (auto conv = mlir::dyn_cast<core::ConvolutionOp>(op_)) {
      OfConvolution(conv, k, a, b);
    } else {
      OfDot(mlir::cast<core::DotGeneralOp>(op_), k, a, b);
    }
    return {sets_.Of(lhs, a, result_->lanes), sets_.Of(rhs, b, result_->lanes)};
  }

 private:
  void OfConvolution(core::ConvolutionOp op, llvm::ArrayRef<LaneIndex> k,
                     std::vector<LaneIndex>& a, std::vector<LaneIndex>& b) {
    IntMath& math = sets_.math();
    const core::ConvDimensionsAttr n = op.getDimensionNumbers();
    size_t next = 0;
    for (int64_t i = 0; i < static_cast<int64_t>(b.size()); ++i) {
      if (i != n.getKernelOutputFeature()) b[i] = k[next++];
    }
    const LaneIndex feature = sets_.Dim(result_, static_cast<int>(n.getOutputFeature()));
    b[n.getKernelOutputFeature()] = feature;
    a[n.getInputBatch()] = sets_.Dim(result_, static_cast<int>(n.getOutputBatch()));
    const int64_t groups = static_cast<int64_t>(op.getFeatureGroupCount());
    a[n.getInputFeature()] = b[n.getKernelInputFeature()];
    if (groups > 1) {
      const DimExpr features = core::DimsOf(op.getRhs())[n.getKernelOutputFeature()];
      const DimExpr of_group = core::FloorDiv(features, groups);
      const DimExpr inputs = core::DimsOf(op.getRhs())[n.getKernelInputFeature()];
      LaneIndex group = math.Div(feature, math.PositiveDim(of_group));
      a[n.getInputFeature()] =
          math.Add(math.Mul(group, math.Dim(inputs)), b[n.getKernelInputFeature()]);
    }
    for (size_t i = 0; i < n.getInputSpatial().size(); ++i) {
      const LaneIndex out = sets_.Dim(result_, static_cast<int>(n.getOutputSpatial()[i]));
      a[n.getInputSpatial()[i]] =
          math.Add(math.Mul(out, op.getWindowStrides()[i]),
                   math.Mul(b[n.getKernelSpatial()[i]], op.getRhsDilation()[i]));
    }
  }

  void OfDot(core::DotGeneralOp op, llvm::ArrayRef<LaneIndex> k, std::vector<LaneIndex>& a,
             std::vector<LaneIndex>& b) {
    int next = 0;
    for (auto [l, r] : llvm::zip(op.getLhsBatchingDimensions(), op.getRhsBatchingDimensions())) {
      a[l] = b[r] = sets_.Dim(result_, next++);
    }
    size_t at = 0;
    for (auto [l, r] :
         llvm::zip(op.getLhsContractingDimensions(), op.getRhsContractingDimensions())) {
      a[l] = b[r] = k[at++];
    }
    auto fill_free = [&](std::vector<LaneIndex>& indices, llvm::ArrayRef<int64_t> batch,
                         llvm::ArrayRef<int64_t> contract) {
      for (int64_t i = 0; i < static_cast<int64_t>(indices.size()); ++i) {
        if (!llvm::is_contained(batch, i) && !llvm::is_contained(contract, i)) {
          indices[i] = sets_.Dim(result_, next++);
        }
      }
    };
    fill_free(a, op.getLhsBatchingDimensions(), op.getLhsContractingDimensions());
    fill_free(b, op.getRhsBatchingDimensions(), op.getRhsContractingDimensions());
  }

  IndexSets& sets_;
  mlir::Operation* op_;
  IndexSet result_;
  Dims k_;
};

}  // namespace

Value ElementEmitter::EmitContraction(mlir::Operation* op, IndexSet set) {
  const mlir::Type element = core::ElementTypeOf(op->getResult(0));
  absl::StatusOr<ContractionShape> checked = ShapeOfContraction(op);
  if (!checked.ok()) return Fail(checked.status(), element, set->lanes);
  const mlir::Type wide = AccumulatorType(element);
  const bool is_float = mlir::isa<mlir::FloatType>(element);
  OperandPositions positions(&sets_, op, set);
  auto step = [&](llvm::ArrayRef<LaneIndex> k, Value sum) -> Value {
    auto [at_a, at_b] = positions.At(k);
    Value a = arith_.Convert(Emit(op->getOperand(0), at_a), element, wide);
    Value b = arith_.Convert(Emit(op->getOperand(1), at_b), element, wide);
    if (is_float) return builder().create<mlir::LLVM::FMAOp>(loc(), a, b, sum);
    return builder().create<arith::AddIOp>(loc(), sum,
                                           builder().create<arith::MulIOp>(loc(), a, b));
  };
  auto decode = [&](Int linear) {
    llvm::SmallVector<LaneIndex> k(positions.k().size());
    for (size_t i = k.size(); i-- > 0;) {
      Int size = math_.PositiveDim(positions.k()[i]);
      k[i] = LaneIndex(i == 0 ? linear : math_.Rem(linear, size));
      linear = math_.Div(linear, size);
    }
    return k;
  };
  const DimExpr count = core::Product(kernel_.dims(), positions.k());
  Value zero = Zero(wide, set->lanes);
  if (std::optional<int64_t> known = count.AsConstant(); known && *known <= kUnrolled) {
    Value sum = zero;
    for (int64_t i = 0; i < *known; ++i) sum = step(decode(i), sum);
    return arith_.Convert(sum, wide, element);
  }
  auto chunk = [&](Int from, Int to) {
    return For(from, to, 1, false, {zero}, [&](Int i, const Values& sums) {
      return Values{step(decode(i), sums[0])};
    })[0];
  };
  Int total = math_.Dim(count);
  Value sum = chunk(0, math_.Min(total, kContractionChunk));
  if (!total.IsConstant() || total.constant > kContractionChunk) {
    sum = For(kContractionChunk, total, kContractionChunk, false, {sum},
              [&](Int from, const Values& sums) {
                Value part = chunk(from, math_.Min(math_.Add(from, kContractionChunk), total));
                if (is_float) {
                  return Values{builder().create<arith::AddFOp>(loc(), sums[0], part)};
                }
                return Values{builder().create<arith::AddIOp>(loc(), sums[0], part)};
              })[0];
  }
  return arith_.Convert(sum, wide, element);
}

}  // namespace stator::compiler
