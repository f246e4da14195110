#include "graph/tensor_shape.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "graph/status_macros.h"

namespace stator::graph {
namespace {

constexpr int kMaxRank = 254;

void AppendSize(std::string* out, int64_t size) {
  if (size < 0) {
    absl::StrAppend(out, size == -1 ? "?" : absl::StrCat(size));
  } else {
    absl::StrAppend(out, size);
  }
}

}  // namespace

std::string ShapeText(absl::Span<const int64_t> shape) {
  return absl::StrCat("[", absl::StrJoin(shape, ",", AppendSize), "]");
}

std::string ShapeText(const TensorShapeProto& shape) {
  if (shape.unknown_rank()) return "<unknown rank>";
  std::vector<int64_t> sizes;
  for (const auto& dim : shape.dim()) sizes.push_back(dim.size());
  return ShapeText(sizes);
}

absl::StatusOr<int64_t> NumElements(absl::Span<const int64_t> shape) {
  int64_t product = 1;
  bool empty = false;
  for (const int64_t size : shape) {
    if (size < 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("shape ", ShapeText(shape), ": expected sizes of at least 0, found ", size));
    }
    if (size == 0) {
      empty = true;
    } else if (__builtin_mul_overflow(product, size, &product)) {
      return absl::InvalidArgumentError(
          absl::StrCat("shape ", ShapeText(shape),
                       ": expected a number of elements within 63 bits, found more"));
    }
  }
  return empty ? 0 : product;
}

absl::Status CheckShape(const TensorShapeProto& shape) {
  if (shape.unknown_rank()) {
    if (shape.dim_size() == 0) return absl::OkStatus();
    return absl::InvalidArgumentError("shape of unknown rank: expected no dimensions, found some");
  }
  if (shape.dim_size() > kMaxRank) {
    return absl::InvalidArgumentError(absl::StrCat("shape: expected at most ", kMaxRank,
                                                   " dimensions, found ", shape.dim_size()));
  }
  std::vector<int64_t> known;
  for (const auto& dim : shape.dim()) {
    if (dim.size() < -1) {
      return absl::InvalidArgumentError(absl::StrCat(
          "shape ", ShapeText(shape), ": expected sizes of at least -1, found ", dim.size()));
    }
    if (dim.size() >= 0) known.push_back(dim.size());
  }
  return NumElements(known).status();
}

absl::StatusOr<std::vector<int64_t>> StaticShape(const TensorShapeProto& shape) {
  if (shape.unknown_rank()) {
    return absl::InvalidArgumentError("expected a known shape, found one of unknown rank");
  }
  std::vector<int64_t> sizes;
  sizes.reserve(shape.dim_size());
  for (const auto& dim : shape.dim()) sizes.push_back(dim.size());
  STATOR_RETURN_IF_ERROR(CheckShape(shape));
  STATOR_RETURN_IF_ERROR(NumElements(sizes).status());
  return sizes;
}

TensorShapeProto ShapeProto(absl::Span<const int64_t> shape) {
  TensorShapeProto proto;
  for (const int64_t size : shape) proto.add_dim()->set_size(size);
  return proto;
}

}  // namespace stator::graph
