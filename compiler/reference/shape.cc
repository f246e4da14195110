#include "compiler/reference/shape.h"

#include <algorithm>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "compiler/reference/combine.h"
#include "compiler/reference/number.h"
#include "graph/status_macros.h"

namespace stator::compiler::reference {
namespace {

absl::Status Invalid(std::string message) { return absl::InvalidArgumentError(message); }

int64_t ProductOf(const Shape& dims, size_t begin, size_t end) {
  return std::accumulate(dims.begin() + begin, dims.begin() + end, int64_t{1},
                         std::multiplies<int64_t>());
}

// Copies, for each index of `dims`, the element of `from` that `source` names.
template <typename Source>
absl::StatusOr<Tensor> MoveElements(Budget& budget, const Tensor& from, const Shape& dims,
                                    Source source) {
  STATOR_ASSIGN_OR_RETURN(Tensor result, budget.Allocate(from.dtype(), dims));
  int64_t to = 0;
  ForEachIndex(dims, [&](const Shape& index) { CopyElement(from, source(index), result, to++); });
  return result;
}

absl::StatusOr<Tensor> CopyOf(Budget& budget, const Tensor& tensor) {
  STATOR_ASSIGN_OR_RETURN(Tensor result, budget.Allocate(tensor.dtype(), tensor.dims()));
  std::copy_n(tensor.data(), tensor.num_bytes(), result.mutable_data());
  return result;
}

absl::StatusOr<Shape> ClampStarts(const Shape& operand, const Shape& sizes, Ints start) {
  Shape clamped;
  for (size_t i = 0; i < operand.size(); ++i) {
    if (sizes[i] > operand[i]) {
      return Invalid(
          absl::StrCat("a block of ", ToString(sizes), " does not fit into ", ToString(operand)));
    }
    clamped.push_back(std::clamp<int64_t>(start[i], 0, operand[i] - sizes[i]));
  }
  return clamped;
}

// The dimensions that gather and scatter share: operand [batch, outer, axis size, inner], indices
// [batch, count], updates [batch, outer, count, inner].
struct IndexedAxis {
  int64_t batch, outer, size, inner, count;

  IndexedAxis(const Tensor& operand, const Tensor& indices, int64_t axis, int64_t batch_dims)
      : batch(ProductOf(operand.dims(), 0, batch_dims)),
        outer(ProductOf(operand.dims(), batch_dims, axis)),
        size(operand.dims()[axis]),
        inner(ProductOf(operand.dims(), axis + 1, operand.rank())),
        count(ProductOf(indices.dims(), batch_dims, indices.rank())) {}

  // Visits (element of updates, element of indices, offset of the operand's slice along the axis,
  // inner position) in row-major order of the updates.
  template <typename Visit>
  void ForEach(Visit visit) const {
    int64_t update = 0;
    for (int64_t b = 0; b < batch; ++b) {
      for (int64_t o = 0; o < outer; ++o) {
        for (int64_t c = 0; c < count; ++c) {
          for (int64_t i = 0; i < inner; ++i) {
            visit(update++, b * count + c, (b * outer + o) * size, i);
          }
        }
      }
    }
  }
};

// An index as int64; what does not fit is far outside anyway.
int64_t LoadIndex(const Tensor& indices, int64_t i) {
  const int64_t index = Load<int64_t>(indices, i);
  return indices.dtype() == DType::kUInt64 && index < 0 ? std::numeric_limits<int64_t>::max()
                                                        : index;
}

}  // namespace

absl::StatusOr<Tensor> Iota(Budget& budget, DType dtype, const Shape& dims, int64_t dimension) {
  STATOR_ASSIGN_OR_RETURN(Tensor result, budget.Allocate(dtype, dims));
  return WithNumberType(dtype, [&](auto zero) -> absl::StatusOr<Tensor> {
    using T = decltype(zero);
    int64_t i = 0;
    ForEachIndex(
        dims, [&](const Shape& index) { Store<T>(result, i++, static_cast<T>(index[dimension])); });
    return result;
  });
}

absl::StatusOr<Tensor> BroadcastInDim(Budget& budget, const Tensor& operand,
                                      Ints broadcast_dimensions, const Shape& dims) {
  Shape strides = StridesOf(operand.dims()), result_strides(dims.size(), 0);
  for (size_t i = 0; i < broadcast_dimensions.size(); ++i) {
    const int64_t size = operand.dims()[i], target = dims[broadcast_dimensions[i]];
    if (size != 1 && size != target) {
      return Invalid(
          absl::StrCat("cannot broadcast ", ToString(operand.dims()), " to ", ToString(dims)));
    }
    if (size != 1) result_strides[broadcast_dimensions[i]] = strides[i];
  }
  return MoveElements(budget, operand, dims,
                      [&](const Shape& index) { return OffsetOf(index, result_strides); });
}

absl::StatusOr<Tensor> Reshape(const Tensor& operand, const Shape& dims) {
  int64_t count = 1;
  bool overflow = false;
  for (int64_t d : dims) overflow |= d < 0 || __builtin_mul_overflow(count, d, &count);
  if (overflow || count != operand.num_elements()) {
    return Invalid(
        absl::StrCat("cannot reshape ", ToString(operand.dims()), " to ", ToString(dims)));
  }
  return operand.WithDims(dims);
}

absl::StatusOr<Tensor> Transpose(Budget& budget, const Tensor& operand, Ints permutation) {
  Shape strides = StridesOf(operand.dims()), dims, result_strides;
  for (int64_t axis : permutation) {
    dims.push_back(operand.dims()[axis]);
    result_strides.push_back(strides[axis]);
  }
  return MoveElements(budget, operand, dims,
                      [&](const Shape& index) { return OffsetOf(index, result_strides); });
}

absl::StatusOr<Tensor> Slice(Budget& budget, const Tensor& operand, Ints start, Ints limit,
                             Ints strides) {
  STATOR_RETURN_IF_ERROR(CheckMagnitudes({strides}));
  Shape dims, operand_strides = StridesOf(operand.dims());
  for (size_t i = 0; i < start.size(); ++i) {
    if (start[i] < 0 || limit[i] < start[i] || limit[i] > operand.dims()[i]) {
      return Invalid(absl::StrCat("slice [", start[i], ", ", limit[i], ") of dimension ", i,
                                  " leaves the operand ", ToString(operand.dims())));
    }
    dims.push_back((limit[i] - start[i] + strides[i] - 1) / strides[i]);
  }
  return MoveElements(budget, operand, dims, [&](const Shape& index) {
    int64_t offset = 0;
    for (size_t i = 0; i < index.size(); ++i) {
      offset += (start[i] + index[i] * strides[i]) * operand_strides[i];
    }
    return offset;
  });
}

absl::StatusOr<Tensor> DynamicSlice(Budget& budget, const Tensor& operand, Ints start,
                                    const Shape& sizes) {
  STATOR_ASSIGN_OR_RETURN(const Shape clamped, ClampStarts(operand.dims(), sizes, start));
  const Shape strides = StridesOf(operand.dims());
  const int64_t base = OffsetOf(clamped, strides);
  return MoveElements(budget, operand, sizes,
                      [&](const Shape& index) { return base + OffsetOf(index, strides); });
}

absl::StatusOr<Tensor> DynamicUpdateSlice(Budget& budget, const Tensor& operand,
                                          const Tensor& update, Ints start) {
  STATOR_ASSIGN_OR_RETURN(const Shape clamped, ClampStarts(operand.dims(), update.dims(), start));
  STATOR_ASSIGN_OR_RETURN(Tensor result, CopyOf(budget, operand));
  const Shape strides = StridesOf(operand.dims());
  const int64_t base = OffsetOf(clamped, strides);
  int64_t from = 0;
  ForEachIndex(update.dims(), [&](const Shape& index) {
    CopyElement(update, from++, result, base + OffsetOf(index, strides));
  });
  return result;
}

absl::StatusOr<Tensor> Pad(Budget& budget, const Tensor& operand, const Tensor& padding, Ints low,
                           Ints high, Ints interior) {
  STATOR_RETURN_IF_ERROR(CheckMagnitudes({low, high, interior}));
  Shape dims;
  for (size_t i = 0; i < operand.dims().size(); ++i) {
    const int64_t size = operand.dims()[i];
    const __int128 padded = static_cast<__int128>(size) + low[i] + high[i] +
                            static_cast<__int128>(std::max<int64_t>(size - 1, 0)) * interior[i];
    if (padded < 0 || padded > std::numeric_limits<int64_t>::max()) {
      return Invalid(absl::StrCat("padding of dimension ", i, " gives an impossible size"));
    }
    dims.push_back(static_cast<int64_t>(padded));
  }
  STATOR_ASSIGN_OR_RETURN(Tensor result, budget.Allocate(operand.dtype(), dims));
  const Shape strides = StridesOf(operand.dims());
  int64_t to = 0;
  ForEachIndex(dims, [&](const Shape& index) {
    int64_t offset = 0;
    bool inside = true;
    for (size_t i = 0; i < index.size(); ++i) {
      const int64_t step = interior[i] + 1, position = index[i] - low[i];
      inside &= position >= 0 && position % step == 0 && position / step < operand.dims()[i];
      offset += position / step * strides[i];
    }
    if (inside) {
      CopyElement(operand, offset, result, to++);
    } else {
      CopyElement(padding, 0, result, to++);
    }
  });
  return result;
}

absl::StatusOr<Tensor> Concatenate(Budget& budget, absl::Span<const Tensor> operands,
                                   int64_t dimension) {
  Shape dims = operands[0].dims();
  dims[dimension] = 0;
  for (const Tensor& t : operands) {
    for (int64_t i = 0; i < t.rank(); ++i) {
      if (i != dimension && t.dims()[i] != dims[i]) {
        return Invalid(absl::StrCat("cannot concatenate ", ToString(operands[0].dims()), " and ",
                                    ToString(t.dims()), " along dimension ", dimension));
      }
    }
    dims[dimension] += t.dims()[dimension];
  }
  STATOR_ASSIGN_OR_RETURN(Tensor result, budget.Allocate(operands[0].dtype(), dims));
  const Shape strides = StridesOf(dims);
  int64_t base = 0;
  for (const Tensor& t : operands) {
    int64_t from = 0;
    ForEachIndex(t.dims(), [&](const Shape& index) {
      CopyElement(t, from++, result, base + OffsetOf(index, strides));
    });
    base += t.dims()[dimension] * strides[dimension];
  }
  return result;
}

absl::StatusOr<Tensor> Reverse(Budget& budget, const Tensor& operand, Ints dimensions) {
  const Shape strides = StridesOf(operand.dims());
  return MoveElements(budget, operand, operand.dims(), [&](const Shape& index) {
    Shape source = index;
    for (int64_t d : dimensions) source[d] = operand.dims()[d] - 1 - index[d];
    return OffsetOf(source, strides);
  });
}

absl::StatusOr<Tensor> Gather(Budget& budget, const Tensor& operand, const Tensor& indices,
                              int64_t axis, int64_t batch_dims) {
  const Shape& from = operand.dims();
  Shape dims(from.begin(), from.begin() + axis);
  dims.insert(dims.end(), indices.dims().begin() + batch_dims, indices.dims().end());
  dims.insert(dims.end(), from.begin() + axis + 1, from.end());
  STATOR_ASSIGN_OR_RETURN(Tensor result, budget.Allocate(operand.dtype(), dims));
  const IndexedAxis a(operand, indices, axis, batch_dims);
  if (a.size == 0 || result.num_elements() == 0) return result;
  a.ForEach([&](int64_t update, int64_t index_position, int64_t slice, int64_t inner) {
    const int64_t index = std::clamp<int64_t>(LoadIndex(indices, index_position), 0, a.size - 1);
    CopyElement(operand, (slice + index) * a.inner + inner, result, update);
  });
  return result;
}

absl::StatusOr<Tensor> Scatter(Budget& budget, std::string_view kind, const Tensor& operand,
                               const Tensor& indices, const Tensor& updates, int64_t axis,
                               int64_t batch_dims) {
  const std::optional<Combiner> combiner = FindCombiner(kind);
  if (!combiner) return Invalid(absl::StrCat("unknown kind of scatter ", std::string(kind)));
  STATOR_ASSIGN_OR_RETURN(Tensor result, CopyOf(budget, operand));
  STATOR_RETURN_IF_ERROR(budget.ChargeWork(updates.num_elements()));
  if (updates.num_elements() == 0) return result;
  const IndexedAxis a(operand, indices, axis, batch_dims);
  // Visits the updates that are not dropped, with the element that each one meets.
  auto for_each = [&](auto apply) {
    a.ForEach([&](int64_t update, int64_t index_position, int64_t slice, int64_t inner) {
      const int64_t index = LoadIndex(indices, index_position);
      if (index >= 0 && index < a.size) apply(update, (slice + index) * a.inner + inner);
    });
  };
  if (*combiner == Combiner::kAssign) {  // also of elements without arithmetic
    for_each([&](int64_t update, int64_t to) { CopyElement(updates, update, result, to); });
    return result;
  }
  return WithNumberType(operand.dtype(), [&](auto zero) -> absl::StatusOr<Tensor> {
    using T = decltype(zero);
    for_each([&](int64_t update, int64_t to) {
      Store<T>(
          result, to,
          Combine<T>(*combiner, operand.dtype(), Load<T>(result, to), Load<T>(updates, update)));
    });
    return result;
  });
}

absl::StatusOr<Tensor> Compact(Budget& budget, const Tensor& operand, const Tensor& mask) {
  Shape dims = operand.dims();
  const int64_t inner = ProductOf(dims, 1, dims.size());
  dims[0] = 0;
  for (int64_t i = 0; i < mask.num_elements(); ++i) dims[0] += Load<int64_t>(mask, i);
  STATOR_ASSIGN_OR_RETURN(Tensor result, budget.Allocate(operand.dtype(), dims));
  int64_t to = 0;
  for (int64_t i = 0; i < mask.num_elements(); ++i) {
    if (!Load<uint64_t>(mask, i)) continue;
    for (int64_t j = 0; j < inner; ++j) CopyElement(operand, i * inner + j, result, to++);
  }
  return result;
}

}  // namespace stator::compiler::reference
