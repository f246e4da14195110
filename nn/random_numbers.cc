#include "nn/random_numbers.h"

#include <vector>

#include "ops/wrappers.h"

namespace stator::nn {
namespace {

using graph::Input;
using graph::Output;
using graph::Scope;

constexpr int kPhilox = 1;

Output Key(const Scope& scope, const RandomSource& source) {
  const Output key =
      graph::Constant(scope, std::vector<int64_t>{static_cast<int64_t>(source.key)}, DT_UINT64);
  if (!source.seed.valid()) return key;
  return ops::BitwiseXor(scope, key, ops::Cast(scope, source.seed, DT_UINT64));
}

Output Counter(const Scope& scope, const RandomSource& source) {
  const Output zero = graph::Constant(scope, 0, DT_UINT64);
  const Output high = source.step.valid() ? ops::Cast(scope, source.step, DT_UINT64) : zero;
  return ops::Pack(scope, {zero, high});
}

}  // namespace

Output UniformNumbers(const Scope& scope, const Input& shape, const RandomSource& source,
                      DataType dtype) {
  return ops::StatelessRandomUniformV2(scope, shape, Key(scope, source), Counter(scope, source),
                                       kPhilox, {.dtype = dtype});
}

Output NormalNumbers(const Scope& scope, const Input& shape, const RandomSource& source,
                     DataType dtype) {
  return ops::StatelessRandomNormalV2(scope, shape, Key(scope, source), Counter(scope, source),
                                      kPhilox, {.dtype = dtype});
}

}  // namespace stator::nn
