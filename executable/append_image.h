// Several programs in one image: how a bundle gets several entry points that share weights and code.
#ifndef STATOR_EXECUTABLE_APPEND_IMAGE_H_
#define STATOR_EXECUTABLE_APPEND_IMAGE_H_

#include "executable/image_model.h"

namespace stator::executable {

// Adds the entry points of `from` with all that they use behind those of `image`. Equal constants
// and equal kernels are stored once; initial values of one name must be equal. Both models are well
// formed and for the same target. InvalidArgument naming what clashes: an entry point's name, an
// initial value, targets, devices or segments; `image` is then unchanged.
Status AppendImage(const ImageModel& from, ImageModel* image);

}  // namespace stator::executable

#endif  // STATOR_EXECUTABLE_APPEND_IMAGE_H_
