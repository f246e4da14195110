// The part of the verifier that follows execution: blocks, waves, steps, entry points.
#ifndef STATOR_EXECUTABLE_VERIFY_BLOCKS_H_
#define STATOR_EXECUTABLE_VERIFY_BLOCKS_H_

#include "executable/image_model.h"
#include "executable/status.h"

namespace stator::executable {

// For models whose other tables are well formed. See VerifyModel.
Status VerifyBlocks(const ImageModel& model);

}  // namespace stator::executable

#endif  // STATOR_EXECUTABLE_VERIFY_BLOCKS_H_
