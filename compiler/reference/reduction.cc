#include "compiler/reference/reduction.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "compiler/reference/combine.h"
#include "compiler/reference/number.h"
#include "graph/status_macros.h"

namespace stator::compiler::reference {
namespace {

absl::StatusOr<Combiner> CombinerFor(std::string_view kind, DType dtype) {
  const std::optional<Combiner> combiner = FindCombiner(kind);
  const bool bitwise = combiner == Combiner::kAnd || combiner == Combiner::kOr;
  if (!combiner || *combiner == Combiner::kAssign || (bitwise && !IsInteger(dtype))) {
    return absl::InvalidArgumentError(absl::StrCat("no reduction by ", std::string(kind),
                                                   " of elements of type ",
                                                   executable::DTypeName(dtype)));
  }
  return *combiner;
}

// The balanced tree over blocks.
template <typename T, typename Op>
T CombineTree(const std::vector<T>& values, size_t begin, size_t count, Op op) {
  if (count == 1) return values[begin];
  const size_t left = std::bit_floor(count - 1);
  return op(CombineTree(values, begin, left, op),
            CombineTree(values, begin + left, count - left, op));
}

template <typename T, typename Get, typename Op>
T ReduceOrdered(int64_t count, const ReduceOrder& order, T identity, Get get, Op op) {
  if (count == 0) return identity;
  std::vector<T> blocks, lanes(order.lanes);
  for (int64_t begin = 0; begin < count; begin += order.block) {
    std::fill(lanes.begin(), lanes.end(), identity);
    for (int64_t i = begin; i < std::min(begin + order.block, count); ++i) {
      T& lane = lanes[(i - begin) % order.lanes];
      lane = op(lane, get(i));
    }
    for (int64_t half = order.lanes / 2; half >= 1; half /= 2) {
      for (int64_t l = 0; l < half; ++l) lanes[l] = op(lanes[l], lanes[l + half]);
    }
    blocks.push_back(lanes[0]);
  }
  return CombineTree(blocks, 0, blocks.size(), op);
}

// Offsets of the elements over some dimensions, in row-major order of the (sorted) dimensions.
Shape OffsetsOver(const Shape& dims, const Shape& axes) {
  const Shape all = StridesOf(dims);
  Shape sizes, strides, offsets;
  for (int64_t axis : axes) {
    sizes.push_back(dims[axis]);
    strides.push_back(all[axis]);
  }
  ForEachIndex(sizes, [&](const Shape& index) { offsets.push_back(OffsetOf(index, strides)); });
  return offsets;
}

Shape OtherAxes(int64_t rank, const Shape& axes) {
  Shape others;
  for (int64_t i = 0; i < rank; ++i) {
    if (std::count(axes.begin(), axes.end(), i) == 0) others.push_back(i);
  }
  return others;
}

Shape WindowedDims(const Shape& dims, const WindowSpec& w) {
  Shape result;
  for (size_t i = 0; i < dims.size(); ++i) {
    const int64_t reach = (w.sizes[i] - 1) * w.dilations[i] + 1;
    const int64_t room = dims[i] + w.padding_low[i] + w.padding_high[i] - reach;
    result.push_back(room < 0 ? 0 : room / w.strides[i] + 1);
  }
  return result;
}

absl::Status CheckWindow(const WindowSpec& w) {
  return CheckMagnitudes({w.sizes, w.strides, w.dilations, w.padding_low, w.padding_high});
}

// The operand's element at a position of a window; -1 in the padding.
int64_t WindowElement(const Shape& dims, const Shape& strides, const WindowSpec& w,
                      const Shape& output, const Shape& position) {
  int64_t offset = 0;
  for (size_t i = 0; i < dims.size(); ++i) {
    const int64_t at = output[i] * w.strides[i] + position[i] * w.dilations[i] - w.padding_low[i];
    if (at < 0 || at >= dims[i]) return -1;
    offset += at * strides[i];
  }
  return offset;
}

template <typename T>
bool IsNan(T value) {
  if constexpr (std::is_floating_point_v<T>) return std::isnan(value);
  return false;
}

// Whether `value` replaces the extreme found so far.
template <typename T>
bool Beats(T value, T best, bool wants_max) {
  if (IsNan(best)) return false;
  return IsNan(value) || (wants_max ? value > best : value < best);
}

absl::Status ChargeWindows(Budget& budget, const Shape& outputs, const Shape& window) {
  int64_t work = 1;
  for (const Shape* dims : {&outputs, &window}) {
    for (int64_t d : *dims) {
      if (__builtin_mul_overflow(work, d, &work)) work = std::numeric_limits<int64_t>::max();
    }
  }
  return budget.ChargeWork(work);
}

}  // namespace

absl::StatusOr<Tensor> Reduce(Budget& budget, std::string_view kind, const Tensor& operand,
                              Ints dimensions, const ReduceOrder& order) {
  STATOR_ASSIGN_OR_RETURN(const Combiner combiner, CombinerFor(kind, operand.dtype()));
  Shape reduced(dimensions.begin(), dimensions.end());
  std::sort(reduced.begin(), reduced.end());
  const Shape kept = OtherAxes(operand.rank(), reduced);
  Shape dims;
  for (int64_t axis : kept) dims.push_back(operand.dims()[axis]);
  STATOR_ASSIGN_OR_RETURN(Tensor result, budget.Allocate(operand.dtype(), dims));
  STATOR_RETURN_IF_ERROR(budget.ChargeWork(operand.num_elements()));
  if (result.num_elements() == 0) return result;
  const Shape elements = OffsetsOver(operand.dims(), reduced);
  const Shape bases = OffsetsOver(operand.dims(), kept);
  return WithNumberType(operand.dtype(), [&](auto zero) -> absl::StatusOr<Tensor> {
    using T = decltype(zero);
    const T identity = IdentityOf<T>(combiner, operand.dtype());
    // With no elements to reduce the kept dimensions still have results.
    for (int64_t i = 0; i < result.num_elements(); ++i) {
      const T value = ReduceOrdered<T>(
          static_cast<int64_t>(elements.size()), order, identity,
          [&](int64_t e) { return Load<T>(operand, bases[i] + elements[e]); },
          [&](T a, T b) { return Combine<T>(combiner, operand.dtype(), a, b); });
      Store<T>(result, i, value);
    }
    return result;
  });
}

absl::StatusOr<Tensor> ArgReduce(Budget& budget, std::string_view kind, const Tensor& operand,
                                 int64_t dimension, DType index_dtype) {
  const bool wants_max = kind == "argmax";
  const Shape kept = OtherAxes(operand.rank(), {dimension});
  Shape dims;
  for (int64_t axis : kept) dims.push_back(operand.dims()[axis]);
  STATOR_ASSIGN_OR_RETURN(Tensor result, budget.Allocate(index_dtype, dims));
  STATOR_RETURN_IF_ERROR(budget.ChargeWork(operand.num_elements()));
  if (operand.num_elements() == 0) return result;
  const Shape bases = OffsetsOver(operand.dims(), kept);
  const int64_t stride = StridesOf(operand.dims())[dimension];
  return WithNumberType(operand.dtype(), [&](auto zero) -> absl::StatusOr<Tensor> {
    using T = decltype(zero);
    for (int64_t i = 0; i < result.num_elements(); ++i) {
      int64_t best = 0;
      for (int64_t j = 1; j < operand.dims()[dimension]; ++j) {
        if (Beats(Load<T>(operand, bases[i] + j * stride),
                  Load<T>(operand, bases[i] + best * stride), wants_max)) {
          best = j;
        }
      }
      Store<int64_t>(result, i, best);
    }
    return result;
  });
}

absl::StatusOr<Tensor> ReduceWindow(Budget& budget, std::string_view kind, const Tensor& operand,
                                    const WindowSpec& window) {
  STATOR_ASSIGN_OR_RETURN(const Combiner combiner, CombinerFor(kind, operand.dtype()));
  STATOR_RETURN_IF_ERROR(CheckWindow(window));
  const Shape dims = WindowedDims(operand.dims(), window);
  const Shape sizes(window.sizes.begin(), window.sizes.end());
  STATOR_ASSIGN_OR_RETURN(Tensor result, budget.Allocate(operand.dtype(), dims));
  STATOR_RETURN_IF_ERROR(ChargeWindows(budget, dims, sizes));
  const Shape strides = StridesOf(operand.dims());
  return WithNumberType(operand.dtype(), [&](auto zero) -> absl::StatusOr<Tensor> {
    using T = decltype(zero);
    const T identity = IdentityOf<T>(combiner, operand.dtype());
    int64_t to = 0;
    ForEachIndex(dims, [&](const Shape& output) {
      T value = identity;
      ForEachIndex(sizes, [&](const Shape& position) {
        const int64_t at = WindowElement(operand.dims(), strides, window, output, position);
        value =
            Combine<T>(combiner, operand.dtype(), value, at < 0 ? identity : Load<T>(operand, at));
      });
      Store<T>(result, to++, value);
    });
    return result;
  });
}

absl::StatusOr<Tensor> SelectAndScatter(Budget& budget, const Tensor& operand, const Tensor& source,
                                        const WindowSpec& window) {
  STATOR_RETURN_IF_ERROR(CheckWindow(window));
  if (source.dims() != WindowedDims(operand.dims(), window)) {
    return absl::InvalidArgumentError(absl::StrCat("source ", ToString(source.dims()),
                                                   " does not match the windows of ",
                                                   ToString(operand.dims())));
  }
  const Shape sizes(window.sizes.begin(), window.sizes.end());
  STATOR_ASSIGN_OR_RETURN(Tensor result, budget.Allocate(operand.dtype(), operand.dims()));
  STATOR_RETURN_IF_ERROR(ChargeWindows(budget, source.dims(), sizes));
  const Shape strides = StridesOf(operand.dims());
  return WithNumberType(operand.dtype(), [&](auto zero) -> absl::StatusOr<Tensor> {
    using T = decltype(zero);
    std::vector<T> sums(operand.num_elements(), T(0));
    int64_t from = 0;
    ForEachIndex(source.dims(), [&](const Shape& output) {
      int64_t best = -1;
      ForEachIndex(sizes, [&](const Shape& position) {
        const int64_t at = WindowElement(operand.dims(), strides, window, output, position);
        if (at < 0) return;
        if (best < 0 || Beats(Load<T>(operand, at), Load<T>(operand, best), true)) best = at;
      });
      const T value = Load<T>(source, from++);
      if (best >= 0) sums[best] = Combine<T>(Combiner::kAdd, operand.dtype(), sums[best], value);
    });
    for (int64_t i = 0; i < result.num_elements(); ++i) Store<T>(result, i, sums[i]);
    return result;
  });
}

absl::StatusOr<Tensor> Cumulative(Budget& budget, std::string_view kind, const Tensor& operand,
                                  int64_t dimension, bool exclusive, bool reverse) {
  STATOR_ASSIGN_OR_RETURN(const Combiner combiner, CombinerFor(kind, operand.dtype()));
  STATOR_ASSIGN_OR_RETURN(Tensor result, budget.Allocate(operand.dtype(), operand.dims()));
  if (operand.num_elements() == 0) return result;
  const Shape bases = OffsetsOver(operand.dims(), OtherAxes(operand.rank(), {dimension}));
  const int64_t stride = StridesOf(operand.dims())[dimension], count = operand.dims()[dimension];
  return WithNumberType(operand.dtype(), [&](auto zero) -> absl::StatusOr<Tensor> {
    using T = decltype(zero);
    for (int64_t base : bases) {
      T running = IdentityOf<T>(combiner, operand.dtype());
      for (int64_t i = 0; i < count; ++i) {
        const int64_t at = base + (reverse ? count - 1 - i : i) * stride;
        if (exclusive) Store<T>(result, at, running);
        running = Combine<T>(combiner, operand.dtype(), running, Load<T>(operand, at));
        if (!exclusive) Store<T>(result, at, running);
      }
    }
    return result;
  });
}

}  // namespace stator::compiler::reference
