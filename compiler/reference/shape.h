#ifndef STATOR_COMPILER_REFERENCE_SHAPE_H_
#define STATOR_COMPILER_REFERENCE_SHAPE_H_

// Movement of elements: the meaning of the shape primitives on concrete sizes. Sizes that cannot be
// (a slice outside its operand, ...) are InvalidArgument.

#include <string_view>

#include "absl/types/span.h"
#include "compiler/reference/tensor.h"

namespace stator::compiler::reference {

using Ints = absl::Span<const int64_t>;

absl::StatusOr<Tensor> Iota(Budget& budget, DType dtype, const Shape& dims, int64_t dimension);
absl::StatusOr<Tensor> BroadcastInDim(Budget& budget, const Tensor& operand,
                                      Ints broadcast_dimensions, const Shape& dims);
absl::StatusOr<Tensor> Reshape(const Tensor& operand, const Shape& dims);
absl::StatusOr<Tensor> Transpose(Budget& budget, const Tensor& operand, Ints permutation);
absl::StatusOr<Tensor> Slice(Budget& budget, const Tensor& operand, Ints start, Ints limit,
                             Ints strides);
// Starts are clamped so that the block of `sizes` lies inside the operand.
absl::StatusOr<Tensor> DynamicSlice(Budget& budget, const Tensor& operand, Ints start,
                                    const Shape& sizes);
absl::StatusOr<Tensor> DynamicUpdateSlice(Budget& budget, const Tensor& operand,
                                          const Tensor& update, Ints start);
absl::StatusOr<Tensor> Pad(Budget& budget, const Tensor& operand, const Tensor& padding, Ints low,
                           Ints high, Ints interior);
absl::StatusOr<Tensor> Concatenate(Budget& budget, absl::Span<const Tensor> operands,
                                   int64_t dimension);
absl::StatusOr<Tensor> Reverse(Budget& budget, const Tensor& operand, Ints dimensions);
// Indices are clamped; slices of an axis of size 0 are zeros.
absl::StatusOr<Tensor> Gather(Budget& budget, const Tensor& operand, const Tensor& indices,
                              int64_t axis, int64_t batch_dims);
// kind: assign, add, mul, max or min. Each update is rounded to the dtype before the next.
absl::StatusOr<Tensor> Scatter(Budget& budget, std::string_view kind, const Tensor& operand,
                               const Tensor& indices, const Tensor& updates, int64_t axis,
                               int64_t batch_dims);
// The slices along dimension 0 whose mask is true.
absl::StatusOr<Tensor> Compact(Budget& budget, const Tensor& operand, const Tensor& mask);

}  // namespace stator::compiler::reference

#endif  // STATOR_COMPILER_REFERENCE_SHAPE_H_
