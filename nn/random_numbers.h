#ifndef STATOR_NN_RANDOM_NUMBERS_H_
#define STATOR_NN_RANDOM_NUMBERS_H_

#include <cstdint>

#include "graph/node_builder.h"

namespace stator::nn {

struct RandomSource {
  uint64_t key;  // below 2^63
  // An int64 scalar, the counter's high word: no two steps share a number. 0 if invalid.
  graph::Output step;
  // An int64 scalar whose bits flip those of the key; none if invalid.
  graph::Output seed;
};

// Philox numbers in [0, 1) or of the standard normal distribution. `shape` is a tensor or a list of
// sizes.
graph::Output UniformNumbers(const graph::Scope& scope, const graph::Input& shape,
                             const RandomSource& source, DataType dtype);
graph::Output NormalNumbers(const graph::Scope& scope, const graph::Input& shape,
                            const RandomSource& source, DataType dtype);

}  // namespace stator::nn

#endif  // STATOR_NN_RANDOM_NUMBERS_H_
