#include "nn/random_numbers.h"

#include <vector>

#include "ops/wrappers.h"

namespace stator::nn {
namespace {

using graph::Input;
using graph::Output;
using graph::Scope;

constexpr int kPhilox = 1;

Output Key(const Scope& scope, uint64_t key) {
  return graph::Constant(scope, std::vector<int64_t>{static_cast<int64_t>(key)}, DT_UINT64);
}

Output Counter(const Scope& scope, const Output& step) {
  const Output zero = graph::Constant(scope, 0, DT_UINT64);
  return ops::Pack(scope, {zero, step.valid() ? ops::Cast(scope, step, DT_UINT64) : zero});
}

}  // namespace

Output UniformNumbers(const Scope& scope, const Input& shape, uint64_t key, const Output& step,
                      DataType dtype) {
  return ops::StatelessRandomUniformV2(scope, shape, Key(scope, key), Counter(scope, step), kPhilox,
                                       {.dtype = dtype});
}

Output NormalNumbers(const Scope& scope, const Input& shape, uint64_t key, const Output& step,
                     DataType dtype) {
  return ops::StatelessRandomNormalV2(scope, shape, Key(scope, key), Counter(scope, step), kPhilox,
                                      {.dtype = dtype});
}

}  // namespace stator::nn
