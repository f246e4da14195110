#include "compiler/codegen/cpu/contraction_examples.h"

namespace stator::compiler {

ContractionDim StaticDim(int64_t extent, int64_t a, int64_t b, int64_t out) {
  return {SizeRef::Static(extent), SizeRef::Static(a), SizeRef::Static(b), SizeRef::Static(out)};
}

ContractionSpec Matmul(int64_t m, int64_t n, int64_t k, bool transpose_a, bool transpose_b) {
  ContractionSpec spec;
  spec.m = {StaticDim(m, transpose_a ? 1 : k, 0, n)};
  spec.n = {StaticDim(n, 0, transpose_b ? k : 1, 1)};
  spec.k = {StaticDim(k, transpose_a ? m : 1, transpose_b ? 1 : n, 0)};
  return spec;
}

ContractionSpec Forward(const Convolution& c) {
  ContractionSpec spec;
  const int64_t row = c.w * c.ci;
  spec.m = {StaticDim(c.n, c.h * row, 0, c.oh() * c.ow() * c.co),
            StaticDim(c.oh(), c.stride * row, 0, c.ow() * c.co),
            StaticDim(c.ow(), c.stride * c.ci, 0, c.co)};
  spec.n = {StaticDim(c.co, 0, 1, 1)};
  spec.k = {StaticDim(c.kh, row, c.kw * c.ci * c.co, 0), StaticDim(c.kw, c.ci, c.ci * c.co, 0),
            StaticDim(c.ci, 1, c.co, 0)};
  return spec;
}

ContractionSpec FilterGradient(const Convolution& c) {
  ContractionSpec spec;
  const int64_t row = c.w * c.ci;
  spec.m = {StaticDim(c.kh, row, 0, c.kw * c.ci * c.co), StaticDim(c.kw, c.ci, 0, c.ci * c.co),
            StaticDim(c.ci, 1, 0, c.co)};
  spec.n = {StaticDim(c.co, 0, 1, 1)};
  spec.k = {StaticDim(c.n, c.h * row, c.oh() * c.ow() * c.co, 0),
            StaticDim(c.oh(), c.stride * row, c.ow() * c.co, 0),
            StaticDim(c.ow(), c.stride * c.ci, c.co, 0)};
  return spec;
}

ContractionSpec DataGradient(const Convolution& c) {
  ContractionSpec spec;
  const int64_t row = c.w * c.co, filter = c.kh * c.kw * c.ci * c.co;
  spec.m = {StaticDim(c.n, c.h * row, 0, c.oh() * c.ow() * c.ci),
            StaticDim(c.oh(), row, 0, c.ow() * c.ci), StaticDim(c.ow(), c.co, 0, c.ci)};
  spec.n = {StaticDim(c.ci, 0, c.co, 1)};
  spec.k = {StaticDim(c.kh, row, -c.kw * c.ci * c.co, 0), StaticDim(c.kw, c.co, -c.ci * c.co, 0),
            StaticDim(c.co, 1, 1, 0)};
  spec.b_offset = SizeRef::Static(filter - c.ci * c.co);
  return spec;
}

}  // namespace stator::compiler
