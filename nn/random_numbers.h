#ifndef STATOR_NN_RANDOM_NUMBERS_H_
#define STATOR_NN_RANDOM_NUMBERS_H_

#include <cstdint>

#include "graph/node_builder.h"

namespace stator::nn {

// Philox numbers of a key below 2^63, in [0, 1) or of the standard normal distribution. `shape` is a tensor or a list
// of sizes. `step`, an int64 scalar, is the counter's high word, so that no two steps share a number; 0 if invalid.
graph::Output UniformNumbers(const graph::Scope& scope, const graph::Input& shape, uint64_t key,
                             const graph::Output& step, DataType dtype);
graph::Output NormalNumbers(const graph::Scope& scope, const graph::Input& shape, uint64_t key,
                            const graph::Output& step, DataType dtype);

}  // namespace stator::nn

#endif  // STATOR_NN_RANDOM_NUMBERS_H_
