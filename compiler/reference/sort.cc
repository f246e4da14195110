#include "compiler/reference/sort.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "compiler/reference/number.h"
#include "graph/status_macros.h"

namespace stator::compiler::reference {
namespace {

template <typename T>
bool Before(T a, T b, bool descending) {
  if constexpr (std::is_floating_point_v<T>) {
    if (std::isnan(a) || std::isnan(b)) return !std::isnan(a) && std::isnan(b);
  }
  return descending ? a > b : a < b;
}

// The order of elements `base + i * stride`, i in [0, count).
template <typename T>
std::vector<int64_t> OrderOf(const Tensor& keys, int64_t base, int64_t stride, int64_t count,
                             bool descending) {
  std::vector<int64_t> order(count);
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    return Before(Load<T>(keys, base + a * stride), Load<T>(keys, base + b * stride), descending);
  });
  return order;
}

}  // namespace

absl::StatusOr<std::vector<Tensor>> Sort(Budget& budget, absl::Span<const Tensor> operands,
                                         int64_t dimension, bool descending) {
  const Tensor& keys = operands[0];
  std::vector<Tensor> results;
  for (const Tensor& t : operands) {
    STATOR_ASSIGN_OR_RETURN(Tensor result, budget.Allocate(t.dtype(), t.dims()));
    results.push_back(std::move(result));
  }
  if (keys.num_elements() == 0) return results;
  const int64_t count = keys.dims()[dimension], stride = StridesOf(keys.dims())[dimension];
  Shape others = keys.dims();
  others[dimension] = 1;
  const Shape strides = StridesOf(keys.dims());
  absl::Status status = WithNumberType(keys.dtype(), [&](auto zero) -> absl::Status {
    using T = decltype(zero);
    ForEachIndex(others, [&](const Shape& index) {
      const int64_t base = OffsetOf(index, strides);
      const std::vector<int64_t> order = OrderOf<T>(keys, base, stride, count, descending);
      for (size_t r = 0; r < results.size(); ++r) {
        for (int64_t i = 0; i < count; ++i) {
          CopyElement(operands[r], base + order[i] * stride, results[r], base + i * stride);
        }
      }
    });
    return absl::OkStatus();
  });
  if (!status.ok()) return status;
  return results;
}

absl::StatusOr<std::pair<Tensor, Tensor>> TopK(Budget& budget, const Tensor& operand, int64_t k) {
  const int64_t count = operand.dims().back();
  if (k < 0 || k > count) {
    return absl::InvalidArgumentError(absl::StrCat("top_k needs 0 <= k <= ", count, ", found ", k));
  }
  Shape dims = operand.dims();
  dims.back() = k;
  STATOR_ASSIGN_OR_RETURN(Tensor values, budget.Allocate(operand.dtype(), dims));
  STATOR_ASSIGN_OR_RETURN(Tensor indices, budget.Allocate(DType::kInt32, dims));
  STATOR_RETURN_IF_ERROR(budget.ChargeWork(operand.num_elements()));
  const int64_t rows = k == 0 ? 0 : values.num_elements() / k;
  absl::Status status = WithNumberType(operand.dtype(), [&](auto zero) -> absl::Status {
    using T = decltype(zero);
    for (int64_t row = 0; row < rows; ++row) {
      const std::vector<int64_t> order = OrderOf<T>(operand, row * count, 1, count, true);
      for (int64_t i = 0; i < k; ++i) {
        CopyElement(operand, row * count + order[i], values, row * k + i);
        Store<int64_t>(indices, row * k + i, order[i]);
      }
    }
    return absl::OkStatus();
  });
  if (!status.ok()) return status;
  return std::make_pair(values, indices);
}

}  // namespace stator::compiler::reference
