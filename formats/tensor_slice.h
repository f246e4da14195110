#ifndef STATOR_FORMATS_TENSOR_SLICE_H_
#define STATOR_FORMATS_TENSOR_SLICE_H_

// Rectangular parts of tensors, as checkpoints store and name them.

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "proto/tensor_slice.pb.h"

namespace stator::formats {

// What a slice takes of one dimension.
struct SliceExtent {
  int64_t start = 0;
  int64_t length = -1;  // -1: the whole dimension; start is 0 then

  bool whole() const { return length < 0; }
  friend bool operator==(const SliceExtent&, const SliceExtent&) = default;
};
using TensorSlice = std::vector<SliceExtent>;  // one extent for each dimension

// The text of SaveV2's and RestoreV2's `shape_and_slices`: "4 5 0,2:-" is rows 0 and 1 of a 4x5
// tensor. An empty text means a whole tensor, whose shape it does not tell.
struct ShapeAndSlice {
  bool whole = true;
  std::vector<int64_t> dims;  // of the whole tensor
  TensorSlice slice;
};
absl::StatusOr<ShapeAndSlice> ParseShapeAndSlice(absl::string_view text);

// The sizes of a slice of a tensor of `dims`. kInvalidArgument if it does not lie inside.
absl::StatusOr<std::vector<int64_t>> SliceDims(const TensorSlice& slice,
                                               absl::Span<const int64_t> dims);

// The key of a slice's own entry in a checkpoint's index. Ordered like the slices.
std::string SliceKey(absl::string_view tensor, const TensorSlice& slice);

TensorSliceProto ToProto(const TensorSlice& slice);
TensorSlice FromProto(const TensorSliceProto& proto);

// Copies what two parts of one tensor share. `from` holds the elements of part `from_slice`, `to`
// has room for part `to_slice`, both row major with elements of `width` bytes; the slices lie
// inside `dims`. Returns how many elements they share.
int64_t CopyShared(absl::Span<const int64_t> dims, int width, const TensorSlice& from_slice,
                   const char* from, const TensorSlice& to_slice, char* to);

}  // namespace stator::formats

#endif  // STATOR_FORMATS_TENSOR_SLICE_H_
