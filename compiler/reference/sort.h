#ifndef STATOR_COMPILER_REFERENCE_SORT_H_
#define STATOR_COMPILER_REFERENCE_SORT_H_

#include <utility>
#include <vector>

#include "absl/types/span.h"
#include "compiler/reference/tensor.h"

namespace stator::compiler::reference {

// Sorts along a dimension by the first operand, stably; the other operands follow. -0 equals +0;
// NaNs come last in either direction.
absl::StatusOr<std::vector<Tensor>> Sort(Budget& budget, absl::Span<const Tensor> operands,
                                         int64_t dimension, bool descending);

// The k first elements of the last dimension sorted in descending order, and their i32 indices.
absl::StatusOr<std::pair<Tensor, Tensor>> TopK(Budget& budget, const Tensor& operand, int64_t k);

}  // namespace stator::compiler::reference

#endif  // STATOR_COMPILER_REFERENCE_SORT_H_
