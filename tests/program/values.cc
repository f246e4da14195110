#include "tests/program/values.h"

#include <cmath>
#include <cstring>
#include <limits>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "compiler/reference/number.h"

namespace stator::tests {
namespace {

using compiler::reference::BitsOf;
using compiler::reference::Budget;
using compiler::reference::IsFloat;
using compiler::reference::IsSigned;
using compiler::reference::Load;
using compiler::reference::Store;

double MixedFloat(Random& random) {
  constexpr double kInf = std::numeric_limits<double>::infinity();
  constexpr double kSpecial[] = {0.0,        -0.0,  1.0,          -1.0,    0.5,    -1.5,   2.5,
                                 kInf,       -kInf, NAN,          1e-40,   -1e-40, 1e-310, 3.4e38,
                                 -3.4e38,    1e300, 65504.0,      6e-8,    88.7,   -103.9, 709.7,
                                 0.99999994, 1e-8,  2147483648.0, -9.3e18, 255.5};
  switch (random.Below(4)) {
    case 0:
      return kSpecial[random.Below(static_cast<int64_t>(std::size(kSpecial)))];
    case 1:
      return std::ldexp(random.Unit(), static_cast<int>(random.Below(60)) - 30);
    default:
      return random.Unit() * 8;
  }
}

int64_t MixedInteger(DType dtype, Random& random) {
  const int bits = BitsOf(dtype);
  switch (random.Below(4)) {
    case 0: {
      const int64_t lowest =
          IsSigned(dtype) ? std::numeric_limits<int64_t>::min() >> (64 - bits) : 0;
      const int64_t special[] = {0, 1, -1, lowest, ~lowest, lowest + 1, 2, bits, bits - 1};
      return special[random.Below(static_cast<int64_t>(std::size(special)))];
    }
    case 1:
      return static_cast<int64_t>(random.Bits());
    default:
      return random.Below(25) - (IsSigned(dtype) ? 12 : 0);
  }
}

double FloatValue(Fill fill, Random& random) {
  switch (fill) {
    case Fill::kMixed:
      return MixedFloat(random);
    case Fill::kModerate:
      return random.Unit() * 2;
    case Fill::kPositive:
      return 1.0 + random.Unit() * 0.999;
    case Fill::kIndices:
      return static_cast<double>(random.Below(14) - 2);
  }
  return 0;
}

int64_t IntegerValue(DType dtype, Fill fill, Random& random) {
  switch (fill) {
    case Fill::kMixed:
      return MixedInteger(dtype, random);
    case Fill::kModerate:
      return random.Below(9) - (IsSigned(dtype) ? 4 : 0);
    case Fill::kPositive:
      return random.Below(7) + 1;
    case Fill::kIndices:
      return random.Below(14) - (IsSigned(dtype) ? 2 : 0);
  }
  return 0;
}

// Stores every element of a new tensor.
template <typename StoreOne>
Tensor Make(DType dtype, Shape dims, StoreOne store) {
  Budget budget;
  Tensor t = *budget.Allocate(dtype, std::move(dims));
  for (int64_t i = 0; i < t.num_elements(); ++i) store(t, i);
  return t;
}

void StoreNumber(Tensor& t, int64_t i, double value) {
  if (IsFloat(t.dtype())) return Store<double>(t, i, value);
  Store<int64_t>(t, i, static_cast<int64_t>(value));
}

bool IsNan(const Tensor& t, int64_t i) {
  return IsFloat(t.dtype()) && std::isnan(Load<double>(t, i));
}

std::string ElementText(const Tensor& t, int64_t i) {
  if (IsFloat(t.dtype()))
    return absl::StrFormat("%.17g (%a)", Load<double>(t, i), Load<double>(t, i));
  return absl::StrCat(Load<int64_t>(t, i));
}

}  // namespace

uint64_t Random::Bits() {  // splitmix64
  uint64_t z = state_ += 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

double Random::Unit() { return std::ldexp(static_cast<double>(Bits() >> 11), -52) - 1; }

Tensor MakeValues(DType dtype, Shape dims, Fill fill, Random& random) {
  return Make(dtype, std::move(dims), [&](Tensor& t, int64_t i) {
    if (IsFloat(dtype)) {
      Store<double>(t, i, FloatValue(fill, random));
    } else {
      Store<int64_t>(t, i, IntegerValue(dtype, fill, random));
    }
  });
}

Tensor MakeNumbers(DType dtype, Shape dims, const std::vector<double>& values) {
  return Make(dtype, std::move(dims),
              [&](Tensor& t, int64_t i) { StoreNumber(t, i, values.at(static_cast<size_t>(i))); });
}

Tensor MakeSplat(DType dtype, Shape dims, double value) {
  return Make(dtype, std::move(dims), [&](Tensor& t, int64_t i) { StoreNumber(t, i, value); });
}

double Number(const Tensor& t, int64_t i) {
  return IsFloat(t.dtype()) ? Load<double>(t, i) : static_cast<double>(Load<int64_t>(t, i));
}

std::string Difference(const Tensor& expected, const Tensor& actual) {
  if (expected.dtype() != actual.dtype() || expected.dims() != actual.dims()) {
    return absl::StrCat("expected ", executable::DTypeName(expected.dtype()),
                        compiler::reference::ToString(expected.dims()), ", found ",
                        executable::DTypeName(actual.dtype()),
                        compiler::reference::ToString(actual.dims()));
  }
  const int64_t size = expected.element_size();
  int64_t different = 0, first = -1;
  for (int64_t i = 0; i < expected.num_elements(); ++i) {
    if (std::memcmp(expected.data() + i * size, actual.data() + i * size, size) == 0) continue;
    if (IsNan(expected, i) && IsNan(actual, i)) continue;
    if (different++ == 0) first = i;
  }
  if (different == 0) return "";
  return absl::StrCat(different, " of ", expected.num_elements(), " elements differ; element ",
                      first, " should be ", ElementText(expected, first), ", is ",
                      ElementText(actual, first));
}

}  // namespace stator::tests
