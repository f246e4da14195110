#ifndef STATOR_GRAPH_TENSOR_SHAPE_H_
#define STATOR_GRAPH_TENSOR_SHAPE_H_

#include <cstdint>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "proto/tensor_shape.pb.h"

// Shapes in protobuf form, and their sizes with 64-bit checked arithmetic.

namespace stator::graph {

// One size of a shape as a user writes it: 3, -1 (unknown), or "batch" (unknown, with a name that
// messages show).
struct Dim {
  Dim(int64_t size) : size(size) {}                // NOLINT: implicit by design
  Dim(const char* name) : size(-1), name(name) {}  // NOLINT: implicit by design

  int64_t size;
  std::string name;
};

// A shape attribute as a user writes it: {"batch", 784}, PartialShape::Scalar(); unknown rank when
// not given.
class PartialShape {
 public:
  PartialShape() { proto_.set_unknown_rank(true); }
  PartialShape(std::initializer_list<Dim> dims) {  // NOLINT: implicit by design
    for (const Dim& dim : dims) Add(dim);
  }
  PartialShape(const std::vector<int64_t>& sizes) {  // NOLINT: implicit by design
    for (const int64_t size : sizes) Add(size);
  }
  explicit PartialShape(TensorShapeProto proto) : proto_(std::move(proto)) {}

  // A scalar's shape: `PartialShape x = {}` is that of unknown rank.
  static PartialShape Scalar() { return PartialShape(TensorShapeProto()); }

  const TensorShapeProto& proto() const { return proto_; }

 private:
  void Add(const Dim& dim) {
    TensorShapeProto::Dim* added = proto_.add_dim();
    added->set_size(dim.size);
    added->set_name(dim.name);
  }

  TensorShapeProto proto_;
};

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
