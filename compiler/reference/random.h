#ifndef STATOR_COMPILER_REFERENCE_RANDOM_H_
#define STATOR_COMPILER_REFERENCE_RANDOM_H_

#include <array>

#include "compiler/reference/tensor.h"

namespace stator::compiler::reference {

// One block of the Philox 4x32-10 generator of Salmon et al. (2011).
std::array<uint32_t, 4> Philox(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key);

// Words of the stream. key: scalar ui64, low word first; counter: two ui64, low first. Element i of
// ui32 is word i mod 4 of the block for counter + i/4 (with carry); of ui64, words 2i and 2i+1, low
// first.
absl::StatusOr<Tensor> RngBits(Budget& budget, const Tensor& key, const Tensor& counter,
                               DType dtype, const Shape& dims);

}  // namespace stator::compiler::reference

#endif  // STATOR_COMPILER_REFERENCE_RANDOM_H_
