#ifndef STATOR_COMPILER_MATH_RECIPES_HALF_H_
#define STATOR_COMPILER_MATH_RECIPES_HALF_H_

#include <type_traits>

#include "compiler/math/vocabulary.h"

// Conversions between float and the 16-bit formats, which travel in the low half of 32-bit
// integers. N is a float number type, D a double one.

namespace stator::compiler::math {

template <typename N>
typename N::Bits Bfloat16FromFloat(N x) {
  using Bits = typename N::Bits;
  const Bits bits = ToBits(x);
  const Bits rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
  return Select(x == x, rounded, (bits >> 16) | 0x40);
}

template <typename N>
N FloatFromBfloat16(typename N::Bits bits) {
  return N::FromBits(bits << 16);
}

// A half has 13 mantissa bits less, and its exponent's bias is smaller by 112.
template <typename N>
typename N::Bits HalfFromFloat(N x) {
  using Bits = typename N::Bits;
  const Bits sign = (ToBits(x) >> 16) & 0x8000;
  const N magnitude = Abs(x);
  const Bits bits = ToBits(magnitude);
  const Bits normal = (bits - ((112 << 23) - 0xfff) + ((bits >> 13) & 1)) >> 13;
  // The last bit of 1/2 + |x| counts as much as the last bit of a subnormal half, so the addition
  // rounds.
  const Bits subnormal = ToBits(magnitude + 0.5) - ConstantBits<N>(0.5);
  const Bits finite = Select(magnitude < 0x1p-14, subnormal, normal);
  const Bits result = Select(magnitude < 65536, finite, Select(x == x, Bits(0x7c00), 0x7e00));
  return result | sign;
}

template <typename N>
N FloatFromHalf(typename N::Bits bits) {
  using Bits = typename N::Bits;
  const Bits exponent_and_mantissa = bits & 0x7fff;
  // The multiplication moves the bias, and makes normal numbers of subnormal ones.
  const N finite = N::FromBits(exponent_and_mantissa << 13) * 0x1p112;
  const N special = N::FromBits((exponent_and_mantissa << 13) | 0x7f800000);
  const N magnitude = Select((bits & 0x7c00) == 0x7c00, special, finite);
  return N::FromBits(ToBits(magnitude) | ((bits & 0x8000) << 16));
}

// Rounds to float so that a second rounding, to a 16-bit format, gives what one rounding would have
// given: inexact results are those of the two neighbors whose last bit is set.
template <typename D>
auto FloatFromDoubleToOdd(D x) {
  const auto nearest = NarrowToFloat(x);
  using N = std::remove_const_t<decltype(nearest)>;
  using Bits = typename N::Bits;
  const D back = WidenToDouble(nearest);
  const Bits bits = ToBits(nearest);
  const Bits outward = Select(Abs(back) < Abs(x), bits + 1, bits - 1);
  return N::FromBits(Select((back == x) | (x != x) | ((bits & 1) == 1), bits, outward));
}

}  // namespace stator::compiler::math

#endif  // STATOR_COMPILER_MATH_RECIPES_HALF_H_
