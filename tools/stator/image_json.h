// What `stator inspect --json` says of an image.
#ifndef STATOR_TOOLS_STATOR_IMAGE_JSON_H_
#define STATOR_TOOLS_STATOR_IMAGE_JSON_H_

#include <string>

#include "executable/image_view.h"

namespace stator::tools {

// One JSON object: the target that was chosen and all that there are, sizes of the sections,
// initial values of variables and weights that nobody can replace, symbols, entry points with their
// steps, buffers, kernels. Sizes that depend on symbols are texts, others numbers; buffers and
// kernels are named by their place in their array. For a verified image.
std::string ImageJson(const executable::ImageView& view);

}  // namespace stator::tools

#endif  // STATOR_TOOLS_STATOR_IMAGE_JSON_H_
