#ifndef STATOR_GRAPH_TENSOR_PROTO_H_
#define STATOR_GRAPH_TENSOR_PROTO_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "proto/tensor.pb.h"

// Tensors inside a graph, decoded to plain bytes and encoded from them.

namespace stator::graph {

// A tensor as bytes: little-endian, row-major; a bool is one byte, 0 or 1; types of less than a
// byte take one byte an element.
struct DenseTensor {
  DataType dtype = DT_INVALID;
  std::vector<int64_t> shape;
  std::string bytes;                 // empty for DT_STRING
  std::vector<std::string> strings;  // the elements of a DT_STRING
  // True when one value stands for all elements: `bytes` or `strings` then holds just that one.
  // Only set when the decoder was asked to keep it so.
  bool is_splat = false;

  // Product of `shape`, which the decoder has checked.
  int64_t num_elements() const;
};

struct DecodeOptions {
  // Bound on the decoded size, strings counted with sizeof(std::string) each. A few bytes of a
  // splat can ask for any amount; the bound is checked before anything is allocated.
  int64_t max_bytes = int64_t{1} << 31;
  // Return a single value that fills more than one element as a splat, whatever size that stands
  // for.
  bool keep_splat = false;
};

// Decodes both forms: tensor_content, and the typed fields, where the last value repeats to the end
// and no value at all means zeros. Errors: kInvalidArgument for a value that disagrees with dtype
// or shape, kResourceExhausted above max_bytes, kUnimplemented for resources and variants.
absl::StatusOr<DenseTensor> DecodeTensor(const TensorProto& proto,
                                         const DecodeOptions& options = {});

// The inverse. Splats and tensors of one element use the typed field, so that they read well as
// text; all others use tensor_content.
absl::StatusOr<TensorProto> EncodeTensor(const DenseTensor& tensor);

}  // namespace stator::graph

#endif  // STATOR_GRAPH_TENSOR_PROTO_H_
