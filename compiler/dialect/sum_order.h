#ifndef STATOR_COMPILER_DIALECT_SUM_ORDER_H_
#define STATOR_COMPILER_DIALECT_SUM_ORDER_H_

// The rule that decides the order of every sum (the `accumulate` attributes) from the kind of op,
// the element type and the reduced dimensions alone. Nothing else may choose an order, so that
// tiling, threads, vector width and fusion cannot change a bit.

#include <cstdint>

namespace stator::core {

struct SumOrder {
  int64_t lanes;
  int64_t block;
};

// A chain of FMAs in chunks that fit the first-level cache next to the other operand's panel.
constexpr SumOrder ContractionOrder() { return {1, 4096}; }

// Reducing the innermost dimension runs along memory: 64 lanes are four registers of AVX-512, eight
// of AVX2, sixteen of NEON (32 of twice the width for f64). Reducing only outer ones is vectorized
// over the results, so each is a plain sequence.
constexpr SumOrder ReductionOrder(bool is_f64, bool reduces_innermost) {
  if (!reduces_innermost) return {1, 512};
  return {is_f64 ? 32 : 64, 4096 * 16};
}

}  // namespace stator::core

#endif  // STATOR_COMPILER_DIALECT_SUM_ORDER_H_
