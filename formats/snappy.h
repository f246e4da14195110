#ifndef STATOR_FORMATS_SNAPPY_H_
#define STATOR_FORMATS_SNAPPY_H_

#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"

namespace stator::formats {

// The content of a block in Snappy's raw format (varint length, then literals and copies), or
// nothing if it is damaged. The result is at most 64 times as long as the input, which no valid
// block passes.
absl::optional<std::string> UncompressSnappy(absl::string_view packed);

}  // namespace stator::formats

#endif  // STATOR_FORMATS_SNAPPY_H_
