#ifndef STATOR_COMPILER_REFERENCE_ELEMENTWISE_H_
#define STATOR_COMPILER_REFERENCE_ELEMENTWISE_H_

// One result element per index. Operands have equal dimensions.

#include <string_view>

#include "absl/types/span.h"
#include "compiler/reference/tensor.h"

namespace stator::compiler::reference {

// A unary or binary function by the name of its op ("add", "exponential", ...), all operands and
// the result of one dtype. Functions that only floats or only integers have are InvalidArgument for
// others.
absl::StatusOr<Tensor> Elementwise(Budget& budget, std::string_view name,
                                   absl::Span<const Tensor> operands);

absl::StatusOr<Tensor> IsFinite(Budget& budget, const Tensor& operand);

// direction: EQ, NE, GE, GT, LE or LT.
absl::StatusOr<Tensor> Compare(Budget& budget, std::string_view direction, const Tensor& lhs,
                               const Tensor& rhs);

absl::StatusOr<Tensor> Select(Budget& budget, const Tensor& pred, const Tensor& on_true,
                              const Tensor& on_false);

absl::StatusOr<Tensor> Clamp(Budget& budget, const Tensor& min, const Tensor& operand,
                             const Tensor& max);

absl::StatusOr<Tensor> Convert(Budget& budget, const Tensor& operand, DType to);

// Same bits; `to` has the same width.
absl::StatusOr<Tensor> BitcastConvert(Budget& budget, const Tensor& operand, DType to);

}  // namespace stator::compiler::reference

#endif  // STATOR_COMPILER_REFERENCE_ELEMENTWISE_H_
