#include "nn/initializers.h"

#include <cmath>

#include "nn/random_numbers.h"
#include "ops/wrappers.h"

namespace stator::nn {
namespace {

using graph::Output;
using graph::Scope;

struct Fans {
  double in = 1, out = 1;
};

Fans FansOf(const std::vector<int64_t>& dims) {
  if (dims.empty()) return {};
  double window = 1;
  for (size_t i = 0; i + 2 < dims.size(); ++i) window *= static_cast<double>(dims[i]);
  const double out = static_cast<double>(dims.back());
  const double in = dims.size() > 1 ? static_cast<double>(dims[dims.size() - 2]) : out;
  return {std::max(in * window, 1.0), std::max(out * window, 1.0)};
}

}  // namespace

Initializer ConstantValue(float value) {
  return [value](const Scope& scope, DataType dtype, const std::vector<int64_t>& dims, uint64_t) {
    return ops::Fill(scope, dims, ops::Cast(scope, value, dtype));
  };
}

Initializer Zeros() { return ConstantValue(0); }
Initializer Ones() { return ConstantValue(1); }

Initializer GlorotUniform() {
  return [](const Scope& scope, DataType dtype, const std::vector<int64_t>& dims, uint64_t key) {
    const Fans fans = FansOf(dims);
    const float limit = static_cast<float>(std::sqrt(6 / (fans.in + fans.out)));
    const Output unit = UniformNumbers(scope, dims, {key, {}, {}}, dtype);
    return ops::Mul(scope, ops::Sub(scope, unit, 0.5f), 2 * limit);
  };
}

Initializer HeNormal() {
  return [](const Scope& scope, DataType dtype, const std::vector<int64_t>& dims, uint64_t key) {
    const float deviation = static_cast<float>(std::sqrt(2 / FansOf(dims).in));
    const Output normal = NormalNumbers(scope, dims, {key, {}, {}}, dtype);
    return ops::Mul(scope, normal, deviation);
  };
}

}  // namespace stator::nn
