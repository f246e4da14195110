#ifndef STATOR_COMPILER_REFERENCE_CONTRACTION_H_
#define STATOR_COMPILER_REFERENCE_CONTRACTION_H_

// Sums of products in the fixed order: a chain of fused multiply-adds, starting from 0, over
// increasing k within chunks of `block` consecutive k; the chunks' results are added in order. f16
// and bf16 are summed in f32 and rounded once; integers wrap.

#include "absl/types/span.h"
#include "compiler/reference/tensor.h"

namespace stator::compiler::reference {

using Ints = absl::Span<const int64_t>;

struct DotDimensions {
  Ints lhs_batch, rhs_batch, lhs_contract, rhs_contract;
};

// k runs over the contracting dimensions in the order of their lists, the last one fastest. The
// result's dimensions are batch, lhs free, rhs free.
absl::StatusOr<Tensor> DotGeneral(Budget& budget, const Tensor& lhs, const Tensor& rhs,
                                  const DotDimensions& dimensions, DType result_dtype,
                                  int64_t block);

struct ConvolutionSpec {
  Ints strides, padding_low, padding_high, lhs_dilation, rhs_dilation;
  int64_t input_batch, input_feature;
  Ints input_spatial;
  int64_t kernel_input_feature, kernel_output_feature;
  Ints kernel_spatial;
  int64_t output_batch, output_feature;
  Ints output_spatial;
  int64_t feature_group_count;
};

// k runs over the kernel's dimensions but its output features, in row-major order of the kernel as it
// lies in memory. Positions in the padding and between dilated elements count as zeros.
absl::StatusOr<Tensor> Convolution(Budget& budget, const Tensor& lhs, const Tensor& rhs,
                                   const ConvolutionSpec& spec, DType result_dtype, int64_t block);

}  // namespace stator::compiler::reference

#endif  // STATOR_COMPILER_REFERENCE_CONTRACTION_H_
