// What `stator inspect` says of a bundle, for people.
#ifndef STATOR_TOOLS_STATOR_IMAGE_SUMMARY_H_
#define STATOR_TOOLS_STATOR_IMAGE_SUMMARY_H_

#include <cstdint>
#include <string>
#include <vector>

#include "executable/image_view.h"

namespace stator::tools {

// What it is and how large.
std::string ImageTitle(const executable::ImageView& view);

// Entry points with inputs, outputs and symbols; variables; weights that cannot be replaced; samples.
std::string ImageSummary(const executable::ImageView& view);

// A dimension of a feed that a caller chooses.
struct EntrySymbol {
  int32_t symbol = 0;  // index into the model's symbols
  std::string feed;    // the first that has it
  int32_t dim = 0;
};
// Those of one entry point, in the order of its feeds. Others may have symbols of the same names.
std::vector<EntrySymbol> EntrySymbols(const executable::ImageModel& model,
                                      const executable::EntryPoint& entry);

}  // namespace stator::tools

#endif  // STATOR_TOOLS_STATOR_IMAGE_SUMMARY_H_
