// Evaluators of the elementwise, known-value and shape primitives.

#include "absl/strings/str_cat.h"
#include "compiler/reference/elementwise.h"
#include "compiler/reference/frame.h"
#include "compiler/reference/number.h"
#include "compiler/reference/shape.h"
#include "graph/status_macros.h"

namespace stator::compiler::reference {
namespace {

using TensorOr = absl::StatusOr<Tensor>;

absl::StatusOr<DType> ResultDType(mlir::Operation* op) {
  return DTypeOf(core::ElementTypeOf(op->getResult(0)));
}

TensorOr EvaluateDimValues(core::DimValuesOp op, Frame& f) {
  STATOR_ASSIGN_OR_RETURN(const DType dtype, ResultDType(op));
  STATOR_ASSIGN_OR_RETURN(const Shape values, f.Evaluate(op.getValues().getDims()));
  STATOR_ASSIGN_OR_RETURN(Shape dims, f.DimsOfType(op.getResult()));
  STATOR_ASSIGN_OR_RETURN(Tensor result, f.budget().Allocate(dtype, std::move(dims)));
  for (int64_t i = 0; i < result.num_elements(); ++i) {
    if (dtype == DType::kInt32 && values[i] != static_cast<int32_t>(values[i])) {
      return absl::InvalidArgumentError(absl::StrCat("size ", values[i], " does not fit int32"));
    }
    Store<int64_t>(result, i, values[i]);
  }
  return result;
}

Shape Starts(mlir::OperandRange starts, Frame& f) {
  Shape values;
  for (mlir::Value v : starts) values.push_back(f.integer(v));
  return values;
}

// Those that need more than their operands' elements of one type.
void AddElementwiseOps(OpTable& table) {
  OnTensor<core::IsFiniteOp>(table, [](core::IsFiniteOp op, Frame& f) -> TensorOr {
    return IsFinite(f.budget(), f.tensor(op.getOperand()));
  });
  OnTensor<core::CompareOp>(table, [](core::CompareOp op, Frame& f) -> TensorOr {
    const llvm::StringRef direction = core::stringifyComparisonDirection(op.getDirection());
    return Compare(f.budget(), {direction.data(), direction.size()}, f.tensor(op.getLhs()),
                   f.tensor(op.getRhs()));
  });
  OnTensor<core::SelectOp>(table, [](core::SelectOp op, Frame& f) -> TensorOr {
    return Select(f.budget(), f.tensor(op.getPred()), f.tensor(op.getOnTrue()),
                  f.tensor(op.getOnFalse()));
  });
  OnTensor<core::ClampOp>(table, [](core::ClampOp op, Frame& f) -> TensorOr {
    return Clamp(f.budget(), f.tensor(op.getMin()), f.tensor(op.getOperand()),
                 f.tensor(op.getMax()));
  });
  OnTensor<core::ConvertOp>(table, [](core::ConvertOp op, Frame& f) -> TensorOr {
    STATOR_ASSIGN_OR_RETURN(const DType dtype, ResultDType(op));
    return Convert(f.budget(), f.tensor(op.getOperand()), dtype);
  });
  OnTensor<core::BitcastConvertOp>(table, [](core::BitcastConvertOp op, Frame& f) -> TensorOr {
    STATOR_ASSIGN_OR_RETURN(const DType dtype, ResultDType(op));
    return BitcastConvert(f.budget(), f.tensor(op.getOperand()), dtype);
  });
}

void AddSizedOps(OpTable& table) {
  OnTensor<core::ConstantOp>(table, [](core::ConstantOp op, Frame& f) -> TensorOr {
    return TensorOf(f.budget(), op.getValue());
  });
  OnTensor<core::DimValuesOp>(table, EvaluateDimValues);
  OnTensor<core::GetDimOp>(table, [](core::GetDimOp op, Frame& f) -> TensorOr {
    STATOR_ASSIGN_OR_RETURN(const DType dtype, ResultDType(op));
    STATOR_ASSIGN_OR_RETURN(Tensor result, f.budget().Allocate(dtype, {}));
    Store<int64_t>(result, 0, f.tensor(op.getOperand()).dims()[op.getDimension()]);
    return result;
  });
  OnTensor<core::IotaOp>(table, [](core::IotaOp op, Frame& f) -> TensorOr {
    STATOR_ASSIGN_OR_RETURN(const DType dtype, ResultDType(op));
    STATOR_ASSIGN_OR_RETURN(const Shape dims, f.DimsOfType(op.getResult()));
    return Iota(f.budget(), dtype, dims, op.getDimension());
  });
  OnTensor<core::BroadcastInDimOp>(table, [](core::BroadcastInDimOp op, Frame& f) -> TensorOr {
    STATOR_ASSIGN_OR_RETURN(const Shape dims, f.DimsOfType(op.getResult()));
    return BroadcastInDim(f.budget(), f.tensor(op.getOperand()),
                          AsSpan(op.getBroadcastDimensions()), dims);
  });
  OnTensor<core::ReshapeOp>(table, [](core::ReshapeOp op, Frame& f) -> TensorOr {
    STATOR_ASSIGN_OR_RETURN(const Shape dims, f.DimsOfType(op.getResult()));
    return Reshape(f.tensor(op.getOperand()), dims);
  });
  OnTensor<core::AssumeDimsOp>(
      table, [](core::AssumeDimsOp op, Frame& f) -> TensorOr { return f.tensor(op.getOperand()); });
  OnTensor<core::DynamicSliceOp>(table, [](core::DynamicSliceOp op, Frame& f) -> TensorOr {
    STATOR_ASSIGN_OR_RETURN(const Shape sizes, f.DimsOfType(op.getResult()));
    return DynamicSlice(f.budget(), f.tensor(op.getOperand()), Starts(op.getStartIndices(), f),
                        sizes);
  });
  OnTensor<core::DynamicUpdateSliceOp>(
      table, [](core::DynamicUpdateSliceOp op, Frame& f) -> TensorOr {
        return DynamicUpdateSlice(f.budget(), f.tensor(op.getOperand()), f.tensor(op.getUpdate()),
                                  Starts(op.getStartIndices(), f));
      });
}

void AddMovementOps(OpTable& table) {
  OnTensor<core::TransposeOp>(table, [](core::TransposeOp op, Frame& f) -> TensorOr {
    return Transpose(f.budget(), f.tensor(op.getOperand()), AsSpan(op.getPermutation()));
  });
  OnTensor<core::SliceOp>(table, [](core::SliceOp op, Frame& f) -> TensorOr {
    STATOR_ASSIGN_OR_RETURN(const Shape start, f.Evaluate(op.getStartIndices().getDims()));
    STATOR_ASSIGN_OR_RETURN(const Shape limit, f.Evaluate(op.getLimitIndices().getDims()));
    return Slice(f.budget(), f.tensor(op.getOperand()), start, limit, AsSpan(op.getStrides()));
  });
  OnTensor<core::PadOp>(table, [](core::PadOp op, Frame& f) -> TensorOr {
    STATOR_ASSIGN_OR_RETURN(const Shape low, f.Evaluate(op.getEdgePaddingLow().getDims()));
    STATOR_ASSIGN_OR_RETURN(const Shape high, f.Evaluate(op.getEdgePaddingHigh().getDims()));
    return Pad(f.budget(), f.tensor(op.getOperand()), f.tensor(op.getPaddingValue()), low, high,
               AsSpan(op.getInteriorPadding()));
  });
  OnTensor<core::ConcatenateOp>(table, [](core::ConcatenateOp op, Frame& f) -> TensorOr {
    return Concatenate(f.budget(), f.tensors(op.getInputs()), op.getDimension());
  });
  OnTensor<core::ReverseOp>(table, [](core::ReverseOp op, Frame& f) -> TensorOr {
    return Reverse(f.budget(), f.tensor(op.getOperand()), AsSpan(op.getDimensions()));
  });
  OnTensor<core::GatherOp>(table, [](core::GatherOp op, Frame& f) -> TensorOr {
    return Gather(f.budget(), f.tensor(op.getOperand()), f.tensor(op.getIndices()), op.getAxis(),
                  op.getBatchDims());
  });
  OnTensor<core::ScatterOp>(table, [](core::ScatterOp op, Frame& f) -> TensorOr {
    const llvm::StringRef kind = core::stringifyScatterKind(op.getKind());
    return Scatter(f.budget(), {kind.data(), kind.size()}, f.tensor(op.getOperand()),
                   f.tensor(op.getIndices()), f.tensor(op.getUpdates()), op.getAxis(),
                   op.getBatchDims());
  });
  OnTensor<core::CompactOp>(table, [](core::CompactOp op, Frame& f) -> TensorOr {
    return Compact(f.budget(), f.tensor(op.getOperand()), f.tensor(op.getMask()));
  });
}

}  // namespace

absl::Status EvaluateElementwise(mlir::Operation* op, Frame& f) {
  const std::vector<Tensor> operands = f.tensors(op->getOperands());
  const llvm::StringRef name = op->getName().stripDialect();
  STATOR_ASSIGN_OR_RETURN(Tensor result,
                          Elementwise(f.budget(), {name.data(), name.size()}, operands));
  return f.Set(op->getResult(0), std::move(result));
}

void AddElementwiseAndShapeOps(OpTable& table) {
  AddElementwiseOps(table);
  AddSizedOps(table);
  AddMovementOps(table);
}

}  // namespace stator::compiler::reference
