#ifndef STATOR_COMPILER_REFERENCE_REDUCTION_H_
#define STATOR_COMPILER_REFERENCE_REDUCTION_H_

// Reductions in the fixed order. f16 and bf16 are combined in f32 and rounded once; integers wrap.
// Kinds are named as in the dialect: add, mul, max, min, and, or.

#include <string_view>

#include "absl/types/span.h"
#include "compiler/reference/tensor.h"

namespace stator::compiler::reference {

using Ints = absl::Span<const int64_t>;

// Elements of one result are numbered row-major over the reduced dimensions and split into blocks
// of `block`. In a block lane l starts from the identity and combines elements l, l + lanes, ... in
// order; lanes are combined by halving (lane l takes lane l + lanes/2, ...); block results by a
// balanced tree whose left part is the largest power of two below the count. `lanes` is a power of
// two.
struct ReduceOrder {
  int64_t lanes = 1;
  int64_t block = 1;
};

absl::StatusOr<Tensor> Reduce(Budget& budget, std::string_view kind, const Tensor& operand,
                              Ints dimensions, const ReduceOrder& order);

// kind: argmax or argmin. The index of the first extreme element; a NaN is the extreme. 0 for none.
absl::StatusOr<Tensor> ArgReduce(Budget& budget, std::string_view kind, const Tensor& operand,
                                 int64_t dimension, DType index_dtype);

struct WindowSpec {
  Ints sizes, strides, dilations, padding_low, padding_high;
};

// Starts from the identity and combines the window's positions in row-major order; padded positions
// hold the identity.
absl::StatusOr<Tensor> ReduceWindow(Budget& budget, std::string_view kind, const Tensor& operand,
                                    const WindowSpec& window);

// Adds each source element at the first largest operand element of its window (a NaN is the
// largest), windows in row-major order. A window without elements is dropped.
absl::StatusOr<Tensor> SelectAndScatter(Budget& budget, const Tensor& operand, const Tensor& source,
                                        const WindowSpec& window);

// Running combination from the identity; each result is rounded, the running value is not.
absl::StatusOr<Tensor> Cumulative(Budget& budget, std::string_view kind, const Tensor& operand,
                                  int64_t dimension, bool exclusive, bool reverse);

}  // namespace stator::compiler::reference

#endif  // STATOR_COMPILER_REFERENCE_REDUCTION_H_
