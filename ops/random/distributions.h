#ifndef STATOR_OPS_RANDOM_DISTRIBUTIONS_H_
#define STATOR_OPS_RANDOM_DISTRIBUTIONS_H_

#include "compiler/dialect/core_builder.h"

// Numbers from the words of a Philox stream, bit for bit as TensorFlow makes them. `key` is a
// scalar ui64, `counter` a vector of two ui64; element i uses the words that belong to it, whatever
// the shape.

namespace stator::ops {

// In [0, 1), for f16, bf16, f32 and f64: random bits as the significand of a number in [1, 2),
// minus 1.
mlir::Value Uniform(core::CoreBuilder& b, mlir::Value key, mlir::Value counter, mlir::Type element,
                    const core::Dims& dims);

// Mean 0 and deviation 1 by Box and Muller's method; f16 and bf16 are rounded from f32.
mlir::Value Normal(core::CoreBuilder& b, mlir::Value key, mlir::Value counter, mlir::Type element,
                   const core::Dims& dims);

// minval + word mod (maxval - minval), for i32 and i64.
mlir::Value UniformInt(core::CoreBuilder& b, mlir::Value key, mlir::Value counter,
                       mlir::Value minval, mlir::Value maxval, const core::Dims& dims);

}  // namespace stator::ops

#endif  // STATOR_OPS_RANDOM_DISTRIBUTIONS_H_
