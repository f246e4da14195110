#ifndef STATOR_COMPILER_MATH_SCALAR_NUMBER_H_
#define STATOR_COMPILER_MATH_SCALAR_NUMBER_H_

#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <optional>

#include "compiler/math/huge_angle.h"
#include "compiler/math/number_format.h"

namespace stator::compiler::math {

// The number type of the reference interpreter: one lane, computed at once. It and EmittedNumber
// (emitted_number.h) offer the same operations, so that a recipe written over either defines both.
// The classes wrap the built-in types because those would promote float to double unasked.

struct ScalarMask {
  bool value;

  friend ScalarMask operator&(ScalarMask a, ScalarMask b) { return {a.value && b.value}; }
  friend ScalarMask operator|(ScalarMask a, ScalarMask b) { return {a.value || b.value}; }
  friend ScalarMask operator^(ScalarMask a, ScalarMask b) { return {a.value != b.value}; }
  friend ScalarMask operator!(ScalarMask a) { return {!a.value}; }
};

// Unsigned integers that wrap; shifts are logical.
template <typename U>
struct ScalarBits {
  U value;

  ScalarBits(U value) : value(value) {}  // NOLINT: constants convert

  friend ScalarBits operator+(ScalarBits a, ScalarBits b) { return a.value + b.value; }
  friend ScalarBits operator-(ScalarBits a, ScalarBits b) { return a.value - b.value; }
  friend ScalarBits operator*(ScalarBits a, ScalarBits b) { return a.value * b.value; }
  friend ScalarBits operator&(ScalarBits a, ScalarBits b) { return a.value & b.value; }
  friend ScalarBits operator|(ScalarBits a, ScalarBits b) { return a.value | b.value; }
  friend ScalarBits operator^(ScalarBits a, ScalarBits b) { return a.value ^ b.value; }
  friend ScalarBits operator<<(ScalarBits a, ScalarBits b) { return a.value << b.value; }
  friend ScalarBits operator>>(ScalarBits a, ScalarBits b) { return a.value >> b.value; }
  friend ScalarMask operator==(ScalarBits a, ScalarBits b) { return {a.value == b.value}; }
  friend ScalarMask operator!=(ScalarBits a, ScalarBits b) { return {a.value != b.value}; }
  friend ScalarBits Select(ScalarMask mask, ScalarBits a, ScalarBits b) {
    return mask.value ? a : b;
  }
};

inline ScalarBits<unsigned __int128> Widen(ScalarBits<uint64_t> bits) { return bits.value; }

inline ScalarBits<uint64_t> Narrow(ScalarBits<unsigned __int128> bits) {
  return static_cast<uint64_t>(bits.value);
}

inline ScalarBits<uint64_t> CountLeadingZeros(ScalarBits<unsigned __int128> bits) {
  const auto high = static_cast<uint64_t>(bits.value >> 64);
  const auto low = static_cast<uint64_t>(bits.value);
  return static_cast<uint64_t>(high != 0 ? std::countl_zero(high) : 64 + std::countl_zero(low));
}

template <typename S>
struct ScalarNumber {
  using Scalar = S;
  using Bits = ScalarBits<typename NumberFormat<S>::Bits>;
  using WideBits = ScalarBits<unsigned __int128>;
  using Mask = ScalarMask;
  using TableIndex = unsigned;

  S value;

  ScalarNumber(double constant) : value(static_cast<S>(constant)) {}  // NOLINT: constants convert
  static ScalarNumber Of(S value) { return ScalarNumber(value); }

  friend ScalarNumber operator-(ScalarNumber a) { return Of(-a.value); }
  friend ScalarNumber operator+(ScalarNumber a, ScalarNumber b) { return Of(a.value + b.value); }
  friend ScalarNumber operator-(ScalarNumber a, ScalarNumber b) { return Of(a.value - b.value); }
  friend ScalarNumber operator*(ScalarNumber a, ScalarNumber b) { return Of(a.value * b.value); }
  friend ScalarNumber operator/(ScalarNumber a, ScalarNumber b) { return Of(a.value / b.value); }
  friend ScalarMask operator<(ScalarNumber a, ScalarNumber b) { return {a.value < b.value}; }
  friend ScalarMask operator<=(ScalarNumber a, ScalarNumber b) { return {a.value <= b.value}; }
  friend ScalarMask operator>(ScalarNumber a, ScalarNumber b) { return {a.value > b.value}; }
  friend ScalarMask operator>=(ScalarNumber a, ScalarNumber b) { return {a.value >= b.value}; }
  friend ScalarMask operator==(ScalarNumber a, ScalarNumber b) { return {a.value == b.value}; }
  friend ScalarMask operator!=(ScalarNumber a, ScalarNumber b) { return {a.value != b.value}; }

  friend ScalarNumber Fma(ScalarNumber a, ScalarNumber b, ScalarNumber c) {
    return Of(std::fma(a.value, b.value, c.value));
  }
  friend ScalarNumber Sqrt(ScalarNumber a) { return Of(std::sqrt(a.value)); }
  friend ScalarNumber Abs(ScalarNumber a) { return Of(std::fabs(a.value)); }
  friend ScalarNumber CopySign(ScalarNumber magnitude, ScalarNumber sign) {
    return Of(std::copysign(magnitude.value, sign.value));
  }
  friend ScalarNumber Floor(ScalarNumber a) { return Of(std::floor(a.value)); }
  friend ScalarNumber Ceil(ScalarNumber a) { return Of(std::ceil(a.value)); }
  friend ScalarNumber Truncate(ScalarNumber a) { return Of(std::trunc(a.value)); }
  friend ScalarNumber RoundEven(ScalarNumber a) { return Of(std::nearbyint(a.value)); }
  friend ScalarNumber Select(ScalarMask mask, ScalarNumber a, ScalarNumber b) {
    return mask.value ? a : b;
  }

  // NaN if either is; -0 < +0.
  friend ScalarNumber Maximum(ScalarNumber a, ScalarNumber b) {
    if (a.value == b.value) return FromBits(ToBits(a) & ToBits(b));
    return a.value > b.value || std::isnan(a.value) ? a : b;
  }
  friend ScalarNumber Minimum(ScalarNumber a, ScalarNumber b) {
    if (a.value == b.value) return FromBits(ToBits(a) | ToBits(b));
    return a.value < b.value || std::isnan(a.value) ? a : b;
  }

  friend Bits ToBits(ScalarNumber a) {
    return std::bit_cast<typename NumberFormat<S>::Bits>(a.value);
  }
  static ScalarNumber FromBits(Bits bits) { return Of(std::bit_cast<S>(bits.value)); }
  // Of an integer below 2^53.
  static ScalarNumber FromInteger(Bits bits) { return Of(static_cast<S>(bits.value)); }

  // One instruction for Scale and SplitExponent (vocabulary.h), where there is one.
  static std::optional<ScalarNumber> HardwareScale(ScalarNumber, ScalarNumber) {
    return std::nullopt;
  }
  static std::optional<std::array<ScalarNumber, 2>> HardwareSplitExponent(ScalarNumber) {
    return std::nullopt;
  }

  static TableIndex MakeTableIndex(Bits bits) { return static_cast<TableIndex>(bits.value & 7); }
  static ScalarNumber Lookup(TableIndex index, const S (&table)[8]) { return Of(table[index]); }
};

inline ScalarNumber<float> NarrowToFloat(ScalarNumber<double> a) {
  return ScalarNumber<float>(a.value);
}

inline ScalarNumber<double> WidenToDouble(ScalarNumber<float> a) {
  return ScalarNumber<double>(a.value);
}

// `rare()` where the mask holds, else `otherwise`; generated code skips `rare` when no lane needs
// it, and takes its result for all lanes when one does. So it must return `otherwise` in lanes
// where the mask does not hold.
template <typename S, typename Rare>
ScalarNumber<S> IfAny(ScalarMask mask, ScalarNumber<S> otherwise, Rare rare) {
  return mask.value ? rare() : otherwise;
}

// Repeats `state = body(state)` while `condition(state)` holds in any lane; the body must leave
// lanes alone that are done.
template <typename S, typename Condition, typename Body>
std::array<ScalarNumber<S>, 2> WhileAny(std::array<ScalarNumber<S>, 2> state, Condition condition,
                                        Body body) {
  while (condition(state).value) state = body(state);
  return state;
}

// The usual reduction, except for finite angles in the mask.
template <typename S>
ReducedAngle<ScalarNumber<S>> ReduceHugeAngles(ScalarMask mask, ScalarNumber<S> angle,
                                               const ReducedAngle<ScalarNumber<S>>& usual) {
  if (!mask.value || std::isinf(angle.value)) return usual;
  const auto load_word = [](ScalarBits<uint64_t> index) {
    return ScalarBits<uint64_t>(kTwoOverPiWords[index.value]);
  };
  const auto reduced =
      ReduceHugeAngle(ScalarNumber<double>(angle.value), NumberFormat<S>::kMantissaBits, load_word);
  const S high = static_cast<S>(reduced.high.value);
  double low = reduced.low.value;
  if constexpr (sizeof(S) == sizeof(float)) low = (reduced.high.value - high) + low;
  return {high, low, static_cast<typename NumberFormat<S>::Bits>(reduced.quadrant.value)};
}

}  // namespace stator::compiler::math

#endif  // STATOR_COMPILER_MATH_SCALAR_NUMBER_H_
