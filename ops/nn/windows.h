#ifndef STATOR_OPS_NN_WINDOWS_H_
#define STATOR_OPS_NN_WINDOWS_H_

#include <cstdint>
#include <vector>

#include "compiler/import/expansion.h"

// What convolutions and pools have in common: layouts and paddings over symbolic sizes.

namespace stator::ops {

// Where batch, channels and the spatial dimensions of an image tensor are.
struct ImageLayout {
  int64_t batch = 0;
  int64_t channels = 3;
  std::vector<int64_t> spatial = {1, 2};
};

// From the attribute `data_format` ("NHWC", "NCHW", "NDHWC", "NCDHW").
ImageLayout LayoutOf(compiler::Expansion& e);

// Padding on both sides of each spatial dimension.
struct WindowPadding {
  core::Dims low, high;
};

// From the attributes `padding` (SAME, VALID, EXPLICIT) and `explicit_paddings`. All vectors have
// one element for each spatial dimension, sizes and windows are of the input and the window.
WindowPadding PaddingOf(compiler::Expansion& e, const ImageLayout& layout, const core::Dims& sizes,
                        const core::Dims& windows, const std::vector<int64_t>& strides,
                        const std::vector<int64_t>& dilations);

// The elements of a list attribute ("strides") for the spatial dimensions; fails unless it has one
// element for each dimension, all positive, and 1 for batch and channels.
std::vector<int64_t> SpatialAttr(compiler::Expansion& e, absl::string_view name,
                                 const ImageLayout& layout);

}  // namespace stator::ops

#endif  // STATOR_OPS_NN_WINDOWS_H_
