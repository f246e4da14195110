// Element-wise sums for each element type.
//
// Half-precision types (f16, bf16) are summed in f32 and rounded once, at the root of the tree;
// others in their own type. Integers wrap. NaNs stay NaNs; which payload survives is not promised.
#ifndef STATOR_DISTRIBUTE_COLLECTIVES_ARITHMETIC_H_
#define STATOR_DISTRIBUTE_COLLECTIVES_ARITHMETIC_H_

#include <cstddef>
#include <cstdint>

#include "absl/types/span.h"
#include "executable/dtype.h"

namespace stator::distribute {

struct Arithmetic {
  size_t element_bytes;  // as the caller stores them
  size_t work_bytes;     // as they are summed; equal unless the type is summed in another

  // target[i] += source[i] in the work type; either may be unaligned.
  void (*accumulate)(void* target, const void* source, size_t count);

  // work[i] = the balanced tree over inputs[0][first + i] ... inputs[n - 1][first + i]; n is a
  // power of two. `work` may be inputs[0] + first where the types are equal.
  void (*sum_inputs)(absl::Span<const void* const> inputs, size_t first, void* work, size_t count);

  // output[i] = work[i] / divisor (a power of two), rounded once. `output` may be
  // `work` where the types are equal. Integers are not divided.
  void (*finish)(const void* work, void* output, size_t count, double divisor);

  // outputs[...][i] = the balanced tree over inputs[...][i] / divisor, for i in [begin, end), in one
  // pass. Outputs may be among the inputs.
  void (*sum_in_place)(absl::Span<const void* const> inputs, absl::Span<void* const> outputs,
                       size_t begin, size_t end, double divisor);
};

// Null for a type that has no sums.
const Arithmetic* ArithmeticOf(executable::DType dtype);

// One element at a time, for tests and for those who fill buffers. Rounds to nearest, ties to even.
float FromHalf(uint16_t bits);
uint16_t ToHalf(float value);
float FromBFloat16(uint16_t bits);
uint16_t ToBFloat16(float value);

}  // namespace stator::distribute

#endif  // STATOR_DISTRIBUTE_COLLECTIVES_ARITHMETIC_H_
