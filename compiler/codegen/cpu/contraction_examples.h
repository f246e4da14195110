// For tests and benchmarks: specs of common contractions, dense and row-major.
#ifndef STATOR_COMPILER_CODEGEN_CPU_CONTRACTION_EXAMPLES_H_
#define STATOR_COMPILER_CODEGEN_CPU_CONTRACTION_EXAMPLES_H_

#include <cstdint>

#include "compiler/codegen/cpu/contraction_spec.h"

namespace stator::compiler {

ContractionDim StaticDim(int64_t extent, int64_t a, int64_t b, int64_t out);

// out[m, n] = A[m, k] B[k, n], where A and B may be stored transposed.
ContractionSpec Matmul(int64_t m, int64_t n, int64_t k, bool transpose_a = false,
                       bool transpose_b = false);

// NHWC, filter HWIO; h and w with padding.
struct Convolution {
  int64_t n, h, w, ci, kh, kw, co, stride;
  int64_t oh() const { return (h - kh) / stride + 1; }
  int64_t ow() const { return (w - kw) / stride + 1; }
};
ContractionSpec Forward(const Convolution& c);
ContractionSpec FilterGradient(const Convolution& c);
// Of a stride-1 convolution: A is the padded gradient [n, h, w, co], B the filter, read backwards
// in h and w.
ContractionSpec DataGradient(const Convolution& c);

}  // namespace stator::compiler

#endif  // STATOR_COMPILER_CODEGEN_CPU_CONTRACTION_EXAMPLES_H_
