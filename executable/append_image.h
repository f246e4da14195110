// Several programs in one image: how a bundle gets several entry points that share weights and
// code.
#ifndef STATOR_EXECUTABLE_APPEND_IMAGE_H_
#define STATOR_EXECUTABLE_APPEND_IMAGE_H_

#include "executable/image_model.h"

namespace stator::executable {

// Adds the entry points of `from` with all that they use behind those of `image`. Equal constants
// and equal kernels are stored once; initial values of one name must be equal. Both models are well
// formed and for the same target. A weight that one of them cannot replace stays listed as fixed,
// also where it is a variable of the other: replacing it there only would make the entry points
// disagree.
//
// InvalidArgument naming what clashes: an entry point's name, an initial value, a variable's dtype
// or rank, targets. Unimplemented: several devices or
// segments in either, and kernels of `from` that may fail, whose code holds indices of checks.
// After an error `image` is unchanged.
Status AppendImage(const ImageModel& from, ImageModel* image);

}  // namespace stator::executable

#endif  // STATOR_EXECUTABLE_APPEND_IMAGE_H_
