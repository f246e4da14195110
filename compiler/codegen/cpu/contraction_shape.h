// dot_general and convolution as lists of dimensions with symbolic sizes and strides.
#ifndef STATOR_COMPILER_CODEGEN_CPU_CONTRACTION_SHAPE_H_
#define STATOR_COMPILER_CODEGEN_CPU_CONTRACTION_SHAPE_H_

#include <vector>

#include "absl/status/statusor.h"
#include "compiler/codegen/cpu/contraction_spec.h"
#include "compiler/codegen/cpu/int_math.h"
#include "compiler/dialect/core_dialect.h"

namespace stator::compiler {

// One dimension, or several that follow each other in the result and were joined. Strides are in
// elements, null (0) in a tensor that the dimension does not index.
struct SymbolicDim {
  core::DimExpr extent, a, b, out;
  // Of batch, m and n: the result dimensions [result_dim, result_dim + result_dims) that it makes
  // up. Where feature groups split one of them, its position is the sum of index * result_scale
  // (null: 1) over its two parts.
  int result_dim = -1;
  int result_dims = 1;
  core::DimExpr result_scale = core::DimExpr();
};

// Operands and result are dense and row-major. Dimensions of the constant size 1 are left out.
struct ContractionShape {
  mlir::Operation* op = nullptr;
  std::vector<SymbolicDim> batch, m, n, k;  // outermost first; k in the order of the sum
};

bool IsContraction(mlir::Operation* op);

// Unimplemented for padded and input-dilated convolutions, for element types that are not numbers
// of a kernel, and for an order of the sum that is not that of contraction_spec.h.
absl::StatusOr<ContractionShape> ShapeOfContraction(mlir::Operation* op);

// Joins neighbours that are one dimension in all tensors; those of the result only where
// joinable[i], which is whether its dimensions i and i + 1 may be joined.
void JoinDims(ContractionShape* shape, const std::vector<bool>& joinable);

ContractionType ContractionTypeOf(mlir::Type core_element);

// With its sizes among the kernel's scalars. Buffers are not set.
ContractionSpec ToSpec(const ContractionShape& shape, ScalarTable* scalars);
core::DimExpr ToDimExpr(const SizeFormula& formula, const ScalarTable& scalars,
                        core::DimContext& context);

}  // namespace stator::compiler

#endif  // STATOR_COMPILER_CODEGEN_CPU_CONTRACTION_SHAPE_H_
