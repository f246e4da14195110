#ifndef STATOR_GRAPH_TENSOR_SHAPE_H_
#define STATOR_GRAPH_TENSOR_SHAPE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "proto/tensor_shape.pb.h"

// Shapes in protobuf form, with 64-bit checked arithmetic.

namespace stator::graph {

// "[2,?,3]"; "<unknown rank>"; "[]" for a scalar.
std::string ShapeText(const TensorShapeProto& shape);
std::string ShapeText(absl::Span<const int64_t> shape);

// Dimensions at least -1, no dimensions beside unknown_rank, at most 254 of them, and the product
// of the known ones within 63 bits.
absl::Status CheckShape(const TensorShapeProto& shape);

// The sizes of a shape whose dimensions are all known; an error for any other, or if CheckShape
// fails.
absl::StatusOr<std::vector<int64_t>> StaticShape(const TensorShapeProto& shape);

// Product of the sizes; kInvalidArgument for a negative size or when it passes 63 bits. A zero
// anywhere makes the product zero, but the other sizes must still multiply within 63 bits, as
// TensorFlow requires.
absl::StatusOr<int64_t> NumElements(absl::Span<const int64_t> shape);

TensorShapeProto ShapeProto(absl::Span<const int64_t> shape);  // -1: unknown size

}  // namespace stator::graph

#endif  // STATOR_GRAPH_TENSOR_SHAPE_H_
