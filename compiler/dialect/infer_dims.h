#ifndef STATOR_COMPILER_DIALECT_INFER_DIMS_H_
#define STATOR_COMPILER_DIALECT_INFER_DIMS_H_

// The dimensions of each primitive's result: the one place that knows them. Verifiers compare with them, CoreBuilder
// builds with them. A failure says which rule was broken, what was expected and what was found.

#include <string>

#include "compiler/dialect/core_dialect.h"

namespace stator::core {

struct InferredDims {
  Dims dims;
  std::string error;  // empty when the dimensions are valid

  explicit operator bool() const { return error.empty(); }
};

InferredDims InferBroadcastInDim(const Dims& operand, llvm::ArrayRef<int64_t> broadcast_dimensions, const Dims& result);
InferredDims InferTranspose(const Dims& operand, llvm::ArrayRef<int64_t> permutation);
InferredDims InferSlice(const Dims& operand, llvm::ArrayRef<DimExpr> start, llvm::ArrayRef<DimExpr> limit,
                        llvm::ArrayRef<int64_t> strides);
InferredDims InferPad(const Dims& operand, llvm::ArrayRef<DimExpr> low, llvm::ArrayRef<DimExpr> high,
                      llvm::ArrayRef<int64_t> interior);
InferredDims InferConcatenate(llvm::ArrayRef<Dims> operands, int64_t dimension);
InferredDims InferGather(const Dims& operand, const Dims& indices, int64_t axis, int64_t batch_dims);
InferredDims InferDotGeneral(const Dims& lhs, const Dims& rhs, llvm::ArrayRef<int64_t> lhs_batch,
                             llvm::ArrayRef<int64_t> rhs_batch, llvm::ArrayRef<int64_t> lhs_contract,
                             llvm::ArrayRef<int64_t> rhs_contract);

struct ConvolutionShape {
  llvm::ArrayRef<int64_t> window_strides;
  llvm::ArrayRef<DimExpr> padding_low, padding_high;
  llvm::ArrayRef<int64_t> lhs_dilation, rhs_dilation;
  ConvDimensionsAttr dimension_numbers;
  int64_t feature_group_count = 1;
};
InferredDims InferConvolution(const Dims& lhs, const Dims& rhs, const ConvolutionShape& conv);

InferredDims InferReduce(const Dims& operand, ReduceKind kind, llvm::ArrayRef<int64_t> dimensions);
InferredDims InferReduceWindow(const Dims& operand, llvm::ArrayRef<int64_t> window, llvm::ArrayRef<int64_t> strides,
                               llvm::ArrayRef<int64_t> dilations, llvm::ArrayRef<DimExpr> low,
                               llvm::ArrayRef<DimExpr> high);

// "[b, 4, b*s]", for messages.
std::string ToString(llvm::ArrayRef<DimExpr> dims);

}  // namespace stator::core

#endif  // STATOR_COMPILER_DIALECT_INFER_DIMS_H_
