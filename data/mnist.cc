#include "data/mnist.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "formats/idx.h"
#include "graph/status_macros.h"

namespace stator::data {

absl::StatusOr<LabeledImages> LoadMnist(const std::string& folder, const std::string& stem) {
  const std::string image_path = absl::StrCat(folder, "/", stem, "-images-idx3-ubyte");
  const std::string label_path = absl::StrCat(folder, "/", stem, "-labels-idx1-ubyte");
  STATOR_ASSIGN_OR_RETURN(formats::IdxArray images, formats::ReadIdxOrGz(image_path));
  STATOR_ASSIGN_OR_RETURN(formats::IdxArray labels, formats::ReadIdxOrGz(label_path));
  if (images.dims.size() != 3) {
    return absl::InvalidArgumentError(absl::StrCat(
        image_path, ": expected 3 dimensions (count, height, width), found ", images.dims.size()));
  }
  if (labels.dims.size() != 1 || labels.dims[0] != images.dims[0]) {
    return absl::InvalidArgumentError(absl::StrCat(
        label_path, ": expected one label for each of ", images.dims[0], " images, found ",
        labels.values.size(), " in ", labels.dims.size(), " dimension(s)"));
  }
  return LabeledImages{images.dims[0], images.dims[1], images.dims[2], std::move(images.values),
                       std::move(labels.values)};
}

}  // namespace stator::data
