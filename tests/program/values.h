#ifndef STATOR_TESTS_PROGRAM_VALUES_H_
#define STATOR_TESTS_PROGRAM_VALUES_H_

// Test inputs that depend on a seed alone.

#include <cstdint>
#include <string>
#include <vector>

#include "compiler/reference/tensor.h"

namespace stator::tests {

using compiler::reference::Shape;
using compiler::reference::Tensor;
using executable::DType;

// A small generator of its own, so that inputs are the same with every standard library.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15u + 1) {}
  uint64_t Bits();
  // In [0, n).
  int64_t Below(int64_t n) { return static_cast<int64_t>(Bits() % static_cast<uint64_t>(n)); }
  // In [-1, 1).
  double Unit();

 private:
  uint64_t state_;
};

enum class Fill {
  kMixed,     // small and large numbers, zeros of both signs, infinities, NaN, subnormals, extremes
  kModerate,  // in [-2, 2], or small integers
  kPositive,  // in (0, 2], or small integers above 0
  kIndices,   // integers in [-2, 12): some outside of whatever they index
};

Tensor MakeValues(DType dtype, Shape dims, Fill fill, Random& random);
// These numbers, as many as the dims ask for, each rounded once to the dtype.
Tensor MakeNumbers(DType dtype, Shape dims, const std::vector<double>& values);
// The same number everywhere.
Tensor MakeSplat(DType dtype, Shape dims, double value);

// Element i; integers beyond 2^53 are rounded.
double Number(const Tensor& t, int64_t i);

// Where two tensors differ: dtype, dims, or the first element whose bits do (NaNs are all alike).
// Empty if they do not.
std::string Difference(const Tensor& expected, const Tensor& actual);

}  // namespace stator::tests

#endif  // STATOR_TESTS_PROGRAM_VALUES_H_
