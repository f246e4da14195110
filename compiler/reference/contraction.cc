#include "compiler/reference/contraction.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "compiler/reference/number.h"
#include "graph/status_macros.h"

namespace stator::compiler::reference {
namespace {

template <typename T>
T MultiplyAdd(T a, T b, T c) {
  if constexpr (std::is_floating_point_v<T>) {
    return std::fma(a, b, c);
  } else {
    return WrappingAdd(WrappingMul(a, b), c);
  }
}

// The sum over k in [0, count) of lhs(k) * rhs(k), in the fixed order.
template <typename T, typename Lhs, typename Rhs>
T SumOfProducts(int64_t count, int64_t block, Lhs lhs, Rhs rhs) {
  T total = 0;
  for (int64_t begin = 0; begin < count; begin += block) {
    T chain = 0;
    for (int64_t k = begin; k < std::min(begin + block, count); ++k) {
      chain = MultiplyAdd<T>(lhs(k), rhs(k), chain);
    }
    total = begin == 0 ? chain : WrappingAdd(total, chain);
  }
  return total;
}

// Runs compute(T) with the type that sums are computed in: double if an f64 is involved, else float
// for floats; 64 bits for integers, which wrap to the same result.
template <typename Compute>
absl::StatusOr<Tensor> WithSumType(DType operand, DType result, Compute compute) {
  if (IsFloat(operand) && IsFloat(result)) {
    if (operand == DType::kFloat64 || result == DType::kFloat64) return compute(double());
    return compute(float());
  }
  const bool integers = IsInteger(operand) && IsInteger(result);
  if (integers && operand != DType::kBool && result != DType::kBool) return compute(int64_t());
  return absl::UnimplementedError(absl::StrCat("no contraction of ", executable::DTypeName(operand),
                                               " to ", executable::DTypeName(result)));
}

Shape Pick(const Shape& values, Ints axes) {
  Shape picked;
  for (int64_t axis : axes) picked.push_back(values[axis]);
  return picked;
}

// The offset of each index over some dimensions of a tensor, in row-major order of `axes`.
Shape OffsetsOver(const Tensor& t, Ints axes) {
  const Shape strides = Pick(StridesOf(t.dims()), axes);
  Shape offsets;
  ForEachIndex(Pick(t.dims(), axes),
               [&](const Shape& index) { offsets.push_back(OffsetOf(index, strides)); });
  return offsets;
}

Shape FreeAxes(const Tensor& t, Ints batch, Ints contract) {
  Shape free;
  for (int64_t i = 0; i < t.rank(); ++i) {
    const bool used = std::count(batch.begin(), batch.end(), i) != 0 ||
                      std::count(contract.begin(), contract.end(), i) != 0;
    if (!used) free.push_back(i);
  }
  return free;
}

absl::Status ChargeProducts(Budget& budget, const Tensor& result, int64_t products) {
  int64_t work;
  if (__builtin_mul_overflow(result.num_elements(), products, &work)) {
    work = std::numeric_limits<int64_t>::max();
  }
  return budget.ChargeWork(work);
}

}  // namespace

absl::StatusOr<Tensor> DotGeneral(Budget& budget, const Tensor& lhs, const Tensor& rhs,
                                  const DotDimensions& d, DType result_dtype, int64_t block) {
  const Shape lhs_free = FreeAxes(lhs, d.lhs_batch, d.lhs_contract);
  const Shape rhs_free = FreeAxes(rhs, d.rhs_batch, d.rhs_contract);
  if (Pick(lhs.dims(), d.lhs_batch) != Pick(rhs.dims(), d.rhs_batch) ||
      Pick(lhs.dims(), d.lhs_contract) != Pick(rhs.dims(), d.rhs_contract)) {
    return absl::InvalidArgumentError(absl::StrCat("dimensions of ", ToString(lhs.dims()), " and ",
                                                   ToString(rhs.dims()), " do not match"));
  }
  Shape dims = Pick(lhs.dims(), d.lhs_batch);
  for (int64_t axis : lhs_free) dims.push_back(lhs.dims()[axis]);
  for (int64_t axis : rhs_free) dims.push_back(rhs.dims()[axis]);
  STATOR_ASSIGN_OR_RETURN(Tensor result, budget.Allocate(result_dtype, dims));
  if (result.num_elements() == 0) return result;
  const Shape lhs_k = OffsetsOver(lhs, d.lhs_contract), rhs_k = OffsetsOver(rhs, d.rhs_contract);
  STATOR_RETURN_IF_ERROR(ChargeProducts(budget, result, static_cast<int64_t>(lhs_k.size())));
  const Shape lhs_b = OffsetsOver(lhs, d.lhs_batch), rhs_b = OffsetsOver(rhs, d.rhs_batch);
  const Shape lhs_m = OffsetsOver(lhs, lhs_free), rhs_n = OffsetsOver(rhs, rhs_free);
  return WithSumType(lhs.dtype(), result_dtype, [&](auto zero) -> absl::StatusOr<Tensor> {
    using T = decltype(zero);
    const std::vector<T> x = LoadAll<T>(lhs), y = LoadAll<T>(rhs);
    int64_t to = 0;
    for (size_t b = 0; b < lhs_b.size(); ++b) {
      for (int64_t m : lhs_m) {
        for (int64_t n : rhs_n) {
          const T* left = x.data() + lhs_b[b] + m;
          const T* right = y.data() + rhs_b[b] + n;
          Store<T>(result, to++,
                   SumOfProducts<T>(
                       static_cast<int64_t>(lhs_k.size()), block,
                       [&](int64_t k) { return left[lhs_k[k]]; },
                       [&](int64_t k) { return right[rhs_k[k]]; }));
        }
      }
    }
    return result;
  });
}

namespace {

// Size of a spatial dimension of the result; negative if it cannot be.
int64_t OutputSize(int64_t input, int64_t kernel, const ConvolutionSpec& s, size_t i) {
  const int64_t dilated = input == 0 ? 0 : (input - 1) * s.lhs_dilation[i] + 1;
  const int64_t reach = (kernel - 1) * s.rhs_dilation[i] + 1;
  const int64_t room = dilated + s.padding_low[i] + s.padding_high[i] - reach;
  return room < 0 ? 0 : room / s.strides[i] + 1;
}

// Where in the input the kernel's position meets the output's position; -1 if at no element.
int64_t InputOffset(const Tensor& lhs, const Shape& strides, const ConvolutionSpec& s,
                    const Shape& output, const Shape& kernel) {
  int64_t offset = 0;
  for (size_t i = 0; i < kernel.size(); ++i) {
    const int64_t axis = s.input_spatial[i];
    const int64_t position =
        output[i] * s.strides[i] + kernel[i] * s.rhs_dilation[i] - s.padding_low[i];
    if (position < 0 || position % s.lhs_dilation[i] != 0 ||
        position / s.lhs_dilation[i] >= lhs.dims()[axis]) {
      return -1;
    }
    offset += position / s.lhs_dilation[i] * strides[axis];
  }
  return offset;
}

}  // namespace

absl::StatusOr<Tensor> Convolution(Budget& budget, const Tensor& lhs, const Tensor& rhs,
                                   const ConvolutionSpec& s, DType result_dtype, int64_t block) {
  STATOR_RETURN_IF_ERROR(
      CheckMagnitudes({s.strides, s.padding_low, s.padding_high, s.lhs_dilation, s.rhs_dilation}));
  const int64_t features = rhs.dims()[s.kernel_output_feature];
  const int64_t channels = rhs.dims()[s.kernel_input_feature];
  if (lhs.dims()[s.input_feature] != channels * s.feature_group_count ||
      features % s.feature_group_count != 0) {
    return absl::InvalidArgumentError(absl::StrCat("features of ", ToString(lhs.dims()), " and ",
                                                   ToString(rhs.dims()), " do not match for ",
                                                   s.feature_group_count, " groups"));
  }
  Shape spatial, dims(lhs.rank());
  dims[s.output_batch] = lhs.dims()[s.input_batch];
  dims[s.output_feature] = features;
  const Shape window = Pick(rhs.dims(), s.kernel_spatial);
  for (size_t i = 0; i < window.size(); ++i) {
    spatial.push_back(OutputSize(lhs.dims()[s.input_spatial[i]], window[i], s, i));
    dims[s.output_spatial[i]] = spatial.back();
  }
  STATOR_ASSIGN_OR_RETURN(Tensor result, budget.Allocate(result_dtype, dims));
  if (result.num_elements() == 0 || rhs.num_elements() == 0) return result;
  // The dimensions of the sum, in the order in which the kernel lies in memory.
  Shape summed;
  for (int64_t i = 0; i < rhs.rank(); ++i) {
    if (i != s.kernel_output_feature) summed.push_back(i);
  }
  const Shape positions = OffsetsOver(rhs, summed);
  const int64_t count = static_cast<int64_t>(positions.size());
  STATOR_RETURN_IF_ERROR(ChargeProducts(budget, result, count));
  const Shape lhs_strides = StridesOf(lhs.dims()), rhs_strides = StridesOf(rhs.dims());
  const Shape strides = StridesOf(dims), spatial_strides = Pick(strides, s.output_spatial);
  return WithSumType(lhs.dtype(), result_dtype, [&](auto zero) -> absl::StatusOr<Tensor> {
    using T = decltype(zero);
    const std::vector<T> x = LoadAll<T>(lhs), w = LoadAll<T>(rhs);
    ForEachIndex(spatial, [&](const Shape& output) {
      Shape inputs;  // for each position of the kernel
      ForEachIndex(Pick(rhs.dims(), summed), [&](const Shape& index) {
        Shape at(rhs.rank());
        for (size_t i = 0; i < summed.size(); ++i) at[summed[i]] = index[i];
        const int64_t first =
            InputOffset(lhs, lhs_strides, s, output, Pick(at, s.kernel_spatial));
        const int64_t channel = at[s.kernel_input_feature] * lhs_strides[s.input_feature];
        inputs.push_back(first < 0 ? -1 : first + channel);
      });
      for (int64_t b = 0; b < dims[s.output_batch]; ++b) {
        for (int64_t f = 0; f < features; ++f) {
          const int64_t group = f / (features / s.feature_group_count);
          const int64_t base =
              b * lhs_strides[s.input_batch] + group * channels * lhs_strides[s.input_feature];
          const int64_t kernel_base = f * rhs_strides[s.kernel_output_feature];
          const T sum = SumOfProducts<T>(
              count, block,
              [&](int64_t k) { return inputs[k] < 0 ? T(0) : x[base + inputs[k]]; },
              [&](int64_t k) { return w[kernel_base + positions[k]]; });
          Store<T>(result,
                   b * strides[s.output_batch] + f * strides[s.output_feature] +
                       OffsetOf(output, spatial_strides),
                   sum);
        }
      }
    });
    return result;
  });
}

}  // namespace stator::compiler::reference
