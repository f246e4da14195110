#include "data/pipeline.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "data/shuffle.h"
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

absl::StatusOr<BatchPlan> BatchPlan::Create(int64_t example_count, const BatchOptions& options) {
  if (options.batch_size < 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("batch_size must be at least 1, found ", options.batch_size));
  }
  const int64_t full = example_count / options.batch_size;
  const bool rest = example_count % options.batch_size != 0 && !options.drop_remainder;
  if (example_count < 1 || full + rest == 0) {
    return absl::InvalidArgumentError(absl::StrCat("no batch of ", options.batch_size,
                                                   " can be made of ", example_count, " examples"));
  }
  return BatchPlan(example_count, options, full + rest);
}

std::vector<int64_t> BatchPlan::Examples(int64_t epoch, int64_t step) const {
  const int64_t begin = step * options_.batch_size;
  const int64_t end = std::min(begin + options_.batch_size, example_count_);
  std::vector<int64_t> examples;
  examples.reserve(std::max<int64_t>(end - begin, 0));
  const Permutation order(options_.seed, epoch, example_count_);
  for (int64_t i = begin; i < end; ++i) examples.push_back(options_.shuffle ? order[i] : i);
  return examples;
}

void GatherImages(const LabeledImages& set, const std::vector<int64_t>& examples, float* images,
                  int32_t* labels) {
  const int64_t size = set.height * set.width;
  for (const int64_t example : examples) {
    const uint8_t* pixels = set.pixels.data() + example * size;
    for (int64_t i = 0; i < size; ++i) images[i] = pixels[i] * (1.0f / 255.0f);
    images += size;
    *labels++ = set.labels[example];
  }
}

}  // namespace stator::data
