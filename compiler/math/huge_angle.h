#ifndef STATOR_COMPILER_MATH_HUGE_ANGLE_H_
#define STATOR_COMPILER_MATH_HUGE_ANGLE_H_

#include <cstdint>

#include "compiler/math/constants/inverse_trigonometric.h"

// Payne and Hanek's reduction of angles modulo pi/2 in integer arithmetic, for angles too large for
// ReduceAngle. Written over 64- and 128-bit integers (ScalarBits or EmittedBits), one definition
// for both.

namespace stator::compiler::math {

// The bits of 2/pi behind one word of zeros.
inline constexpr uint64_t kTwoOverPiWords[] = {
    0x0000000000000000, 0xa2f9836e4e441529, 0xfc2757d1f534ddc0, 0xdb6295993c439041,
    0xfe5163abdebbc561, 0xb7246e3a424dd2e0, 0x06492eea09d1921c, 0xfe1deb1cb129a73e,
    0xe88235f52ebb4484, 0xe99c7026b45f7e41, 0x3991d639835339f4, 0x9c845f8bbdf9283b,
    0x1ff897ffde05980f, 0xef2f118b5a0a6d1f, 0x6d367ecf27cb09b7, 0x4f463f669e5fea2d,
    0x7527bac7ebe5f17b, 0x3d0739f78a5292ea, 0x6bfb5fb11f8d5d08, 0x56033046fc7b6bab,
    0xf0cfbc209af4361d, 0xa9e391615ee61b08};

// angle = quadrant * pi/2 + (high + low) modulo 2 pi, |high + low| up to about pi/4. Only the two
// low bits of the quadrant count.
template <typename N>
struct ReducedAngle {
  N high;
  N low;
  typename N::Bits quadrant;
};

// Reduces a finite angle >= 2^16 with the given number of mantissa bits. D is the double number
// type; `load_word(i)` yields word i of kTwoOverPiWords.
template <typename D, typename LoadWord>
ReducedAngle<D> ReduceHugeAngle(D angle, uint64_t mantissa_bits, LoadWord load_word) {
  using Word = typename D::Bits;
  using Wide = typename D::WideBits;
  const Word bits = ToBits(angle);
  const Word exponent = (bits >> 52) - 1023;
  const Word mantissa = ((bits & 0xfffffffffffff) | 0x10000000000000) >> (52 - mantissa_bits);

  // The 192 bits of 2/pi that matter: those before them contribute multiples of four quadrants,
  // those behind them less than the result's last bits.
  const Word first_bit = exponent + (62 - mantissa_bits);
  const Word index = first_bit >> 6;
  const Word shift = first_bit & 63;
  const auto window = [&](uint64_t i) {
    return (load_word(index + i) << shift) |
           ((load_word(index + (i + 1)) >> 1) >> (Word(63) - shift));
  };
  // angle * 2/pi modulo 4, with 126 bits behind the point.
  const Wide product = ((Widen(mantissa) * Widen(window(2))) >> 64) +
                       Widen(mantissa) * Widen(window(1)) + (Widen(mantissa * window(0)) << 64);
  // The nearest quadrant, and the rest as sign and magnitude.
  const Wide fraction = product << 2;
  const Word negative = Narrow(fraction >> 127);
  const Wide flip = Wide(0) - Widen(negative);
  const Wide magnitude = (fraction ^ flip) - flip;
  const Word quadrant = Narrow(product >> 126) + negative;

  // The leading 106 bits as two doubles, without rounding, so that cancellation costs nothing.
  const Word zeros = CountLeadingZeros(magnitude);
  const Wide normalized = magnitude << Widen(zeros);
  const auto part = [&](const Word& integer, uint64_t position) {
    const D power = D::FromBits((Word(1023 - 128 + position) - zeros) << 52);
    const D unsigned_part = D::FromInteger(integer) * power;
    return D::FromBits(ToBits(unsigned_part) ^ (negative << 63));
  };
  const D high = part(Narrow(normalized >> 75), 75);
  const D low = part(Narrow(normalized >> 22) & 0x1fffffffffffff, 22);

  // Times pi/2.
  using C = InverseTrigonometricConstants<double>;
  const D product_high = high * C::kHalfPiHigh;
  const D product_low =
      Fma(high, C::kHalfPiHigh, -product_high) + Fma(high, C::kHalfPiLow, low * C::kHalfPiHigh);
  const D sum = product_high + product_low;
  return {sum, (product_high - sum) + product_low, quadrant};
}

}  // namespace stator::compiler::math

#endif  // STATOR_COMPILER_MATH_HUGE_ANGLE_H_
